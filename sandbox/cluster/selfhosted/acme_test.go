package selfhosted_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/authority"
	"github.com/genericcorp/platform/sandbox/build"
	"github.com/genericcorp/platform/sandbox/cluster/images"
)

// pebbleConfig makes Pebble connect to the ports of a real authority: 80 for HTTP-01, and 443 for
// TLS-ALPN-01.
const pebbleConfig = `{"pebble": {
	"listenAddress": ":14000", "managementListenAddress": ":15000",
	"certificate": "/etc/pebble/server.crt", "privateKey": "/etc/pebble/server.key",
	"httpPort": 80, "tlsPort": 443, "keyAlgorithm": "ecdsa", "retryAfter": {"authz": 1, "order": 1}
}}`

// startPebble starts Let's Encrypt's test server on the machine of the engine. It leaves the address of
// its ACME directory to README's command, with the certificate of its HTTPS beside compose.yaml. For it,
// hq.internal is this server, and elsewhere.internal an address that does not answer.
func (s *server) startPebble(t *testing.T) (directory string) {
	t.Helper()
	root, err := filepath.Abs(checkout)
	require.NoError(t, err)
	program, err := build.Pebble(root, os.Stderr)
	require.NoError(t, err)
	folder := t.TempDir()
	// The container has another user.
	require.NoError(t, os.Chmod(folder, 0o755))
	require.NoError(t, images.Write(folder, []images.Image{{Name: "pebble", Files: map[string]string{"/pebble": program}, Entrypoint: []string{"/pebble"}}}))
	s.Docker(t, "load", "--input", filepath.Join(folder, "pebble.tar"))
	// An address of the machine that stays when compose.yaml's networks are made again.
	const machine = "198.18.0.1"
	s.Docker(t, "network", "create", "--subnet", "198.18.0.0/24", "--gateway", machine, "machine")
	own, err := authority.New()
	require.NoError(t, err)
	certificate, key, err := own.Issue(machine)
	require.NoError(t, err)
	for name, data := range map[string][]byte{"server.crt": certificate, "server.key": key, "config.json": []byte(pebbleConfig)} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), data, 0o644))
	}
	require.NoError(t, os.WriteFile(filepath.Join(s.folder, "root.crt"), own.Certificate, 0o600))
	s.Docker(t, "run", "--detach", "--name", "pebble", "--network", "host", "--volume", folder+":/etc/pebble:ro", "--env", "PEBBLE_VA_NOSLEEP=1",
		"--add-host", "hq.internal:"+machine, "--add-host", "elsewhere.internal:192.0.2.1", images.Local("pebble"), "-config", "/etc/pebble/config.json")
	t.Cleanup(func() {
		s.Docker(t, "rm", "--force", "pebble")
		s.Docker(t, "network", "rm", "machine")
	})
	return "https://" + machine + ":14000/dir"
}

// checkCertificates uses an ACME server that really connects to the name in DOMAIN.
func (s *server) checkCertificates(t *testing.T, g *guide) {
	before := s.variables(t)
	directory := s.startPebble(t)
	s.setVariables(t, before+"DOMAIN=hq.internal\n")
	s.follow(t, g, "Another certificate authority", "DIRECTORY="+directory)
	c := &client{http: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Timeout: 30 * time.Second}}
	ca, err := os.ReadFile(filepath.Join(s.folder, "root.crt"))
	require.NoError(t, err)
	s.accept(t, c, ca)
	issuer := c.ask(t, http.StatusOK, "GET", strings.Replace(directory, ":14000/dir", ":15000/roots/0", 1), "", "")
	s.accept(t, c, []byte(issuer))

	first := s.certificate(t, []byte(issuer))
	assert.Contains(t, first.Issuer.CommonName, "Pebble Intermediate CA")
	assert.Equal(t, []string{"hq.internal"}, first.DNSNames)
	got, err := c.send("GET", "https://hq.internal/sign-in", "", "")
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, got.status)
	assert.Equal(t, "max-age=31536000", got.strict, "HSTS")
	got, err = c.send("GET", "http://hq.internal/runs?agent=writer", "", "")
	require.NoError(t, err)
	assert.Equal(t, http.StatusPermanentRedirect, got.status)
	assert.Equal(t, "https://hq.internal/runs?agent=writer", got.location)
	log := s.Docker(t, "logs", "pebble")
	assert.Regexp(t, `authz \S+ set VALID by completed challenge`, log)
	assert.Contains(t, log, "There are now 1 orders in the db")

	s.run(t, "restart", "caddy")
	assert.Equal(t, first.SerialNumber, s.certificate(t, []byte(issuer)).SerialNumber)
	s.run(t, "down")
	s.run(t, "up", "--detach", "--wait")
	assert.Equal(t, first.SerialNumber, s.certificate(t, []byte(issuer)).SerialNumber)
	assert.NotContains(t, s.Docker(t, "logs", "pebble"), "There are now 2 orders in the db", "the certificate in the volume is used again")

	s.setVariables(t, strings.Replace(s.variables(t), "hq.internal", "elsewhere.internal", 1))
	s.run(t, "up", "--detach", "--wait")
	s.logged(t, "caddy", "challenge failed")
	assert.Contains(t, s.Docker(t, "logs", "pebble"), "set INVALID by completed challenge")
	s.setVariables(t, before)
	s.run(t, "up", "--detach", "--wait")
}

// certificate waits until Caddy has a certificate for hq.internal from an authority, and returns it.
func (s *server) certificate(t *testing.T, root []byte) *x509.Certificate {
	t.Helper()
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(root))
	var found *x509.Certificate
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		conn, err := s.Dial(ctx, "tcp", "127.0.0.1:443")
		require.NoError(c, err)
		defer conn.Close()
		secure := tls.Client(conn, &tls.Config{ServerName: "hq.internal", RootCAs: pool})
		require.NoError(c, secure.HandshakeContext(ctx))
		found = secure.ConnectionState().PeerCertificates[0]
	}, time.Minute, 500*time.Millisecond, "Caddy has no certificate of the authority")
	return found
}
