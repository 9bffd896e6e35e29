package server_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/internal/demo"
)

// terminable is AgentHQ on a plain listener, with a member who is signed in.
type terminable struct {
	address, session string
	terminate        context.CancelFunc
	ended            chan error
}

func runAlone(t *testing.T, a *app) *terminable {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &terminable{address: "http://" + listener.Addr().String(), ended: make(chan error, 1)}
	var ctx context.Context
	ctx, s.terminate = context.WithCancel(context.Background())
	go func() { s.ended <- a.Run(ctx, listener) }()
	t.Cleanup(s.terminate)
	r := s.post(t, "/sign-in", "email", demo.Email, "password", demo.Password)
	require.Len(t, r.Cookies(), 1)
	s.session = r.Cookies()[0].String()
	return s
}

func (s *terminable) get(path string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.address+path, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Cookie", s.session)
	return http.DefaultClient.Do(r)
}

func (s *terminable) post(t *testing.T, path string, fields ...string) response {
	t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.address+path, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	r.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Cookie": {s.session}}
	got, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(t, err)
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	require.NoError(t, err)
	return response{got, string(text)}
}

func TestAfterSIGTERMStreamsEndAtOnceWithARetryHintAndRequestsFinish(t *testing.T) {
	postgres, env := alone(t)
	env["DEMO_TENANT"] = "main"
	a := launch(t, postgres, env)
	s := runAlone(t, a)
	var id string
	require.NoError(t, postgres.Admin(t).QueryRow(context.Background(), "SELECT id FROM runs WHERE status = 'running' LIMIT 1").Scan(&id))
	stream, err := s.get("/runs/" + id + "/stream")
	require.NoError(t, err)
	defer stream.Body.Close()
	messages := bufio.NewReader(stream.Body)
	first, err := messages.ReadString('\n')
	require.NoError(t, err)
	assert.Regexp(t, "^(id|event): ", first)

	held, err := postgres.Admin(t).Begin(context.Background())
	require.NoError(t, err)
	_, err = held.Exec(context.Background(), "LOCK TABLE usage")
	require.NoError(t, err)
	slow := make(chan int, 1)
	go func() {
		r, err := s.get("/usage")
		if !assert.NoError(t, err) {
			slow <- 0
			return
		}
		defer r.Body.Close()
		slow <- r.StatusCode
	}()
	require.Eventually(t, func() bool { return a.count(t, "SELECT count(*) FROM pg_locks WHERE NOT granted") == 1 }, 5*time.Second, 20*time.Millisecond)

	begin := time.Now()
	s.terminate()
	rest, err := io.ReadAll(messages)
	require.NoError(t, err)
	assert.True(t, strings.HasSuffix(string(rest), "retry: 3000\n\n"), "%q", rest)
	assert.Less(t, time.Since(begin), time.Second)
	select {
	case <-slow:
		require.Fail(t, "the request waits for the database")
	case <-s.ended:
		require.Fail(t, "the process waits for the request")
	case <-time.After(time.Second):
	}
	require.NoError(t, held.Rollback(context.Background()))
	assert.Equal(t, http.StatusOK, <-slow)
	assert.NoError(t, <-s.ended)
}
