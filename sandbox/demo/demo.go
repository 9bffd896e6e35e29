// Package demo runs a stack on this machine with its containers: the real engine, a real
// Kubernetes with real nodes, and a real PostgreSQL. Only the clouds' APIs are simulated. It
// needs Linux and root.
package demo

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/genericcorp/platform/sandbox/build"
	"github.com/genericcorp/platform/sandbox/debian"
	"github.com/genericcorp/platform/sandbox/engine"
	"github.com/genericcorp/platform/sandbox/machine"
)

// Demo is a stack that runs on this machine. Use New.
type Demo struct {
	engine.Stack
	// checkout is the folder of the program. source has the stack file, which is only read.
	checkout, source string
	ports            Ports
	parent           int
	// Grafana is set by StartGrafana.
	Grafana *Grafana
}

// New returns the demo of a stack. All its files are in folder. source is a folder with
// Pulumi.yaml and the stack file. It ends when the process parent exits; 0 means never.
func New(checkout, source, folder, name string, ports Ports, parent int, out, errs io.Writer) *Demo {
	return &Demo{
		Stack:    engine.Stack{Name: name, Root: filepath.Join(folder, "source"), Folder: folder, Out: out, Err: errs},
		checkout: checkout, source: source, ports: ports, parent: parent,
	}
}

// Up starts the demo. If it runs, Up updates it to the stack file. If an earlier one was killed,
// Up deletes what that left and starts a new one. Before a start it checks this machine.
func (d *Demo) Up() error {
	interrupted, err := d.interrupted()
	if err != nil {
		return err
	}
	// The state of a run that was killed does not describe what there is.
	anew := !d.ClusterRuns() || interrupted
	if err := d.choosePorts(!anew); err != nil {
		return err
	}
	if anew {
		if err := d.clear(); err != nil {
			return err
		}
	}
	if err := d.prepare(); err != nil {
		return err
	}
	if err := d.Pulumi("up", "--yes", "--skip-preview"); err != nil {
		if ended := d.ClusterEnded(); ended != nil {
			return fmt.Errorf("%w\nThe logs of its programs are beside it. The next `make demo` deletes them and starts anew", ended)
		}
		return fmt.Errorf("up: %w; the logs of the containers are in %s", err, filepath.Join(d.ClusterFolder(), "nodes", "*", "logs"))
	}
	return nil
}

// clear checks this machine, and deletes what an earlier run has left. It returns all faults at once.
func (d *Demo) clear() error {
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	faults := errors.Join(machine.Check(d.checkout, d.Folder, cache), debian.Check())
	if faults == nil {
		left, err := d.Left()
		if err == nil && len(left) > 0 {
			fmt.Fprintln(d.Err, "an earlier run was interrupted; deleting what it has left ...")
		}
		// What was left may use the ports.
		if err := errors.Join(err, d.Down()); err != nil {
			return err
		}
	}
	if faults = errors.Join(faults, d.ports.check()); faults != nil {
		return fmt.Errorf("the demo cannot start on this machine:\n%w", faults)
	}
	return nil
}

// interrupted reports whether a run of the engine was killed: its lock is still there. The caller
// makes sure that no other run is going on.
func (d *Demo) interrupted() (bool, error) {
	locks, err := filepath.Glob(filepath.Join(d.Folder, "state", ".pulumi", "locks", "organization", "*", "*", "*.json"))
	return len(locks) > 0, err
}

// prepare builds all programs, and starts the cluster unless it runs.
func (d *Demo) prepare() error {
	var err error
	if d.Tools, err = build.Engine(d.checkout, d.Err); err != nil {
		return err
	}
	cluster, err := build.Cluster(d.checkout, d.Err)
	if err != nil {
		return err
	}
	flags, err := d.nodeFlags()
	if err != nil {
		return err
	}
	if err := errors.Join(d.rememberPorts(), d.writeStackFile()); err != nil {
		return err
	}
	if err := d.StartCluster(cluster, d.parent, d.Err, flags...); err != nil {
		return err
	}
	d.Env = nil
	d.Stack = d.OnCluster(cluster)
	return d.Prepare()
}

// nodeFlags builds what real nodes need, and returns the flags of "cluster serve" for them.
func (d *Demo) nodeFlags() ([]string, error) {
	tools, err := build.Nodes(d.checkout, d.Err)
	if err != nil {
		return nil, err
	}
	pgbouncer, err := debian.PgBouncer()
	if err != nil {
		return nil, err
	}
	exporter, err := debian.Exporter()
	if err != nil {
		return nil, err
	}
	return []string{
		"-node-bin", tools.Bin, "-programs", tools.Programs, "-images", filepath.Join(d.checkout, ".sandbox", "images"),
		"-pgbouncer", pgbouncer, "-exporter", exporter,
		"-http", strconv.Itoa(d.ports.HTTP), "-https", strconv.Itoa(d.ports.HTTPS), "-metrics", strconv.Itoa(d.ports.Metrics),
	}, nil
}

// Domain returns the stack's domain on this machine. Browsers resolve it to this machine.
func (d *Demo) Domain() string { return d.Name + ".localhost" }

// writeStackFile copies the stack file with Domain in place of the declared one.
func (d *Demo) writeStackFile() error {
	file := "Pulumi." + d.Name + ".yaml"
	data, err := os.ReadFile(filepath.Join(d.source, file))
	if err != nil {
		return fmt.Errorf("there is no stack %q: %w", d.Name, err)
	}
	var out strings.Builder
	for line := range strings.Lines(string(data)) {
		key, _, _ := strings.Cut(line, ":")
		if key == "    domain" || key == "    zone" {
			line = key + ": " + d.Domain() + "\n"
		}
		out.WriteString(line)
	}
	if err := os.MkdirAll(d.Root, 0o700); err != nil {
		return err
	}
	project, err := os.ReadFile(filepath.Join(d.source, "Pulumi.yaml"))
	return errors.Join(err,
		os.WriteFile(filepath.Join(d.Root, "Pulumi.yaml"), project, 0o600),
		os.WriteFile(filepath.Join(d.Root, file), []byte(out.String()), 0o600))
}

// URL returns the address of a host of the stack on this machine.
func (d *Demo) URL(host string) string {
	if d.ports.HTTPS == 443 {
		return "https://" + host
	}
	return fmt.Sprintf("https://%s:%d", host, d.ports.HTTPS)
}

// Authority returns the path of the certificate that signed those of the demo.
func (d *Demo) Authority() string { return filepath.Join(d.ClusterFolder(), "ca.crt") }
