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
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// client is a client on the Internet. plain and secure are the load balancer's addresses for
// HTTP and HTTPS. roots are the authorities that it trusts.
type client struct {
	plain, secure string
	roots         *x509.CertPool
}

// response is the response to a request; without one its status is 0.
type response struct {
	status int
	body   string
	header http.Header
	err    error
}

// client returns a client that trusts only the demo's authority.
func (d runningDemo) client(t *testing.T) client {
	t.Helper()
	data, err := os.ReadFile(d.Authority())
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(data))
	return client{plain: address(d.ports.HTTP), secure: address(d.ports.HTTPS), roots: roots}
}

func address(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// get sends a request to a host by HTTPS.
func (c client) get(host string) response {
	return c.send(http.MethodGet, c.secure, "https://"+host+"/")
}

// send sends a request without a body to an address. The host in the URL is only the requested one.
func (c client) send(method, to, url string) response {
	request, err := http.NewRequest(method, url, nil)
	if err != nil {
		return response{err: err}
	}
	return c.do(to, request)
}

// do sends a request to an address.
func (c client) do(to string, request *http.Request) response {
	client := &http.Client{
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			TLSClientConfig:   &tls.Config{RootCAs: c.roots},
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, to)
			},
		},
	}
	resp, err := client.Do(request)
	if err != nil {
		return response{err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return response{err: err}
	}
	return response{status: resp.StatusCode, body: string(body), header: resp.Header}
}
