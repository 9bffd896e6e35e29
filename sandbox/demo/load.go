package demo

import (
	"context"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/genericcorp/platform/internal/workload"
	"github.com/genericcorp/platform/sandbox/build"
	"github.com/genericcorp/platform/sandbox/load"
)

// Exec runs a command in a running Pod of a workload, and returns its output.
func (d *Demo) Exec(of workload.Ref, command ...string) (string, error) {
	cluster, err := build.Cluster(d.checkout, d.Err)
	if err != nil {
		return "", err
	}
	cmd := exec.Command(cluster.Command, append([]string{"exec", "-kubeconfig", d.Kubeconfig(), "-namespace", of.Namespace, "-app", of.Name, "--"}, command...)...)
	cmd.Stderr = d.Err
	out, err := cmd.Output()
	return string(out), err
}

// Network is the way to the demo's hosts.
func (d *Demo) Network() load.Network {
	return load.Network{Address: "127.0.0.1", CA: d.Authority()}
}

// loadPassword is that of the accounts that Invite creates. They end with the demo.
const loadPassword = "a load test on this machine"

// Invite returns a team for a load run: a tenant with an invitation for a new owner.
func (d *Demo) Invite(tenant string, agents int) (load.Tenant, error) {
	const email = "load@agenthq.example"
	out, err := d.Exec(workload.App, "/agenthq", "invite", email, tenant)
	if err != nil {
		return load.Tenant{}, fmt.Errorf("invite to %s: %w: %s", tenant, err, out)
	}
	link, err := url.Parse(strings.TrimSpace(out))
	if err != nil {
		return load.Tenant{}, err
	}
	return load.Tenant{URL: d.URL(tenant + "." + d.Domain()), Invitation: link.Path, Email: email, Password: loadPassword, Agents: agents}, nil
}

// Visitor returns the demo tenant for a load run. Its limits are too small for agents.
func (d *Demo) Visitor(tenant string) load.Tenant {
	return load.Tenant{URL: d.URL(tenant + "." + d.Domain()), Email: visitorEmail, Password: visitorPassword}
}

// The account that AgentHQ's demo shows on its sign-in page (showcase/internal/demo).
const (
	visitorEmail    = "demo@agenthq.example"
	visitorPassword = "watch-the-agents"
)

// LoadRun is a run of k6 against the demo.
type LoadRun struct {
	load.Measurement
	// Peak is the most memory of each workload's containers, and CPUSeconds their CPU time during
	// the run, both by Use.Workload.
	Peak       map[string]int64
	CPUSeconds map[string]float64
	// Limit is the memory limit of one container, by Use.Workload.
	Limit map[string]int64
}

// Load runs people.js with a number of people, who arrive in a quarter of the time. It reads what the containers
// use every five seconds.
func (d *Demo) Load(ctx context.Context, targets []load.Target, people int, duration time.Duration) (LoadRun, error) {
	k6, err := build.K6(d.checkout, d.Err)
	if err != nil {
		return LoadRun{}, err
	}
	before, err := d.Usage()
	if err != nil {
		return LoadRun{}, err
	}
	watching, end := context.WithCancel(ctx)
	defer end()
	watched := make(chan watch, 1)
	go func() { watched <- d.watch(watching, before) }()
	summary, err := load.Run(ctx, load.Options{
		Network: d.Network(), K6: k6, Script: filepath.Join(d.checkout, "showcase", "load", "people.js"), People: people,
		Duration: duration, Ramp: duration / 4, Think: 5 * time.Second, LocalIPs: "127.0.1.0/24", Log: d.Err,
	}, targets)
	end()
	w := <-watched
	if err == nil {
		err = w.err
	}
	if err != nil {
		return LoadRun{}, err
	}
	connections, err := d.highest(ctx, fmt.Sprintf(`sum(%s{name!="pgbouncer"})`, workload.PoolerOpen), duration)
	run := LoadRun{Measurement: load.Measurement{Summary: summary}, Peak: w.peak, CPUSeconds: w.cpu, Limit: w.limit}
	app := workload.App.Namespace + "/" + workload.App.Name + " " + workload.App.Name
	run.Usage = load.Usage{Replicas: w.replicas[app], CPUSeconds: w.cpu[app], PeakBytes: float64(w.peak[app]), Connections: int(connections)}
	return run, err
}

// watch is what the containers used while it ran, by Use.Workload.
type watch struct {
	peak     map[string]int64
	cpu      map[string]float64
	replicas map[string]int
	limit    map[string]int64
	err      error
}

// watch reads what the containers use until ctx ends.
func (d *Demo) watch(ctx context.Context, before map[string]Use) watch {
	w := watch{peak: map[string]int64{}, limit: map[string]int64{}}
	for {
		now, err := d.Usage()
		if err != nil {
			w.err = err
			return w
		}
		w.cpu, w.replicas = map[string]float64{}, map[string]int{}
		for name, use := range now {
			of := use.Workload
			w.peak[of] = max(w.peak[of], use.Bytes)
			w.cpu[of] += use.CPUSeconds - before[name].CPUSeconds
			w.replicas[of]++
			w.limit[of] = use.LimitBytes
		}
		if ctx.Err() != nil {
			return w
		}
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Second):
		}
	}
}
