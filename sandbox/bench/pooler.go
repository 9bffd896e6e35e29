package main

import (
	"fmt"
	"strconv"
	"strings"
)

// pooler measures three ways to connect to 300 tenants, and the cost of a scheduled run of the
// reconcile. internal/tenancy has the benchmarks.
func (b bench) pooler() error {
	ways, err := results("^BenchmarkPooler$")
	if err != nil {
		return err
	}
	runs, err := results("^BenchmarkScheduledRun$")
	if err != nil {
		return err
	}
	b.ways(ways)
	b.scheduled(runs)
	return nil
}

const waysHead = `300 tenants on a PostgreSQL %s with 25 connections. Three of these are for superusers, and two are the measurement's. Two
poolers with the files of production have 6 server connections each. The app runs at most 10 transactions at once; each
reads a row and writes it. App, poolers and server share the machine.

- PgBouncer: the app keeps client connections open for each tenant.
- direct, kept open: the same without a pooler.
- direct, a login each: the app connects for each transaction, and closes the connection.

A transaction is refused when the server has no connection left, or when its role has three. "At most" is a closed loop
for 12 s. The other 12 s are paced, at most 40 transactions a second; these have the latencies.

| tenants visited | way | transactions a second, at most | of a login each | p50 | p95 | tried | refused | other errors | server connections | 20 s later |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
`

var wayNames = map[string]string{"pooler": "PgBouncer", "direct": "direct, kept open", "login": "direct, a login each"}

// ways writes a row for each load and each way to connect.
func (b bench) ways(of []result) {
	login := map[string]float64{}
	for _, r := range of {
		if r.labels["way"] == "login" {
			login[r.labels["tenants"]] = r.metrics["tx/s"]
		}
	}
	fmt.Fprintf(b.out, waysHead, of[0].labels["major"])
	for _, r := range of {
		m, tenants := r.metrics, r.labels["tenants"]
		fmt.Fprintf(b.out, "| %s | %s | %.0f | %.1f× | %.1f ms | %.1f ms | %.0f | %.0f | %.0f | %.0f | %.0f |\n", tenants, wayNames[r.labels["way"]],
			m["tx/s"], m["tx/s"]/login[tenants], m["p50-ms"], m["p95-ms"], m["tried"], m["refused"], m["failed"],
			m["connections"], m["idle-connections"])
	}
}

const scheduledHead = `
### A scheduled run of the reconcile that changes nothing

It sets each password again, every 15 minutes (900 s). Median time and mean CPU of 9 runs on PostgreSQL %s.

| tenants | time | CPU of the Job | CPU of the server | of one core, in 15 minutes |
| --- | --- | --- | --- | --- |
`

// scheduled writes a row for each number of tenants, fewest first.
func (b bench) scheduled(of []result) {
	cpu := func(r result) float64 { return r.metrics["job-cpu-s"] + r.metrics["server-cpu-s"] }
	fmt.Fprintf(b.out, scheduledHead, of[0].labels["major"])
	for _, r := range of {
		fmt.Fprintf(b.out, "| %s | %.2f s | %.2f s | %.2f s | %.2f %% |\n", r.labels["tenants"], r.metrics["seconds"],
			r.metrics["job-cpu-s"], r.metrics["server-cpu-s"], 100*cpu(r)/900)
	}
	first, last := of[0], of[len(of)-1]
	more := number(last.labels["tenants"]) - number(first.labels["tenants"])
	fmt.Fprintf(b.out, "\nEach additional tenant takes %.1f ms, and %.1f ms of CPU.\n",
		1000*(last.metrics["seconds"]-first.metrics["seconds"])/more, 1000*(cpu(last)-cpu(first))/more)
}

// result is a line of a benchmark's output, such as
//
//	BenchmarkPooler/tenants=20/way=login-2   1   50667204981 ns/op   213.8 tx/s
type result struct {
	labels  map[string]string
	metrics map[string]float64
}

// results runs the benchmarks of internal/tenancy that match name, once each.
func results(name string) ([]result, error) {
	lines, err := goBenchmarks("-bench", name, "-benchtime", "1x", "./internal/tenancy")
	if err != nil {
		return nil, err
	}
	out := make([]result, len(lines))
	for i, line := range lines {
		out[i] = parseResult(line)
	}
	return out, nil
}

func parseResult(line string) result {
	r := result{map[string]string{}, map[string]float64{}}
	fields := strings.Fields(line)
	name, _, _ := strings.Cut(fields[0], "-") // the number of cores
	for _, label := range strings.Split(name, "/")[1:] {
		key, value, _ := strings.Cut(label, "=")
		r.labels[key] = value
	}
	for i := 2; i+1 < len(fields); i += 2 {
		r.metrics[fields[i+1]] = number(fields[i])
	}
	return r
}

// number returns the number in text, or 0 if it is not a number.
func number(text string) float64 {
	n, _ := strconv.ParseFloat(text, 64)
	return n
}
