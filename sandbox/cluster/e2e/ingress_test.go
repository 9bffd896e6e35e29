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

// traefik runs Traefik, and who answers behind it as the app and as Grafana.
func (i images) traefik(t *testing.T) program {
	t.Helper()
	i.answers(t, workload.AppNamespace, "app")
	i.answers(t, workload.MonitoringNamespace, "grafana")
	p := i.prepare(t, workload.IngressNamespace, "traefik")
	i.start(t, p, []string{"HTTP_PROXY=" + i.URL},
		"--providers.kubernetesIngress.endpoint="+i.server(), "--providers.kubernetesIngress.token="+p.token,
		"--providers.kubernetesIngress.certAuthFilePath="+p.authority)
	return p
}

// requests come from the Internet to every kind of host.
func (i images) requests(t *testing.T, c caller, p program) {
	domain := i.settings(t).Domain
	require.Eventually(t, func() bool { return c.ask(domain).status == http.StatusOK }, 20*time.Second, 100*time.Millisecond)

	answer := c.ask(domain)
	assert.Equal(t, "app", answer.body)
	assert.Equal(t, "max-age=63072000; includeSubDomains", answer.header.Get("Strict-Transport-Security"))
	assert.Equal(t, i.certificate(t), answer.certificate, "the certificate is the one in the Secret")
	assert.Equal(t, "grafana", c.ask("grafana."+domain).body)
	assert.Equal(t, http.StatusNotFound, c.ask("nobody."+domain).status, "a host of nobody")
	assert.Equal(t, http.StatusServiceUnavailable, c.ask("gone."+domain).status, "a suspended tenant")
	assert.Equal(t, "https://"+domain+"/there", c.redirect("http://"+domain+"/there"))
	i.redirects(t, c)
	_, err := tls.Dial("tcp", c.secure, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11})
	assert.Error(t, err, "nobody speaks TLS 1.1")

	// A tenant that asks too much is held back, and nobody else is.
	tier := settings.Tiers[0]
	counts := map[int]int{}
	asked := 4 * tier.Burst
	for range asked {
		counts[c.ask("acme."+domain).status]++
	}
	assert.Equal(t, asked, counts[http.StatusOK]+counts[http.StatusTooManyRequests], "%v", counts)
	assert.GreaterOrEqual(t, counts[http.StatusOK], tier.Burst/i.plan(t).Workload.Traefik.Replicas)
	assert.NotZero(t, counts[http.StatusTooManyRequests])
	assert.Equal(t, http.StatusOK, c.ask(domain).status)

	_, figures := get(t, "http://"+p.ports[8082]+"/metrics")
	for _, host := range []string{domain, "acme." + domain} {
		assert.Regexp(t, `traefik_router_requests_total\{[^}]*router="[^"]*-`+strings.ReplaceAll(host, ".", "-")+`[^"]*"`, figures, "usage is told apart by host")
	}
}

// redirects come to the old host of a tenant that was renamed.
func (i images) redirects(t *testing.T, c caller) {
	t.Helper()
	domain := i.settings(t).Domain
	old, now := "https://before."+domain+"/there?page=2&of=3", "https://after."+domain+"/there?page=2&of=3"
	for method, status := range map[string]int{http.MethodGet: http.StatusMovedPermanently, http.MethodPost: http.StatusPermanentRedirect} {
		answer := sendBy(method, c.secure, old)
		assert.Equal(t, status, answer.status, method)
		assert.Equal(t, now, answer.header.Get("Location"), method)
		assert.Equal(t, "max-age=300", answer.header.Get("Cache-Control"), "the old name may go to somebody else")
	}
	assert.Equal(t, "app", c.ask("after."+domain).body)
}

// answers lets somebody be the Pods of a workload who says its name.
func (i images) answers(t *testing.T, namespace, app string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, app) // who asked may be gone
	}))
	t.Cleanup(server.Close)
	pod := i.pod(t, namespace, app)
	for _, port := range pod.Spec.Containers[0].Ports {
		i.join(pod, int(port.ContainerPort), server.Listener.Addr().String())
	}
}

func (s stage) server() string {
	url := s.client.RESTClient().Get().URL()
	return url.Scheme + "://" + url.Host
}

// certificate is what the Secret of the wildcard certificate holds.
func (s stage) certificate(t *testing.T) []byte {
	t.Helper()
	secret, err := s.client.CoreV1().Secrets(workload.IngressNamespace).Get(t.Context(), "wildcard-tls", metav1.GetOptions{})
	require.NoError(t, err)
	block, _ := pem.Decode(secret.Data["tls.crt"])
	require.NotNil(t, block)
	parsed, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	return parsed.Raw
}

// caller is somebody on the Internet.
type caller struct{ plain, secure string }

// answer is what a caller gets; without one its status is zero.
type answer struct {
	status      int
	body        string
	header      http.Header
	certificate []byte
}

// ask sends a request to a host by HTTPS.
func (c caller) ask(host string) answer { return send(c.secure, "https://"+host+"/") }

// goOn asks a host again and again until the test ends.
func (c caller) goOn(t *testing.T, host string) {
	t.Helper()
	go func() {
		for t.Context().Err() == nil {
			c.ask(host)
			time.Sleep(100 * time.Millisecond)
		}
	}()
}

// redirect is where a request by plain HTTP is sent to.
func (c caller) redirect(url string) string { return send(c.plain, url).header.Get("Location") }

// send sends a request to an address, whatever its URL says.
func send(address, url string) answer { return sendBy(http.MethodGet, address, url) }

// sendBy sends a request by another method, without a body.
func sendBy(method, address, url string) answer {
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
		return answer{}
	}
	resp, err := client.Do(request)
	if err != nil {
		return answer{}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}
	}
	out := answer{status: resp.StatusCode, body: string(body), header: resp.Header}
	if resp.TLS != nil {
		out.certificate = resp.TLS.PeerCertificates[0].Raw
	}
	return out
}

// get is a plain request; no answer has the status zero.
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
