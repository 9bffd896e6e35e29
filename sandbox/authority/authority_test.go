package authority

import (
	"crypto/tls"
	"crypto/x509"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestIssuedCertificatesAreValidForTheirHostsOnly(t *testing.T) {
	a, err := New()
	require.NoError(t, err)
	certificate, key, err := a.Issue("demo.localhost", "*.demo.localhost", "127.0.0.1")
	require.NoError(t, err)
	pair, err := tls.X509KeyPair(certificate, key)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(a.Certificate))
	for host, valid := range map[string]bool{
		"demo.localhost": true, "acme.demo.localhost": true, "127.0.0.1": true, "a.b.demo.localhost": false, "localhost": false,
	} {
		_, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host})
		assert.Equal(t, valid, err == nil, "%s: %v", host, err)
	}
}

func TestAuthoritiesDoNotTrustEachOther(t *testing.T) {
	a, err := New()
	require.NoError(t, err)
	b, err := New()
	require.NoError(t, err)
	certificate, key, err := a.Issue("localhost")
	require.NoError(t, err)
	pair, err := tls.X509KeyPair(certificate, key)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(b.Certificate))
	_, err = pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "localhost"})
	assert.Error(t, err)
}

func TestClientsHaveTheirUserAndGroup(t *testing.T) {
	a, err := New()
	require.NoError(t, err)
	certificate, key, err := a.IssueClient("kube-apiserver", "system:masters")
	require.NoError(t, err)
	pair, err := tls.X509KeyPair(certificate, key)
	require.NoError(t, err)
	assert.Equal(t, "CN=kube-apiserver,O=system:masters", pair.Leaf.Subject.String())
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(a.Certificate))
	_, err = pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	assert.NoError(t, err)
}
