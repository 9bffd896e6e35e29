package usage_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/genericcorp/platform/internal/routes"
)

// traefik writes the metrics of a Traefik at any time. Names and labels are those of the real one
// (pkg/observability/metrics/prometheus.go of v3.7.11). The end-to-end tests scrape a real one.
type traefik struct {
	b       *bed
	pod     string
	started time.Time
	// requests and bytes are the counters of a router and a status.
	requests, bytes map[[2]string]int
	// logins are the app's counters.
	logins map[string]int
	// waiting are lines that are not written yet.
	waiting strings.Builder
}

func (b *bed) traefik(pod string, started time.Time) *traefik {
	return &traefik{b: b, pod: pod, started: started, requests: map[[2]string]int{}, bytes: map[[2]string]int{}, logins: map[string]int{}}
}

// router returns the name of a tenant's router in the route of a tier or "suspended".
func router(route, tenant string) string {
	return fmt.Sprintf("websecure-ingress-%s-%s-%s@kubernetes", routes.OfTier(route), tenant, strings.ReplaceAll(domain, ".", "-"))
}

// serve counts n requests with a status.
func (x *traefik) serve(router, code string, n, bytes int) {
	x.requests[[2]string{router, code}] += n
	x.bytes[[2]string{router, code}] += bytes
}

// forget removes the counters of a router, as Traefik does when the router is gone.
func (x *traefik) forget(router string) {
	for key := range x.requests {
		if key[0] == router {
			delete(x.requests, key)
			delete(x.bytes, key)
		}
	}
}

// restart sets all counters to zero, in the same Pod.
func (x *traefik) restart(at time.Time) {
	x.started = at
	clear(x.requests)
	clear(x.bytes)
}

// scrape adds the samples of all counters at a time.
func (x *traefik) scrape(at time.Time) {
	ms := at.UnixMilli()
	fmt.Fprintf(&x.waiting, "process_start_time_seconds{namespace=\"ingress\",pod=%q} %d %d\n", x.pod, x.started.Unix(), ms)
	for key, n := range x.requests {
		labels := fmt.Sprintf(`{namespace="ingress",pod=%q,router=%q,code=%q,method="GET",protocol="http"}`, x.pod, key[0], key[1])
		fmt.Fprintf(&x.waiting, "traefik_router_requests_total%s %d %d\ntraefik_router_responses_bytes_total%s %d %d\n", labels, n, ms, labels, x.bytes[key], ms)
	}
	for tenant, n := range x.logins {
		fmt.Fprintf(&x.waiting, "app_logins_total{namespace=\"app\",pod=\"app-1\",tenant=%q} %d %d\n", tenant, n, ms)
	}
}

// flush writes what scrape has added.
func (x *traefik) flush(t *testing.T) {
	t.Helper()
	x.b.write(t, x.waiting.String())
	x.waiting.Reset()
	x.b.flush(t)
}
