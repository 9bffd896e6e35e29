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

func TestTheNewPoolHasTheLabelsOfTheOldOne(t *testing.T) {
	f := newFixture(t)
	pools := f.pools()
	pools[0].Labels = map[string]string{"team": "a"}
	f.setPools(pools...)
	require.NoError(t, f.run("s-4vcpu-8gb", 1, -1), f.out.String())
	assert.Equal(t, map[string]string{"team": "a"}, f.pools()[0].Labels)
}

func TestALimitWithRoomForBothPoolsIsEnough(t *testing.T) {
	f := newFixture(t)
	f.server.DropletLimit = 3
	require.NoError(t, f.run("s-4vcpu-8gb", 1, -1), "2 nodes and 1 beside them")
}

func TestAPodThatNoNodeTakesStopsBeforeTheOldPoolGoes(t *testing.T) {
	f := newFixture(t)
	f.addPod("app", "app-9", "", "ReplicaSet")
	err := f.run("s-4vcpu-8gb", 1, -1)
	stuck := &resize.TimeoutError{}
	require.ErrorAs(t, err, &stuck)
	assert.Contains(t, stuck.Missing, "app/app-9 has no node: not scheduled yet")
	assert.Len(t, f.pools(), 2)
}

// busy answers the first look at the new pool as DigitalOcean does beyond its limit
// of requests.
type busy struct {
	next http.RoundTripper
	said bool
}

func (b *busy) RoundTrip(r *http.Request) (*http.Response, error) {
	if !b.said && r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/node_pools/") {
		b.said = true
		return &http.Response{
			StatusCode: http.StatusTooManyRequests, Request: r, Header: http.Header{},
			Body: io.NopCloser(strings.NewReader(`{"id":"too_many_requests","message":"API Rate limit exceeded."}`)),
		}, nil
	}
	return b.next.RoundTrip(r)
}

func TestALimitOfRequestsIsWaitedOut(t *testing.T) {
	f := newFixture(t)
	b := &busy{next: transport{f}}
	client, err := godo.New(&http.Client{Transport: b}, godo.SetBaseURL(f.resizer.DigitalOcean.BaseURL.String()))
	require.NoError(t, err)
	f.resizer.DigitalOcean = client
	require.NoError(t, f.run("s-4vcpu-8gb", 1, -1), f.out.String())
	assert.True(t, b.said)
	assert.Contains(t, f.out.String(), "trying again after an error")
}
