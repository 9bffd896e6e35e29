// Command sandbox runs a stack with the real Pulumi engine against simulated clouds, on
// this machine and without an account. The Makefile calls it: `make up` and the other
// targets.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/genericcorp/platform/sandbox/build"
	"github.com/genericcorp/platform/sandbox/demo"
	"github.com/genericcorp/platform/sandbox/engine"
)

const usage = `usage: sandbox [-stack demo] [-cluster simulated|apiserver] up|preview|tree|refresh|cancel|adopt|down
       sandbox [-stack demo] [-http 80] [-https 443] [-metrics 8428] [-grafana docker] demo|demo-down

  up       creates or updates the stack, then prints its bill and URLs
  preview  shows what up would change
  tree     lists the stack's resources and outputs
  refresh  updates the state to the cloud (change a file under .sandbox/stacks/<stack>/cloud by hand first)
  cancel   removes the lock of a run that was killed, and its list of pending creates
  adopt    runs 'ops adopt': prints the resources that the cloud has and the state lacks
  down     deletes the stack, its simulated cloud and its state

  demo       runs the stack with its containers on this machine, which needs Linux and root
  demo-down  stops and deletes what demo started

With -cluster apiserver the Kubernetes provider uses a real control plane on this
machine. It runs until down.
`

func main() {
	flags := flag.NewFlagSet("sandbox", flag.ExitOnError)
	stack := flags.String("stack", "demo", "name of the stack; its file is Pulumi.<stack>.yaml")
	cluster := flags.String("cluster", simulated, "simulated or apiserver")
	var ports demo.Ports
	flags.IntVar(&ports.HTTP, "http", 0, "port of demo for HTTP on 127.0.0.1; without it that of the demo that runs, or 80")
	flags.IntVar(&ports.HTTPS, "https", 0, "port of demo for HTTPS on 127.0.0.1; without it that of the demo that runs, or 443")
	flags.IntVar(&ports.Metrics, "metrics", 0, "port of demo for VictoriaMetrics on 127.0.0.1; without it that of the demo that runs, or 8428")
	grafana := flags.String("grafana", "", `"docker" runs Grafana with Docker beside demo`)
	flags.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	_ = flags.Parse(os.Args[1:]) // exits on an error
	commands := map[string]func(engine.Stack) error{"up": up, "preview": preview, "tree": tree, "refresh": refresh, "cancel": unlock, "adopt": adopt, "down": down}
	// The name is part of the path of a folder that down deletes.
	if !stackName.MatchString(*stack) {
		exit(fmt.Errorf("-stack: %q is no name of a stack; want letters, digits and hyphens", *stack))
	}
	if *grafana != "" && *grafana != "docker" {
		exit(fmt.Errorf("-grafana: %q is not possible; want docker", *grafana))
	}
	onNodes := map[string]func(*demo.Demo) error{
		"demo": func(d *demo.Demo) error { return startDemo(d, *grafana != "") }, "demo-down": stopDemo,
	}
	if run, ok := onNodes[flags.Arg(0)]; ok && flags.NArg() == 1 {
		d, err := demoOf(*stack, ports)
		if err == nil {
			err = run(d)
		}
		exit(err)
		return
	}
	command, ok := commands[flags.Arg(0)]
	if !ok || flags.NArg() != 1 || *cluster != simulated && *cluster != apiServer {
		flags.Usage()
		os.Exit(2)
	}
	exit(run(*stack, *cluster == apiServer, command))
}

var stackName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*$`)

// exit ends the program with status 1 if there is an error.
func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		os.Exit(1)
	}
}

// Values of -cluster: a simulated Kubernetes API, or a real one.
const (
	simulated = "simulated"
	apiServer = "apiserver"
)

func run(name string, live bool, command func(engine.Stack) error) error {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	tools, err := build.Engine(root, os.Stderr)
	if err != nil {
		return err
	}
	s := engine.Stack{
		Name: name, Root: root, Folder: filepath.Join(root, ".sandbox", "stacks", name),
		Tools: tools, Out: os.Stdout, Err: os.Stderr,
	}
	if live {
		s.Folder = filepath.Join(root, ".sandbox", apiServer, name)
		cluster, err := build.Cluster(root, os.Stderr)
		if err != nil {
			return err
		}
		if err := s.StartCluster(cluster, 0, os.Stderr); err != nil {
			return err
		}
		s = s.OnCluster(cluster)
	}
	if err := s.Prepare(); err != nil {
		return err
	}
	if err := command(s); err != nil {
		return err
	}
	if _, err := os.Stat(s.Kubeconfig()); live && err == nil {
		fmt.Fprintf(os.Stderr, "See the Pods: kubectl --kubeconfig %s get pods -A\n", s.Kubeconfig())
	}
	return nil
}

func up(s engine.Stack) error {
	if err := s.Pulumi("up", "--yes", "--skip-preview"); err != nil {
		return fmt.Errorf("up: %w", err)
	}
	return result(s, os.Stdout)
}

func preview(s engine.Stack) error { return s.Pulumi("preview", "--diff=false") }

func refresh(s engine.Stack) error { return s.Pulumi("refresh", "--yes", "--skip-preview") }

// unlock does what docs/operations.md says to do after a run was killed. The next run
// adopts or refuses the resources that the killed run was creating.
func unlock(s engine.Stack) error {
	if err := s.Pulumi("cancel", "--yes"); err != nil {
		return fmt.Errorf("cancel: %w", err)
	}
	if err := s.Pulumi("refresh", "--yes", "--skip-preview", "--clear-pending-creates"); err != nil {
		return fmt.Errorf("refresh: %w", err)
	}
	return nil
}

// down removes the protection first, as an operator has to (docs/operations.md).
func down(s engine.Stack) error {
	if err := s.Pulumi("state", "unprotect", "--all", "--yes"); err != nil {
		return fmt.Errorf("unprotect: %w", err)
	}
	if err := s.Pulumi("destroy", "--yes", "--skip-preview", "--remove"); err != nil {
		return fmt.Errorf("destroy: %w", err)
	}
	if err := s.StopCluster(); err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	return s.Remove()
}
