package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/genericcorp/platform/sandbox/demo"
	"github.com/genericcorp/platform/sandbox/load"
	"github.com/genericcorp/platform/sandbox/machine"
)

// loadPeople are the numbers of people at once, and loadTime the time of each run.
var (
	loadPeople = []int{100, 200, 400, 800}
	loadTime   = 2 * time.Minute
)

// load puts people on the demo stack with two more tenants. Each container has the requests and
// limits of the plan, and all of them together the memory and CPU of the plan's node.
func (b bench) load() error {
	d, err := b.startDemo()
	if err != nil {
		return err
	}
	ctx := context.Background()
	err = b.loadRuns(ctx, d)
	return errors.Join(err, d.Down())
}

// startDemo starts the demo stack with the tenants beta and gamma.
func (b bench) startDemo() (*demo.Demo, error) {
	source := filepath.Join(b.folder, "load")
	if err := os.MkdirAll(source, 0o700); err != nil {
		return nil, err
	}
	project, err := os.ReadFile(filepath.Join(b.root, "Pulumi.yaml"))
	if err != nil {
		return nil, err
	}
	stack, err := os.ReadFile(filepath.Join(b.root, "Pulumi.demo.yaml"))
	if err != nil {
		return nil, err
	}
	const tenants = "    tenants:\n"
	more := bytes.Replace(stack, []byte(tenants), []byte(tenants+"      - name: beta\n        plan: growth\n      - name: gamma\n        plan: growth\n"), 1)
	if err := errors.Join(os.WriteFile(filepath.Join(source, "Pulumi.yaml"), project, 0o600), os.WriteFile(filepath.Join(source, "Pulumi.demo.yaml"), more, 0o600)); err != nil {
		return nil, err
	}
	free, err := machine.FreePorts(3)
	if err != nil {
		return nil, err
	}
	ports := demo.Ports{HTTP: free[0], HTTPS: free[1], Metrics: free[2]}
	d := demo.New(b.root, source, filepath.Join(b.folder, "demo"), "demo", ports, os.Getpid(), os.Stderr, os.Stderr)
	return d, d.Up()
}

func (b bench) loadRuns(ctx context.Context, d *demo.Demo) error {
	tenants := []load.Tenant{d.Visitor("acme")}
	for _, name := range []string{"beta", "gamma"} {
		t, err := d.Invite(name, 4)
		if err != nil {
			return err
		}
		tenants = append(tenants, t)
	}
	targets, revoke, err := load.Prepare(ctx, d.Network(), tenants)
	if err != nil {
		return errors.Join(err, revoke(ctx))
	}
	var runs []demo.LoadRun
	for _, people := range loadPeople {
		fmt.Fprintf(os.Stderr, "%d people for %s\n", people, loadTime)
		run, err := d.Load(ctx, targets, people, loadTime)
		if err != nil {
			return errors.Join(err, revoke(ctx))
		}
		runs = append(runs, run)
	}
	if err := revoke(ctx); err != nil {
		return err
	}
	return b.writeLoad(runs)
}

// loadLimits says with how many people each limit was first reached.
func loadLimits(runs []demo.LoadRun) string {
	first := func(what string, reached func(demo.LoadRun) bool) string {
		at := slices.IndexFunc(runs, reached)
		if at < 0 {
			return fmt.Sprintf("- %s: not with %d people\n", what, runs[len(runs)-1].People)
		}
		return fmt.Sprintf("- %s: with %d people\n", what, runs[at].People)
	}
	return "\nWhat was reached first:\n\n" +
		first("the rate limit of a plan (429)", func(r demo.LoadRun) bool { return r.Total.Limited > 0 }) +
		first("a failed request", func(r demo.LoadRun) bool { return r.Total.Failures > 0 }) +
		first(fmt.Sprintf("a p95 of %d ms", load.Goal), func(r demo.LoadRun) bool { return max(r.P95People, r.P95Agents) >= load.Goal }) +
		first("nine tenths of a container's memory limit", func(r demo.LoadRun) bool { return fullest(r) >= 0.9 })
}

// fullest returns the largest share of its memory limit that a container used.
func fullest(r demo.LoadRun) float64 {
	share := 0.0
	for name, peak := range r.Peak {
		share = max(share, float64(peak)/float64(r.Limit[name]))
	}
	return share
}

// writeLoad writes a table of all runs, what containers used, the pages at the first number of people, and
// the factors for internal/workload/capacity.go.
func (b bench) writeLoad(runs []demo.LoadRun) error {
	fmt.Fprintf(b.out, "People use AgentHQ for %s on the demo stack, whose containers run on this machine (`make demo`): every container has the requests\n"+
		"and limits of the plan, and all of them together have the memory and CPU of its node. PostgreSQL and k6 use the same cores.\n\n", loadTime)
	fmt.Fprint(b.out, "| people | agents | requests a second | failed | 429 | p95 of people | p95 of agents | CPU of the app per request | database connections |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
	var measured []load.Measurement
	for _, r := range runs {
		fmt.Fprintf(b.out, "| %d | %d | %.0f | %d | %d | %.0f ms | %.0f ms | %.1f ms | %d |\n", r.People, r.Agents, float64(r.Total.Requests)/loadTime.Seconds(),
			r.Total.Failures, r.Total.Limited, r.P95People, r.P95Agents, r.MilliCPUPerRequest(), r.Connections)
		measured = append(measured, r.Measurement)
	}
	fmt.Fprint(b.out, "\nResponses with 429 are those of the rate limits of the tenants' plans (acme: starter, two others: growth).\n"+
		"The connections are those of the pooler to PostgreSQL that were open at once.\n"+loadLimits(runs))
	fmt.Fprint(b.out, "\n| container | MiB at most, of its limit |")
	for _, r := range runs {
		fmt.Fprintf(b.out, " CPU at %d people |", r.People)
	}
	fmt.Fprint(b.out, "\n| --- | --- |")
	for range runs {
		fmt.Fprint(b.out, " --- |")
	}
	fmt.Fprintln(b.out)
	for _, name := range slices.Sorted(maps.Keys(runs[0].Peak)) {
		peak := int64(0)
		for _, r := range runs {
			peak = max(peak, r.Peak[name])
		}
		fmt.Fprintf(b.out, "| %s | %d of %d |", name, peak>>20, runs[0].Limit[name]>>20)
		for _, r := range runs {
			fmt.Fprintf(b.out, " %.2f |", r.CPUSeconds[name]/loadTime.Seconds())
		}
		fmt.Fprintln(b.out)
	}
	f, err := load.FactorsOf(measured)
	fmt.Fprintf(b.out, "\nThe figures for `internal/workload/capacity.go`: %d thousandths of a request a second for each person, %d ms of CPU for a request, %d MiB for a\n"+
		"replica and %d KiB for each person on it. A response has %d bytes on average.\n\nAt %d people:\n\n%s",
		f.RequestsPerUserMilli, f.MilliCPUPerRequest, f.BaseMiB, f.KiBPerUser, f.BytesPerResponse, runs[0].People, runs[0].Markdown())
	return err
}
