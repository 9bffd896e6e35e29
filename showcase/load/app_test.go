package load_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/build"
	"github.com/genericcorp/platform/sandbox/load"
	"github.com/genericcorp/platform/sandbox/postgrestest"
	"github.com/genericcorp/platform/showcase/internal/demo"
	"github.com/genericcorp/platform/showcase/internal/pgtest"
)

// app is a process of AgentHQ with the tenants acme, which is the demo, beta and gamma.
type app struct {
	network  load.Network
	postgres *pgtest.Server
	// metrics is the address of the process's metrics.
	metrics string
	// port is that of the proxy.
	port    string
	program string
	env     []string
}

func start(t *testing.T) *app {
	t.Helper()
	program, err := build.Program(root(t), "showcase/cmd/agenthq", os.Stderr)
	require.NoError(t, err)
	postgres := pgtest.Start(t, "acme", "beta", "gamma")
	port := strconv.Itoa(postgrestest.FreePort(t))
	inside := "127.0.0.1:" + port
	proxy, ca := startProxy(t, inside)
	a := &app{network: load.Network{Address: "127.0.0.1", CA: ca}, postgres: postgres, metrics: "http://" + inside + "/metrics", port: proxy, program: program}
	a.env = append(os.Environ(), "DATABASE_URL="+postgres.AppURL(), "TENANTS_DIR="+postgres.Folder,
		"PUBLIC_URL=https://"+pgtest.Domain+":"+proxy, "DEMO_TENANT=acme", "PORT="+port, "LOG_LEVEL=warn")
	cmd := exec.Command(program)
	cmd.Env, cmd.Stdout, cmd.Stderr = a.env, os.Stderr, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
		require.NoError(t, cmd.Wait())
	})
	require.Eventually(t, func() bool { return strings.Contains(get(a.metrics), `event="demo_reset",tenant="acme"`) },
		30*time.Second, 100*time.Millisecond, "AgentHQ is ready, and the demo has its data")
	return a
}

// get returns the body of a response, or nothing.
func get(address string) string {
	response, err := http.Get(address)
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	text, err := httputil.DumpResponse(response, true)
	if err != nil {
		return ""
	}
	return string(text)
}

// tenants returns the teams. People of acme use the demo's account; beta and gamma have agents and
// a first owner each.
func (a *app) tenants(t *testing.T, agents int) []load.Tenant {
	t.Helper()
	list := []load.Tenant{{URL: "https://acme." + pgtest.Domain + ":" + a.port, Email: demo.Email, Password: demo.Password}}
	for _, name := range []string{"beta", "gamma"} {
		cmd := exec.Command(a.program, "invite", "owner@example.com", name)
		cmd.Env, cmd.Stderr = a.env, os.Stderr
		out, err := cmd.Output()
		require.NoError(t, err)
		link, err := url.Parse(strings.TrimSpace(string(out)))
		require.NoError(t, err)
		list = append(list, load.Tenant{URL: "https://" + link.Host, Invitation: link.Path, Email: "owner@example.com", Password: "only for this test", Agents: agents})
	}
	return list
}

// startProxy starts what the platform has in front of the app: a proxy with TLS. It returns the
// port, and the path of the certificate.
func startProxy(t *testing.T, to string) (port, ca string) {
	t.Helper()
	target := &url.URL{Scheme: "http", Host: to}
	handler := &httputil.ReverseProxy{
		FlushInterval: -1, // a live stream is not kept back
		Transport:     &http.Transport{MaxIdleConnsPerHost: 1000},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
	}
	server := httptest.NewUnstartedServer(handler)
	certificate, ca := certificate(t)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	return strconv.Itoa(server.Listener.Addr().(*net.TCPAddr).Port), ca
}

// certificate returns a certificate for all hosts, which signed itself, and its path.
func certificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"*." + pgtest.Domain}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "ca.crt")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}
