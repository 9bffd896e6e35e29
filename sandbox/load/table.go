package load

import (
	"fmt"
	"strings"
)

// Markdown returns a measurement as a sentence and a table with a line for each page.
func (m Measurement) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d people and %d agents: %.2f requests per person and second, %d responses with 429. p95: %.0f ms for people, %.0f ms for agents.\n",
		m.People, m.Agents, m.RequestsPerPersonSecond(), m.Total.Limited, m.P95People, m.P95Agents)
	fmt.Fprintf(&b, "The app: %.1f ms of CPU per request, at most %.0f MiB in each replica (of %d), %.1f kB per response",
		m.MilliCPUPerRequest(), m.PeakBytes/(1<<20), m.Replicas, m.BytesPerResponse()/1000)
	if m.Connections > 0 { // not every run counts them
		fmt.Fprintf(&b, ", %d database connections", m.Connections)
	}
	b.WriteString(".\n\n")
	b.WriteString("| page | requests | failed | 429 | p50 | p95 | p99 | size |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, p := range m.Pages {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %.0f ms | %.0f ms | %.0f ms | %.1f kB |\n", p.Page, p.Requests, p.Failures, p.Limited, p.P50, p.P95, p.P99, p.Bytes/1000)
	}
	return b.String()
}
