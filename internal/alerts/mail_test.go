package alerts_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/alerts"
	"github.com/genericcorp/platform/sandbox/build"
)

// mailServer takes e-mail on a port of localhost. It wants STARTTLS and a login, as
// mail services do.
type mailServer struct {
	address string
	tls     *tls.Config
	// login has the login of each session, and text each e-mail.
	login, text chan string
}

// newMailServer also makes the programs that the test starts trust the server's certificate.
func newMailServer(t *testing.T) *mailServer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	t.Setenv("SSL_CERT_FILE", write(t, t.TempDir(), "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	m := &mailServer{
		address: "localhost:" + port, login: make(chan string, 100), text: make(chan string, 100),
		tls: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // the test ended
			}
			go m.serve(conn)
		}
	}()
	return m
}

// serve answers one session (RFC 5321, RFC 3207, RFC 4954).
func (m *mailServer) serve(conn net.Conn) {
	defer func() { conn.Close() }()
	in, encrypted := bufio.NewReader(conn), false
	answer := func(lines ...string) { _, _ = conn.Write([]byte(strings.Join(lines, "\r\n") + "\r\n")) }
	answer("220 localhost")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch command := strings.ToUpper(strings.Fields(line + " -")[0]); {
		case command == "EHLO" && !encrypted:
			answer("250-localhost", "250 STARTTLS")
		case command == "EHLO":
			answer("250-localhost", "250 AUTH PLAIN")
		case command == "STARTTLS":
			answer("220 ready")
			conn, encrypted = tls.Server(conn, m.tls), true
			in = bufio.NewReader(conn)
		case command == "AUTH":
			login, _ := base64.StdEncoding.DecodeString(strings.Fields(line)[2])
			m.login <- string(login)
			answer("235 accepted")
		case command == "DATA" && encrypted:
			answer("354 go on")
			var text strings.Builder
			for line != ".\r\n" {
				if line, err = in.ReadString('\n'); err != nil {
					return
				}
				text.WriteString(line)
			}
			m.text <- text.String()
			answer("250 taken")
		case command == "QUIT":
			answer("221 bye")
			return
		default:
			answer("250 ok")
		}
	}
}

// TestAlertsOfOneNameAreOneEmailThroughALoginAndTLS runs the real Alertmanager.
func TestAlertsOfOneNameAreOneEmailThroughALoginAndTLS(t *testing.T) {
	tools, err := build.Alerting("../..", os.Stderr)
	require.NoError(t, err)
	mail, folder := newMailServer(t), t.TempDir()
	write(t, folder, alerts.PasswordFile, "canary")
	delivery := alerts.Delivery{To: "sre@genericcorp.com", From: "alerts@genericcorp.com", Server: mail.address}
	config := write(t, folder, "alertmanager.yaml", durations.ReplaceAllString(delivery.File(stack, folder), "$1: 1s"))
	manager := address(t)
	launch(t, "http://"+manager+"/-/ready", tools.Alertmanager, append(alerts.Alertmanager(config, filepath.Join(folder, "data")), "--web.listen-address="+manager)...)
	post(t, manager, `[
		{"labels": {"alertname": "ContainerOOMKilled", "severity": "warning", "pod": "a"}, "annotations": {"summary": "a was killed", "runbook": "https://r/#a"}},
		{"labels": {"alertname": "ContainerOOMKilled", "severity": "warning", "pod": "b"}, "annotations": {"summary": "b was killed", "runbook": "https://r/#a"}}]`)
	select {
	case text := <-mail.text:
		assert.Equal(t, "\x00alerts@genericcorp.com\x00canary", <-mail.login)
		for _, want := range []string{"Subject: warning: ContainerOOMKilled", "To: sre@genericcorp.com", "firing: a was killed", "firing: b was killed", "https://r/#a"} {
			assert.Contains(t, strings.ReplaceAll(text, "=\r\n", ""), want)
		}
	case <-time.After(30 * time.Second):
		require.Fail(t, "no e-mail arrived")
	}
}
