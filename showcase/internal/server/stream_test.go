package server_test

import (
	"bufio"
	"context"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestALongTimelineIsShownInPagesWithEachEventOnce(t *testing.T) {
	a := start(t)
	c := a.owner(t)
	agent := a.agent(t, c)
	id := agent.newRun("Long")
	for range 5 {
		list := slices.Repeat([]any{object{"kind": "log", "message": "x"}}, 100)
		require.Equal(t, http.StatusCreated, agent.json("POST", "/api/v1/runs/"+id+"/events", object{"events": list}).StatusCode)
	}
	var seen []string
	event, later := regexp.MustCompile(`<li id="event-(\d+)"`), regexp.MustCompile(`href="([^"]+)">Later events<`)
	path := "/runs/" + id
	for pages := 1; ; pages++ {
		body := c.get(path).body
		for _, match := range event.FindAllStringSubmatch(body, -1) {
			seen = append(seen, match[1])
		}
		next := later.FindStringSubmatch(body)
		assert.Equal(t, next != nil, strings.Contains(body, " hidden>"), "only the last page follows live")
		if next == nil {
			assert.Equal(t, 3, pages)
			break
		}
		require.Less(t, pages, 10)
		path = html.UnescapeString(next[1])
	}
	require.Len(t, seen, 500)
	for i, n := range seen {
		assert.Equal(t, strconv.Itoa(i+1), n)
	}
}

// reading is a live stream that a test reads line by line.
func reading(t *testing.T, c *client, path string) *bufio.Scanner {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+c.host+path, nil)
	require.NoError(t, err)
	r.Header = c.header.Clone()
	got, err := c.http.Do(r)
	require.NoError(t, err)
	t.Cleanup(func() { _ = got.Body.Close() })
	require.Equal(t, http.StatusOK, got.StatusCode)
	assert.Equal(t, "text/event-stream", got.Header.Get("Content-Type"))
	return bufio.NewScanner(got.Body)
}

// until reads lines up to one that contains a text.
func until(t *testing.T, s *bufio.Scanner, text string) string {
	t.Helper()
	var all strings.Builder
	for s.Scan() {
		all.WriteString(s.Text() + "\n")
		if strings.Contains(s.Text(), text) {
			return all.String()
		}
	}
	require.Fail(t, "the stream ended", "without %q:\n%s", text, all.String())
	return ""
}

func TestATimelineFollowsLiveUntilTheRunEnds(t *testing.T) {
	a := start(t)
	member := a.visitor(t)
	agent := a.agent(t, member)
	id := agent.newRun("Live")
	assert.Contains(t, member.get("/runs/"+id).body, "No events yet")
	stream := reading(t, member, "/runs/"+id+"/stream?after=0")
	until(t, stream, "event: summary")
	agent.json("POST", "/api/v1/runs/"+id+"/events", map[string]any{"events": []any{map[string]any{"kind": "log", "message": "first\n<b>line</b>"}}})
	got := until(t, stream, "&lt;b&gt;line&lt;/b&gt;")
	assert.Contains(t, got, "id: 1")
	for _, line := range strings.Split(strings.TrimSpace(got), "\n") {
		assert.Regexp(t, `^((id|event|data|): .*)?$`, line)
	}
	agent.json("PATCH", "/api/v1/runs/"+id, map[string]any{"status": "failed", "error": "broken"})
	assert.Contains(t, until(t, stream, "event: end"), "broken")
	assert.Contains(t, member.get("/runs/"+id).body, "broken")

	again := reading(t, member, "/runs/"+id+"/stream?after=1")
	assert.NotContains(t, until(t, again, "event: end"), "event: entry", "a browser that connects again gets new events only")
	assert.Equal(t, http.StatusUnauthorized, a.client(t, "acme.hq.test").get("/runs/"+id+"/stream").StatusCode)
	assert.Equal(t, http.StatusNotFound, member.get("/runs/00000000-0000-0000-0000-000000000000/stream").StatusCode)
}

func TestALiveStreamEndsWithTheSession(t *testing.T) {
	a := start(t)
	member := a.visitor(t)
	id := a.agent(t, member).newRun("Live")
	stream := reading(t, member, "/runs/"+id+"/stream")
	until(t, stream, "event: summary")
	member.post("/sign-out")
	for stream.Scan() {
		assert.NotContains(t, stream.Text(), "event:")
	}
}
