package usage_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sent has what was sent, by day and tenant.
type sent map[string]*[4]int

func (s sent) add(at time.Time, tenant string, requests, errors, bytes, logins int) {
	key := at.Format(time.DateOnly) + " " + tenant
	if s[key] == nil {
		s[key] = &[4]int{}
	}
	for i, n := range []int{requests, errors, bytes, logins} {
		s[key][i] += n
	}
}

func (s sent) lines() []string {
	var out []string
	for key, n := range s {
		out = append(out, fmt.Sprintf("%s %d %d %d %d", key, n[0], n[1], n[2], n[3]))
	}
	slices.Sort(out)
	return out
}

const counted = "day, tenant, requests, errors, bytes, logins) AS line FROM platform.usage ORDER BY day, tenant"

// week simulates four days with everything that happens to counters, and returns what was sent.
// The samples are written in order, with the times of those days.
func week(t *testing.T, b *bed) sent {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	out := sent{}
	all := []string{"acme", "beta-two", "gamma"}
	x := b.traefik("traefik-1", day(9))
	// Counting begins while Traefik runs already: what it has counted before belongs to no day.
	for _, tenant := range all {
		x.serve(router("starter", tenant), "200", 5000, 700000)
	}
	suspended := func(at time.Time, tenant string) bool {
		return tenant == "beta-two" && at.After(day(3).Add(9*time.Hour)) && at.Before(day(2).Add(4*time.Hour))
	}
	was := false
	for at := day(5).Add(12*time.Hour + 10*time.Second); at.Before(day(0)); at = at.Add(5 * time.Minute) {
		switch {
		case at.Equal(day(4).Add(15*time.Hour + 10*time.Second)): // the store restarts
			x.flush(t)
			b.stop()
			b.startMetrics(t)
		case at.Equal(day(3).Add(3*time.Hour + 10*time.Second)): // Traefik's container restarts
			x.restart(at)
		case at.Equal(day(2).Add(10*time.Hour + 10*time.Second)): // an update replaces Traefik's Pod
			x.flush(t)
			x = &traefik{b: b, pod: "traefik-2", started: at, requests: map[[2]string]int{}, bytes: map[[2]string]int{}, logins: x.logins}
		}
		if now := suspended(at, "beta-two"); now != was {
			was = now
			x.forget(router("starter", "beta-two"))
			x.forget(router("suspended", "beta-two"))
		}
		// Around this midnight nothing is scraped for two hours.
		gap := at.After(day(2).Add(-time.Hour)) && at.Before(day(2).Add(time.Hour))
		counts := at
		if gap {
			counts = day(2).Add(time.Hour)
		}
		for _, tenant := range all {
			if suspended(at, tenant) {
				x.serve(router("suspended", tenant), "503", 3, 30)
				continue
			}
			requests, errors, logins := random.IntN(40), random.IntN(3), random.IntN(2)
			if random.IntN(10) > 0 {
				errors = 0
			}
			x.serve(router("starter", tenant), "200", requests, 100*requests)
			if errors > 0 {
				x.serve(router("starter", tenant), "502", errors, 10*errors)
			}
			if tenant != "gamma" { // it has no sign-ins
				x.logins[tenant] += logins
			} else {
				logins = 0
			}
			if at.After(day(4)) {
				out.add(counts, tenant, requests+errors, errors, 100*requests+10*errors, logins)
			}
		}
		if !gap {
			x.scrape(at)
		}
	}
	x.flush(t)
	return out
}

func TestCountedEqualsSentAcrossRestartsResetsASuspensionAndMidnight(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.reconcile(t, named("acme", "beta-two", "gamma"))
	b.since(t, 4)
	want := week(t, b)
	out := b.count(t)
	super := b.superuser(t)
	assert.Equal(t, want.lines(), rows(t, super, counted))
	assert.Contains(t, out, day(4).Format(time.DateOnly)+": written")
	assert.Equal(t, 4, ask[int](t, super, "SELECT count(*) FROM platform.usage_days WHERE measured"))

	const everything = "SELECT array_agg(u::text ORDER BY u) FROM platform.usage u"
	before, days := ask[[]string](t, super, everything), rows(t, super, "d) AS line FROM platform.usage_days d ORDER BY day")
	assert.NotContains(t, b.count(t), "written", "a second run has nothing to write")
	assert.Equal(t, before, ask[[]string](t, super, everything))
	assert.Equal(t, days, rows(t, super, "d) AS line FROM platform.usage_days d ORDER BY day"))

	assert.Equal(t, sum(want, "acme"), ask[int](t, super, "SELECT sum(requests)::int FROM platform.usage_month WHERE tenant = 'acme'"))
	assert.Equal(t, 4, ask[int](t, super, "SELECT sum(active_days)::int FROM platform.usage_month WHERE tenant = 'acme'"))
}

func sum(s sent, tenant string) int {
	out := 0
	for key, n := range s {
		if strings.HasSuffix(key, " "+tenant) {
			out += n[0]
		}
	}
	return out
}

// A run is killed after its first day, and while it waits for VictoriaMetrics.
func TestNextRunCompletesARunThatWasKilled(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.reconcile(t, named("acme", "beta-two", "gamma"))
	b.since(t, 4)
	want := week(t, b)
	b.flush(t)
	target, err := url.Parse("http://" + b.metrics)
	require.NoError(t, err)
	hangs := make(chan struct{}, 100)
	end := fmt.Sprint(day(2).Unix())
	proxy := httputil.NewSingleHostReverseProxy(target)
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("time") == end {
			hangs <- struct{}{}
			<-r.Context().Done()
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	defer slow.Close()
	command, out := b.job(t, strings.TrimPrefix(slow.URL, "http://"))
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, command.Start())
	select {
	case <-hangs:
	case <-time.After(time.Minute):
		assert.Fail(t, "the run asks for no second day")
	}
	// timeout gives its child a process group of its own, which ends with its connection.
	require.NoError(t, syscall.Kill(-command.Process.Pid, syscall.SIGKILL))
	slow.CloseClientConnections()
	require.Error(t, command.Wait(), out.String())
	super := b.superuser(t)
	got := rows(t, super, counted)
	assert.Equal(t, want.lines()[:len(got)], got)
	assert.Len(t, got, 3, "one day of three tenants")
	b.count(t)
	assert.Equal(t, want.lines(), rows(t, super, counted))
}

// A truncated answer, an error or a closed port must not become a day without requests.
func TestRunFailsWithoutWritingADayIfVictoriaMetricsDoesNotAnswerInWhole(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.reconcile(t, named("acme"))
	b.since(t, 1)
	for what, answer := range map[string]string{
		"an error":  "HTTP/1.0 503 Service Unavailable\r\n\r\noverloaded",
		"a failure": "HTTP/1.0 200 OK\r\n\r\n{\"status\":\"error\",\"error\":\"no memory\"}",
		"a part":    "HTTP/1.0 200 OK\r\nContent-Length: 100\r\n\r\n{\"status\":\"success\",\"data\":{\"res",
		"nothing":   "",
	} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		go answerAll(listener, answer)
		command, out := b.job(t, listener.Addr().String())
		require.Error(t, command.Run(), "%s: %s", what, out)
		require.NoError(t, listener.Close())
		assert.Empty(t, rows(t, b.superuser(t), "day) AS line FROM platform.usage"), what)
		assert.Equal(t, 1, ask[int](t, b.superuser(t), "SELECT count(*) FROM platform.usage_days"), what)
	}
}

// answerAll sends the same answer to each connection, until the listener is closed.
func answerAll(listener net.Listener, answer string) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			_, _ = conn.Read(make([]byte, 64<<10)) // the request does not matter
			_, _ = io.WriteString(conn, answer)    // fails if the Job has ended
		}()
	}
}
