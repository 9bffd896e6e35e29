package e2e_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// client returns a client for the demo's hosts. Their certificates must be signed by the demo's
// authority.
func (d runningDemo) client(t *testing.T, keepAlive bool) *http.Client {
	t.Helper()
	data, err := os.ReadFile(d.Authority())
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(data))
	here := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, fmt.Sprintf("127.0.0.1:%d", d.ports.HTTPS))
	}
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: !keepAlive, DialContext: here, MaxIdleConnsPerHost: 10,
	}}
}

// status returns the status of the response to a request to a host of the demo. The status is 0
// without a response.
func (d runningDemo) status(t *testing.T, host string) int {
	t.Helper()
	response, err := d.client(t, false).Get(d.URL(host) + "/")
	if err != nil {
		t.Log(err)
		return 0
	}
	require.NoError(t, response.Body.Close())
	return response.StatusCode
}

// refused sends 150 requests at once to a host, and returns how many were refused by its rate
// limit. The tier starter allows 50 at once and 10 more in each second, the tier growth 250.
func (d runningDemo) refused(t *testing.T, host string) int {
	t.Helper()
	client, started := d.client(t, true), time.Now()
	defer client.CloseIdleConnections()
	var refused, failed atomic.Int32
	var senders sync.WaitGroup
	for range 10 {
		senders.Go(func() {
			for range 15 {
				response, err := client.Get(d.URL(host) + "/")
				if err != nil {
					failed.Add(1)
					continue
				}
				_, _ = io.Copy(io.Discard, response.Body) // so that the connection is used again
				_ = response.Body.Close()
				if response.StatusCode == http.StatusTooManyRequests {
					refused.Add(1)
				}
			}
		})
	}
	senders.Wait()
	t.Logf("%s refused %d of 150 requests in %s", host, refused.Load(), time.Since(started).Round(time.Millisecond))
	assert.Zero(t, failed.Load(), "requests without a response")
	return int(refused.Load())
}

// checkGrafana starts Grafana with a program in place of docker, and reads what that would get.
func (d runningDemo) checkGrafana(t *testing.T) {
	folder := t.TempDir()
	calls := filepath.Join(folder, "calls")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "docker"), []byte("#!/bin/sh\necho \"$*\" >>"+calls+"\n"), 0o755))
	t.Setenv("PATH", folder+":"+os.Getenv("PATH"))
	require.NoError(t, d.StartGrafana())
	assert.NotEmpty(t, d.Grafana.Password)

	files := filepath.Join(d.Folder, "grafana")
	for path, want := range map[string]string{
		"config/provisioning/datasources/metrics.yaml": fmt.Sprintf("    url: http://127.0.0.1:%d\n", d.ports.Metrics),
		"config/provisioning/dashboards/platform.yaml": "path: /etc/platform/dashboards",
		"config/dashboards/platform.json":              `"Requests a second by host"`,
		"admin/password":                               d.Grafana.Password,
	} {
		data, err := os.ReadFile(filepath.Join(files, path))
		require.NoError(t, err)
		assert.Contains(t, string(data), want, path)
	}
	data, err := os.ReadFile(calls)
	require.NoError(t, err)
	assert.Contains(t, string(data), "--volume "+filepath.Join(files, "config")+":/etc/platform:ro")
	assert.Contains(t, string(data), " docker.io/grafana/grafana:")
	// Nothing runs that demo-down had to remove with docker.
	require.NoError(t, os.RemoveAll(files))
}
