package e2e_test

import (
	"crypto/tls"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// checkIngress sends requests to every kind of host, as a client on the Internet.
func (d runningDemo) checkIngress(t *testing.T) {
	c, domain := d.client(t), d.Domain()
	home := c.get(domain)
	assert.Equal(t, http.StatusOK, home.status, home.err)
	assert.Equal(t, "max-age=63072000", home.header.Get("Strict-Transport-Security"), "the domain is the zone here, so other hosts of it may not be the platform's")
	for host, want := range map[string]int{"acme." + domain: http.StatusSeeOther, "grafana." + domain: http.StatusOK, "nobody." + domain: http.StatusNotFound, "gone." + domain: http.StatusServiceUnavailable} {
		got := c.get(host)
		assert.Equal(t, want, got.status, "%s: %v", host, got.err)
	}
	redirect := c.send(http.MethodGet, c.plain, "http://"+domain+"/there")
	assert.Equal(t, "https://"+domain+"/there", redirect.header.Get("Location"))
	_, err := tls.Dial("tcp", c.secure, &tls.Config{RootCAs: c.roots, ServerName: domain, MaxVersion: tls.VersionTLS11})
	assert.Error(t, err, "TLS 1.1 must be refused")
}

// checkRedirects sends requests to the old host of a tenant that was renamed.
func (d runningDemo) checkRedirects(t *testing.T) {
	c, domain := d.client(t), d.Domain()
	old, now := "https://before."+domain+"/there?page=2&of=3", "https://after."+domain+"/there?page=2&of=3"
	for method, status := range map[string]int{http.MethodGet: http.StatusMovedPermanently, http.MethodPost: http.StatusPermanentRedirect} {
		var got response
		assert.Eventually(t, func() bool { got = c.send(method, c.secure, old); return got.status == status }, 20*time.Second, 200*time.Millisecond)
		assert.Equal(t, status, got.status, "%s: %v", method, got.err)
		assert.Equal(t, now, got.header.Get("Location"), method)
		assert.Equal(t, "max-age=300", got.header.Get("Cache-Control"), "another tenant may get the old name")
	}
	// The kubelet updates the tenants' files in the app's Pods once a minute.
	assert.Eventually(t, func() bool { return c.get("after."+domain).status == http.StatusSeeOther }, 2*time.Minute, time.Second)
}
