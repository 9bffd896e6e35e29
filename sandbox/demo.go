package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/genericcorp/platform/sandbox/build"
	"github.com/genericcorp/platform/sandbox/engine"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// demoPorts are the ports of a demo on 127.0.0.1.
type demoPorts struct{ http, https, metrics int }

// demo runs a stack whose containers run on this machine. A second call updates the stack to
// its stack file.
func demo(name string, ports demoPorts) error {
	s, err := demoStack(name)
	if err != nil {
		return err
	}
	if !s.ClusterRuns() {
		// The state of a run that was killed describes a cluster that is gone.
		if err := removeDemo(s); err != nil {
			return err
		}
		if err := ports.free(); err != nil {
			return err
		}
	}
	if s.Tools, err = build.Engine(s.Root, os.Stderr); err != nil {
		return err
	}
	cluster, err := build.Cluster(s.Root, os.Stderr)
	if err != nil {
		return err
	}
	flags, err := nodeFlags(s, ports)
	if err != nil {
		return err
	}
	if err := s.writeStackFile(ports); err != nil {
		return err
	}
	if err := s.StartCluster(cluster, 0, os.Stderr, flags...); err != nil {
		return err
	}
	s.Stack = s.OnCluster(cluster)
	if err := s.Prepare(); err != nil {
		return err
	}
	if err := s.Pulumi("up", "--yes", "--skip-preview"); err != nil {
		return fmt.Errorf("up: %w; the containers' logs are under %s", err, filepath.Dir(s.Kubeconfig()))
	}
	return demoResult(s.Stack, ports, os.Stdout)
}

// demoDown stops everything of a demo, and deletes its files.
func demoDown(name string, _ demoPorts) error {
	s, err := demoStack(name)
	if err != nil {
		return err
	}
	return removeDemo(s)
}

// demonstration is a stack with a stack file of its own.
type demonstration struct {
	engine.Stack
	// source is the folder of the checkout, which has the stack file to copy.
	source string
}

func demoStack(name string) (demonstration, error) {
	root, err := os.Getwd()
	if err != nil {
		return demonstration{}, err
	}
	folder := filepath.Join(root, ".sandbox", "demo", name)
	return demonstration{Stack: engine.Stack{Name: name, Root: root, Folder: folder, Out: os.Stdout, Err: os.Stderr}, source: root}, nil
}

func removeDemo(s demonstration) error {
	return errors.Join(s.StopCluster(), s.Remove())
}

// nodeFlags builds what real nodes need, and returns the flags of "cluster serve" for them.
func nodeFlags(s demonstration, ports demoPorts) ([]string, error) {
	tools, err := build.Nodes(s.source, os.Stderr)
	if err != nil {
		return nil, err
	}
	pgbouncer, err := postgrestest.PgBouncer()
	if err != nil {
		return nil, err
	}
	exporter, err := postgrestest.Exporter()
	if err != nil {
		return nil, err
	}
	return []string{
		"-node-bin", tools.Bin, "-programs", tools.Programs, "-images", filepath.Join(s.source, ".sandbox", "images"),
		"-pgbouncer", pgbouncer, "-exporter", exporter,
		"-http", strconv.Itoa(ports.http), "-https", strconv.Itoa(ports.https), "-metrics", strconv.Itoa(ports.metrics),
	}, nil
}

// free returns an error for each port that another program has.
func (p demoPorts) free() error {
	var errs []error
	for flag, port := range map[string]int{"HTTP": p.http, "HTTPS": p.https, "METRICS": p.metrics} {
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			errs = append(errs, fmt.Errorf("port %d: %w; choose another one, such as `make demo %s=%d`", port, err, flag, port+8000))
			continue
		}
		errs = append(errs, listener.Close())
	}
	return errors.Join(errs...)
}

// writeStackFile copies the stack file with the domain <stack>.localhost, which browsers
// resolve to this machine, and makes the copy the stack's own.
func (s *demonstration) writeStackFile(demoPorts) error {
	file := "Pulumi." + s.Name + ".yaml"
	data, err := os.ReadFile(filepath.Join(s.source, file))
	if err != nil {
		return fmt.Errorf("there is no stack %q: %w", s.Name, err)
	}
	domain := s.Name + ".localhost"
	var out strings.Builder
	for line := range strings.Lines(string(data)) {
		key, _, _ := strings.Cut(line, ":")
		if key == "    domain" || key == "    zone" {
			line = key + ": " + domain + "\n"
		}
		out.WriteString(line)
	}
	s.Root = filepath.Join(s.Folder, "source")
	if err := os.MkdirAll(s.Root, 0o700); err != nil {
		return err
	}
	project, err := os.ReadFile(filepath.Join(s.source, "Pulumi.yaml"))
	return errors.Join(err,
		os.WriteFile(filepath.Join(s.Root, "Pulumi.yaml"), project, 0o600),
		os.WriteFile(filepath.Join(s.Root, file), []byte(out.String()), 0o600))
}

// demoResult prints how to look at the demo.
func demoResult(s engine.Stack, ports demoPorts, out io.Writer) error {
	o, err := readOutputs(s)
	if err != nil {
		return err
	}
	port := ""
	if ports.https != 443 {
		port = ":" + strconv.Itoa(ports.https)
	}
	fmt.Fprintf(out, "\n%s runs on this machine. On DigitalOcean it costs %s a month:\n", s.Name, o.MonthlyUSD)
	o.printBill(out)
	fmt.Fprintf(out, "Open:\n  %-14s %s%s\n  %-14s %s%s\n  %-14s http://localhost:%d/vmui\n", "app", o.URL, port, "dashboards", o.GrafanaURL, port, "metrics", ports.metrics)
	for _, name := range slices.Sorted(maps.Keys(o.Tenants)) {
		fmt.Fprintf(out, "  %-14s %s%s\n", name, o.Tenants[name], port)
	}
	if err := printUsage(s, out); err != nil {
		return err
	}
	fmt.Fprintf(out, `
The certificates are signed by the sandbox. Import this file as an authority in the browser, or give it to curl as --cacert:
  %s
Next:
  kubectl --kubeconfig %s get pods -A
  edit Pulumi.%[3]s.yaml, then: make demo STACK=%[3]s
  make demo-down STACK=%[3]s
`, filepath.Join(filepath.Dir(s.Kubeconfig()), "ca.crt"), s.Kubeconfig(), s.Name)
	return nil
}
