package resize_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/digitalocean/godo"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/resize"
)

func TestRunGivesTheNewPoolTheLabelsOfTheOldPool(t *testing.T) {
	f := newFixture(t)
	pools := f.pools()
	pools[0].Labels = map[string]string{"team": "a"}
	f.setPools(pools...)
	require.NoError(t, f.run("s-4vcpu-8gb", 1, -1), f.out.String())
	assert.Equal(t, map[string]string{"team": "a"}, f.pools()[0].Labels)
}

func TestRunSucceedsWithADropletLimitForExactlyBothPools(t *testing.T) {
	f := newFixture(t)
	f.server.DropletLimit = 3
	require.NoError(t, f.run("s-4vcpu-8gb", 1, -1), "2 old nodes and 1 new one")
}

func TestRunKeepsTheOldPoolWhileAPodHasNoNode(t *testing.T) {
	f := newFixture(t)
	f.addPod("app", "app-9", "", "ReplicaSet")
	err := f.run("s-4vcpu-8gb", 1, -1)
	stuck := &resize.TimeoutError{}
	require.ErrorAs(t, err, &stuck)
	assert.Contains(t, stuck.Missing, "app/app-9 has no node: not scheduled yet")
	assert.Len(t, f.pools(), 2)
}

// rateLimited answers the first request for the new pool with 429, as DigitalOcean does
// above its rate limit.
type rateLimited struct {
	next http.RoundTripper
	done bool
}

func (b *rateLimited) RoundTrip(r *http.Request) (*http.Response, error) {
	if !b.done && r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/node_pools/") {
		b.done = true
		return &http.Response{
			StatusCode: http.StatusTooManyRequests, Request: r, Header: http.Header{},
			Body: io.NopCloser(strings.NewReader(`{"id":"too_many_requests","message":"API Rate limit exceeded."}`)),
		}, nil
	}
	return b.next.RoundTrip(r)
}

func TestRunRetriesAfterTheAPIsRateLimit(t *testing.T) {
	f := newFixture(t)
	b := &rateLimited{next: transport{f}}
	client, err := godo.New(&http.Client{Transport: b}, godo.SetBaseURL(f.resizer.DigitalOcean.BaseURL.String()))
	require.NoError(t, err)
	f.resizer.DigitalOcean = client
	require.NoError(t, f.run("s-4vcpu-8gb", 1, -1), f.out.String())
	assert.True(t, b.done, "no request was answered with 429")
	assert.Contains(t, f.out.String(), "trying again after an error")
}
