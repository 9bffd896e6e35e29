package load

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Usage is what the replicas of an app used during a run.
type Usage struct {
	Replicas int
	// CPUSeconds is the sum over all replicas.
	CPUSeconds float64
	// PeakBytes is the most resident memory that one replica had.
	PeakBytes float64
	// Connections is the most tenants' connections to the database that were open at once, over
	// all replicas.
	Connections int
}

// Watch reads the metrics of all replicas until ctx ends, and returns what they used in that time.
// urls are the addresses of their metrics. A metric that an app does not have counts as 0.
// Watch returns an error if a replica does not answer.
func Watch(ctx context.Context, urls []string, every time.Duration) (Usage, error) {
	u := Usage{Replicas: len(urls)}
	first := make([]float64, len(urls))
	for round := 0; ; round++ {
		cpu, connections := 0.0, 0
		for i, url := range urls {
			// The last round, after ctx ends, has to see all of the CPU time.
			m, err := scrape(context.WithoutCancel(ctx), url)
			if err != nil {
				return Usage{}, err
			}
			if round == 0 {
				first[i] = m.cpu
			}
			cpu += m.cpu - first[i]
			connections += m.connections
			u.PeakBytes = max(u.PeakBytes, m.bytes)
		}
		u.CPUSeconds, u.Connections = cpu, max(u.Connections, connections)
		if ctx.Err() != nil {
			return u, nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(every):
		}
	}
}

// metrics are the figures of one replica.
type metrics struct {
	cpu, bytes  float64
	connections int
}

func scrape(ctx context.Context, url string) (metrics, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return metrics{}, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return metrics{}, err
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	if response.StatusCode != http.StatusOK {
		return metrics{}, fmt.Errorf("%s: %s", url, response.Status)
	}
	return parseMetrics(response.Body)
}

// parseMetrics reads Prometheus's text format. The first two metrics are in every official client
// library; the third is AgentHQ's.
func parseMetrics(text io.Reader) (metrics, error) {
	var m metrics
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		series, number, _ := strings.Cut(lines.Text(), " ")
		if i := strings.LastIndexByte(lines.Text(), '}'); i >= 0 { // labels may have spaces
			series, number = lines.Text()[:i+1], strings.TrimSpace(lines.Text()[i+1:])
		}
		name, _, _ := strings.Cut(series, "{")
		if name != "process_cpu_seconds_total" && name != "process_resident_memory_bytes" && name != "app_db_connections" {
			continue
		}
		value, err := strconv.ParseFloat(number, 64)
		if err != nil {
			return metrics{}, fmt.Errorf("metric %s: %w", name, err)
		}
		switch name {
		case "process_cpu_seconds_total":
			m.cpu += value
		case "process_resident_memory_bytes":
			m.bytes += value
		case "app_db_connections":
			m.connections += int(value)
		}
	}
	return m, lines.Err()
}
