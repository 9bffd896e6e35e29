package e2e_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// refused sends 150 requests at once to a host, and returns how many were refused by its rate
// limit. The tier starter allows 50 at once and 10 more in each second, the tier growth 250.
func (d runningDemo) refused(t *testing.T, host string) int {
	t.Helper()
	c, started := d.client(t), time.Now()
	var refused, failed atomic.Int32
	var senders sync.WaitGroup
	for range 10 {
		senders.Go(func() {
			for range 15 {
				got := c.get(host)
				if got.err != nil {
					failed.Add(1)
				}
				if got.status == http.StatusTooManyRequests {
					refused.Add(1)
				}
			}
		})
	}
	senders.Wait()
	t.Logf("%s refused %d of 150 requests in %s", host, refused.Load(), time.Since(started).Round(time.Millisecond))
	assert.Zero(t, failed.Load(), "requests without a response")
	return int(refused.Load())
}
