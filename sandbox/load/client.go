package load

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// client is a browser, and an agent, at one team.
type client struct {
	http *http.Client
	base string
	// keys are the IDs of the API keys that it created.
	keys []string
}

func newClient(n Network, base string) (*client, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	transport, err := n.transport()
	if err != nil {
		return nil, err
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client{http: &http.Client{Transport: transport, Jar: jar, CheckRedirect: stay, Timeout: 30 * time.Second}, base: base}, nil
}

func (n Network) transport() (*http.Transport, error) {
	transport := &http.Transport{ForceAttemptHTTP2: true}
	if n.Address != "" {
		transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(n.Address, port))
		}
	}
	if n.CA != "" {
		text, err := os.ReadFile(n.CA)
		if err != nil {
			return nil, err
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s has no certificate", n.CA)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return transport, nil
}

// call is a request.
type call struct{ method, path, kind, body, key string }

// tries is how often a request is sent when it is over a rate limit.
const tries = 20

// do sends a request, and returns the body of the response. It waits and tries again when the
// request is over a rate limit. Another status than want is an error.
func (c *client) do(ctx context.Context, r call, want int) (string, error) {
	for range tries {
		got, err := c.once(ctx, r)
		switch {
		case err != nil:
			return "", err
		case got.status == want:
			return got.body, nil
		case got.status != http.StatusTooManyRequests:
			return "", fmt.Errorf("%s %s: %d %s, not %d", r.method, route(r.path), got.status, http.StatusText(got.status), want)
		}
		wait, err := strconv.Atoi(got.retryAfter)
		if err != nil || wait < 1 {
			wait = 1
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(time.Duration(wait) * time.Second):
		}
	}
	return "", fmt.Errorf("%s %s: over the rate limit %d times", r.method, route(r.path), tries)
}

// route returns a path without the token of an invitation, which is secret.
func route(path string) string {
	if strings.HasPrefix(path, "/invitations/") {
		return "/invitations/…"
	}
	return path
}

// answer is what the client needs of a response.
type answer struct {
	status           int
	body, retryAfter string
}

func (c *client) once(ctx context.Context, r call) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, r.method, c.base+r.path, strings.NewReader(r.body))
	if err != nil {
		return answer{}, err
	}
	if r.kind != "" {
		request.Header.Set("Content-Type", r.kind)
	}
	if r.key != "" {
		request.Header.Set("Authorization", "Bearer "+r.key)
	}
	response, err := c.http.Do(request)
	if err != nil {
		var withURL *url.Error
		if errors.As(err, &withURL) {
			err = withURL.Err // the URL may have the token of an invitation
		}
		return answer{}, fmt.Errorf("%s %s: %w", r.method, route(r.path), err)
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, string(text), response.Header.Get("Retry-After")}, err
}

func (c *client) form(ctx context.Context, path string, fields url.Values, want int) (string, error) {
	return c.do(ctx, call{method: http.MethodPost, path: path, kind: "application/x-www-form-urlencoded", body: fields.Encode()}, want)
}

// api sends a request of an agent, and returns the ID of the run.
func (c *client) api(ctx context.Context, key, method, path string, body any, want int) (string, error) {
	var text bytes.Buffer
	if err := json.NewEncoder(&text).Encode(body); err != nil {
		return "", err
	}
	got, err := c.do(ctx, call{method: method, path: path, kind: "application/json", body: text.String(), key: key}, want)
	if err != nil {
		return "", err
	}
	var run struct{ ID string }
	err = json.Unmarshal([]byte(got), &run)
	return run.ID, err
}
