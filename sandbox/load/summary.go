package load

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Goal is the most milliseconds for 95 % of the requests. people.js has it as a threshold too.
const Goal = 300

// Page is what k6 measured for a page, or for all pages together.
type Page struct {
	Page     string `json:"page"`
	Requests int    `json:"requests"`
	// Failures had an error, an unexpected status, or a page without its content.
	Failures int `json:"failures"`
	// Limited were refused with 429.
	Limited int `json:"limited"`
	// P50, P95 and P99 are milliseconds from the request to the end of the response, without
	// the time for a new connection. For a live stream they end with its first bytes.
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	// Bytes is the mean size of a response's body, not compressed.
	Bytes float64 `json:"bytes"`
}

// Summary is the result of a run.
type Summary struct {
	People int `json:"people"`
	// Agents is the number of agents that reported runs at the same time.
	Agents int `json:"agents"`
	// PersonSeconds is the sum of the times in which people were there.
	PersonSeconds float64 `json:"personSeconds"`
	// ReceivedBytes is what all connections received, with headers and TLS.
	ReceivedBytes float64 `json:"receivedBytes"`
	Total         Page    `json:"total"`
	P95People     float64 `json:"p95People"`
	P95Agents     float64 `json:"p95Agents"`
	Pages         []Page  `json:"pages"`
}

// ParseSummary reads the summary that people.js writes.
func ParseSummary(data []byte) (Summary, error) {
	var s Summary
	if err := json.Unmarshal(data, &s); err != nil {
		return Summary{}, fmt.Errorf("k6's summary: %w", err)
	}
	return s, nil
}

// RequestsPerPersonSecond returns the requests of one person in a second. Those of the agents are
// in it, because agents work for people.
func (s Summary) RequestsPerPersonSecond() float64 {
	return ratio(float64(s.Total.Requests), s.PersonSeconds)
}

// BytesPerResponse returns what a response took on the network, with its part of TLS.
func (s Summary) BytesPerResponse() float64 {
	return ratio(s.ReceivedBytes, float64(s.Total.Requests))
}

// Check returns an error that names everything that misses the goal: a failed request, a page
// without a request, or a p95 above Goal. A request over a rate limit is no failure.
func (s Summary) Check() error {
	var faults []error
	failures := s.Total.Failures
	for _, p := range s.Pages {
		failures -= p.Failures
		if p.Requests == 0 {
			faults = append(faults, fmt.Errorf("%s: no request", p.Page))
		}
		if p.Failures > 0 {
			faults = append(faults, fmt.Errorf("%s: %d of %d requests failed", p.Page, p.Failures, p.Requests))
		}
	}
	if failures > 0 {
		faults = append(faults, fmt.Errorf("people.js failed %d times; k6's output has the reason", failures))
	}
	if s.P95People >= Goal {
		faults = append(faults, fmt.Errorf("people: p95 is %.0f ms; the goal is less than %d ms", s.P95People, Goal))
	}
	if s.P95Agents >= Goal {
		faults = append(faults, fmt.Errorf("agents: p95 is %.0f ms; the goal is less than %d ms", s.P95Agents, Goal))
	}
	return errors.Join(faults...)
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
