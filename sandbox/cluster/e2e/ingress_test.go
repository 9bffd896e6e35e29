package e2e_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/workload"
)

// traefik starts Traefik, and servers in place of the app and of Grafana.
func (i images) traefik(t *testing.T) program {
	t.Helper()
	i.serveAs(t, workload.AppNamespace, "app")
	i.serveAs(t, workload.MonitoringNamespace, "grafana")
	p := i.prepare(t, workload.IngressNamespace, "traefik")
	i.start(t, p, []string{"HTTP_PROXY=" + i.URL},
		"--providers.kubernetesIngress.endpoint="+i.server(), "--providers.kubernetesIngress.token="+p.token,
		"--providers.kubernetesIngress.certAuthFilePath="+p.authority)
	return p
}

// checkRequests sends requests to every kind of host, as a client on the Internet.
func (i images) checkRequests(t *testing.T, c client, p program) {
	domain := i.settings(t).Domain
	require.Eventually(t, func() bool { return c.get(domain).status == http.StatusOK }, 20*time.Second, 100*time.Millisecond)

	home := c.get(domain)
	assert.Equal(t, "app", home.body)
	assert.Equal(t, "max-age=63072000; includeSubDomains", home.header.Get("Strict-Transport-Security"))
	assert.Equal(t, i.certificate(t), home.certificate, "the certificate must be the one in the Secret")
	assert.Equal(t, "grafana", c.get("grafana."+domain).body)
	assert.Equal(t, http.StatusNotFound, c.get("nobody."+domain).status, "a host without a tenant")
	assert.Equal(t, http.StatusServiceUnavailable, c.get("gone."+domain).status, "a suspended tenant")
	assert.Equal(t, "https://"+domain+"/there", c.redirect("http://"+domain+"/there"))
	i.checkRedirects(t, c)
	_, err := tls.Dial("tcp", c.secure, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11})
	assert.Error(t, err, "TLS 1.1 must be refused")

	// Too many requests to one tenant are refused, and those to other hosts are not.
	tier := settings.Tiers[0]
	counts := map[int]int{}
	sent := 4 * tier.Burst
	for range sent {
		counts[c.get("acme."+domain).status]++
	}
	assert.Equal(t, sent, counts[http.StatusOK]+counts[http.StatusTooManyRequests], "%v", counts)
	assert.GreaterOrEqual(t, counts[http.StatusOK], tier.Burst/i.plan(t).Workload.Traefik.Replicas)
	assert.NotZero(t, counts[http.StatusTooManyRequests])
	assert.Equal(t, http.StatusOK, c.get(domain).status)

	_, metrics := get(t, "http://"+p.ports[8082]+"/metrics")
	for _, host := range []string{domain, "acme." + domain} {
		assert.Regexp(t, `traefik_router_requests_total\{[^}]*router="[^"]*-`+strings.ReplaceAll(host, ".", "-")+`[^"]*"`, metrics, "requests must be counted for each host")
	}
}

// checkRedirects sends requests to the old host of a tenant that was renamed.
func (i images) checkRedirects(t *testing.T, c client) {
	t.Helper()
	domain := i.settings(t).Domain
	old, now := "https://before."+domain+"/there?page=2&of=3", "https://after."+domain+"/there?page=2&of=3"
	for method, status := range map[string]int{http.MethodGet: http.StatusMovedPermanently, http.MethodPost: http.StatusPermanentRedirect} {
		redirect := sendMethod(method, c.secure, old)
		assert.Equal(t, status, redirect.status, method)
		assert.Equal(t, now, redirect.header.Get("Location"), method)
		assert.Equal(t, "max-age=300", redirect.header.Get("Cache-Control"), "another tenant may get the old name")
	}
	assert.Equal(t, "app", c.get("after."+domain).body)
}

// serveAs starts a server in place of a workload's Pods. It answers with the workload's name.
func (i images) serveAs(t *testing.T, namespace, app string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, app) // fails only if the client closed the connection
	}))
	t.Cleanup(server.Close)
	pod := i.pod(t, namespace, app)
	for _, port := range pod.Spec.Containers[0].Ports {
		i.listenAs(pod, int(port.ContainerPort), server.Listener.Addr().String())
	}
}

// server returns the URL of the API server.
func (s liveStack) server() string {
	url := s.client.RESTClient().Get().URL()
	return url.Scheme + "://" + url.Host
}

// certificate returns the wildcard certificate in its Secret, in DER form.
func (s liveStack) certificate(t *testing.T) []byte {
	t.Helper()
	secret, err := s.client.CoreV1().Secrets(workload.IngressNamespace).Get(t.Context(), "wildcard-tls", metav1.GetOptions{})
	require.NoError(t, err)
	block, _ := pem.Decode(secret.Data["tls.crt"])
	require.NotNil(t, block)
	parsed, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	return parsed.Raw
}

// client is a client on the Internet. plain and secure are Traefik's addresses for HTTP and
// HTTPS.
type client struct{ plain, secure string }

// response is the response to a request; without one its status is 0.
type response struct {
	status      int
	body        string
	header      http.Header
	certificate []byte
}

// get sends a request to a host by HTTPS.
func (c client) get(host string) response { return send(c.secure, "https://"+host+"/") }

// getRepeatedly sends a request to a host every 100 ms until the test ends.
func (c client) getRepeatedly(t *testing.T, host string) {
	t.Helper()
	go func() {
		for t.Context().Err() == nil {
			c.get(host)
			time.Sleep(100 * time.Millisecond)
		}
	}()
}

// redirect returns the URL to which a request by plain HTTP is redirected.
func (c client) redirect(url string) string { return send(c.plain, url).header.Get("Location") }

// send sends a GET request to an address. The host in the URL is only the requested one.
func send(address, url string) response { return sendMethod(http.MethodGet, address, url) }

// sendMethod sends a request with a method and without a body.
func sendMethod(method, address, url string) response {
	client := &http.Client{
		Timeout:       5 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, address)
			},
		},
	}
	request, err := http.NewRequest(method, url, nil)
	if err != nil {
		return response{}
	}
	resp, err := client.Do(request)
	if err != nil {
		return response{}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return response{}
	}
	out := response{status: resp.StatusCode, body: string(body), header: resp.Header}
	if resp.TLS != nil {
		out.certificate = resp.TLS.PeerCertificates[0].Raw
	}
	return out
}

// get returns the status and body of a GET request; the status is 0 without a response.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}
