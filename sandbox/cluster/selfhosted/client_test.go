package selfhosted_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const home = "https://localhost"

// client is a browser, or an agent, on the server.
type client struct {
	http *http.Client
	// key is an agent's API key.
	key string
	// forwarded is the header X-Forwarded-For.
	forwarded string
}

// newClient returns a client without an account.
func (s *server) newClient(t *testing.T) *client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c := &client{http: &http.Client{Jar: jar, CheckRedirect: stay, Timeout: 30 * time.Second}}
	s.trust(t, c)
	return c
}

// trust makes a client trust Caddy's own authority, as README says.
func (s *server) trust(t *testing.T, c *client) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "root.crt")
	s.run(t, "cp", "caddy:/data/caddy/pki/authorities/local/root.crt", file)
	root, err := os.ReadFile(file)
	require.NoError(t, err)
	s.accept(t, c, root)
}

// accept makes a client trust an authority, in PEM format, and no other one. All names lead to the server.
func (s *server) accept(t *testing.T, c *client, authority []byte) {
	t.Helper()
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(authority))
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			return s.Dial(ctx, network, "127.0.0.1:"+port)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	c.http.Transport = transport
}

// answer is a response.
type answer struct {
	status int
	body   string
	// location and strict are the headers Location and Strict-Transport-Security.
	location, strict string
}

// send sends a request, and reads the whole response.
func (c *client) send(method, address, kind, body string) (answer, error) {
	request, err := http.NewRequestWithContext(context.Background(), method, address, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("Content-Type", kind)
	if c.key != "" {
		request.Header.Set("Authorization", "Bearer "+c.key)
	}
	if c.forwarded != "" {
		request.Header.Set("X-Forwarded-For", c.forwarded)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, string(text), response.Header.Get("Location"), response.Header.Get("Strict-Transport-Security")}, err
}

// ask sends a request, and requires a status.
func (c *client) ask(t *testing.T, want int, method, address, kind, body string) string {
	t.Helper()
	got, err := c.send(method, address, kind, body)
	require.NoError(t, err)
	require.Equal(t, want, got.status, got.body)
	return got.body
}

const form = "application/x-www-form-urlencoded"

var keyText = regexp.MustCompile(`id="new-key">(ahq_[^<]+)<`)

// report reports a run with an event, as an agent does.
func (c *client) report(t *testing.T, title string) {
	t.Helper()
	const kind = "application/json"
	created := c.ask(t, http.StatusCreated, "POST", home+"/api/v1/runs", kind, `{"agent":"writer","title":"`+title+`"}`)
	var run struct{ ID string }
	require.NoError(t, json.Unmarshal([]byte(created), &run))
	events := `{"events":[{"kind":"log","message":"Hello from ` + title + `","cost_microusd":1200}]}`
	c.ask(t, http.StatusCreated, "POST", home+"/api/v1/runs/"+run.ID+"/events", kind, events)
	c.ask(t, http.StatusOK, "PATCH", home+"/api/v1/runs/"+run.ID, kind, `{"status":"succeeded"}`)
}

// runs returns the number of runs, and a checksum of the file into which a member exports them.
func (c *client) runs(t *testing.T) (int, string) {
	t.Helper()
	file := c.ask(t, http.StatusOK, "GET", home+"/export/runs.json", "", "")
	var list []any
	require.NoError(t, json.Unmarshal([]byte(file), &list), file)
	sum := sha256.Sum256([]byte(file))
	return len(list), hex.EncodeToString(sum[:])
}

// await waits until AgentHQ answers again. If it looked for migrations while a restore exchanged the
// databases, it answers 503 until it looks again, half a minute later.
func (c *client) await(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		got, err := c.send("GET", home+"/export/runs.json", "", "")
		return err == nil && got.status == http.StatusOK
	}, time.Minute, 500*time.Millisecond)
}
