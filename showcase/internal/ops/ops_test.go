package ops_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/internal/migrate"
	"github.com/genericcorp/platform/showcase/internal/ops"
	"github.com/genericcorp/platform/showcase/internal/tenants"
)

func metrics(t *testing.T) *ops.Metrics {
	t.Helper()
	runner, err := migrate.New("postgresql://nobody@localhost:1/none", nil)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, runner.Close()) })
	return ops.NewMetrics("test", tenants.NewPools(tenants.Limits{Transactions: 1, Pools: 1}), runner)
}

func TestADrainEndsStreamsAndWaitsForRequests(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	entered, release := make(chan struct{}, 2), make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/slow", func(w http.ResponseWriter, _ *http.Request) {
		entered <- struct{}{}
		<-release
		_, _ = w.Write([]byte("whole"))
	})
	mux.HandleFunc("/stream", func(_ http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		<-ops.Draining(r.Context())
	})
	ctx, terminate := context.WithCancel(context.Background())
	var drained atomic.Bool
	served := make(chan error, 1)
	go func() {
		served <- ops.Serve(ctx, slog.New(slog.DiscardHandler), listener, mux, func() { drained.Store(true) })
	}()
	bodies := make(chan string, 2)
	for _, path := range []string{"/slow", "/stream"} {
		go func() {
			r, err := http.Get("http://" + listener.Addr().String() + path)
			if !assert.NoError(t, err) {
				bodies <- "failed"
				return
			}
			defer r.Body.Close()
			text, err := io.ReadAll(r.Body)
			assert.NoError(t, err)
			bodies <- string(text)
		}()
	}
	<-entered
	<-entered
	terminate()
	assert.Empty(t, <-bodies, "the stream ends first")
	assert.True(t, drained.Load())
	_, err = net.DialTimeout("tcp", listener.Addr().String(), time.Second)
	assert.Error(t, err, "new connections are refused")
	close(release)
	assert.Equal(t, "whole", <-bodies)
	assert.NoError(t, <-served)
}

func TestTheClientAddressIsThatOfTheLastTrustedProxy(t *testing.T) {
	for _, c := range []struct {
		hops      int
		forwarded []string
		want      string
	}{
		{0, []string{"203.0.113.1"}, "192.0.2.1"},
		{1, nil, "192.0.2.1"},
		{1, []string{"203.0.113.1"}, "203.0.113.1"},
		{1, []string{"198.51.100.1, 203.0.113.1"}, "203.0.113.1"},
		{1, []string{"198.51.100.1", "203.0.113.1"}, "203.0.113.1"},
		{2, []string{"198.51.100.1, 203.0.113.1, 10.0.0.1"}, "203.0.113.1"},
		{2, []string{"203.0.113.1"}, "203.0.113.1"},
		{1, []string{"not an address"}, "192.0.2.1"},
		{1, []string{"2001:db8:1:2:3:4:5:6"}, "2001:db8:1:2::/64"},
		{1, []string{"2001:db8:1:2:ffff::1%eth0"}, "2001:db8:1:2::/64"},
		{1, []string{"::ffff:203.0.113.1"}, "203.0.113.1"},
	} {
		got := ""
		h := ops.Observe(slog.New(slog.DiscardHandler), metrics(t), c.hops, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = ops.InfoOf(r.Context()).Address }))
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["X-Forwarded-For"] = c.forwarded
		h.ServeHTTP(httptest.NewRecorder(), r)
		assert.Equal(t, c.want, got, c)
	}
}

func TestAPanicIsLoggedAndAnswered(t *testing.T) {
	var log bytes.Buffer
	h := ops.Observe(slog.New(slog.NewJSONHandler(&log, nil)), metrics(t), 0, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom") }))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	assert.Equal(t, http.StatusInternalServerError, w.Code)
	assert.NotContains(t, w.Body.String(), "boom")
	assert.Contains(t, log.String(), "boom")
	aborting := ops.Observe(slog.New(slog.DiscardHandler), metrics(t), 0, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	assert.PanicsWithValue(t, http.ErrAbortHandler, func() {
		aborting.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	})
}

func TestARequestKeepsAPlainIDOfAProxyOnly(t *testing.T) {
	h := ops.Observe(slog.New(slog.DiscardHandler), metrics(t), 0, http.NotFoundHandler())
	for sent, kept := range map[string]bool{"0123-abcd": true, "short": false, "new\nline-12345": false, `{"json":"12345"}`: false} {
		r := httptest.NewRequest("WEIRD", "/", nil)
		r.Header.Set("X-Request-Id", sent)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		assert.Equal(t, kept, w.Header().Get("X-Request-Id") == sent, sent)
		assert.NotEmpty(t, w.Header().Get("X-Request-Id"))
	}
}

func TestASlowRequestIsEnded(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, terminate := context.WithCancel(context.Background())
	served, read := make(chan error, 1), make(chan error, 1)
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		if r.Method == http.MethodPost {
			read <- err
		}
	})
	go func() {
		served <- ops.Serve(ctx, slog.New(slog.DiscardHandler), listener, handler, func() {})
	}()
	// send sends the start of a request, and returns when the server has closed the connection.
	send := func(start string, limit time.Duration) {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if !assert.NoError(t, err) {
			return
		}
		defer conn.Close()
		_, err = conn.Write([]byte(start))
		assert.NoError(t, err)
		assert.NoError(t, conn.SetReadDeadline(time.Now().Add(limit)))
		_, err = io.ReadAll(conn)
		assert.NoError(t, err, start)
	}
	var all sync.WaitGroup
	all.Go(func() { send("GET / HTTP/1.1\r\nHost: x\r\n", 8*time.Second) })
	all.Go(func() { send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n123", 18*time.Second) })
	large, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+listener.Addr().String(), nil)
	require.NoError(t, err)
	large.Header.Set("X-Large", strings.Repeat("x", 40_000))
	r, err := http.DefaultClient.Do(large)
	require.NoError(t, err)
	defer r.Body.Close()
	assert.Equal(t, http.StatusRequestHeaderFieldsTooLarge, r.StatusCode)
	all.Wait()
	select {
	case err := <-read:
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded, "a body has 15 s")
	case <-time.After(time.Second):
		assert.Fail(t, "the handler waits for the rest of a body")
	}
	terminate()
	assert.NoError(t, <-served)
}
