// Command cluster is the sandbox's real Kubernetes: "serve" runs a control plane
// with simulated nodes, "render" prints what the cert-manager release installs.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/genericcorp/platform/sandbox/cloud"
	"github.com/genericcorp/platform/sandbox/cluster/chart"
	"github.com/genericcorp/platform/sandbox/cluster/controlplane"
	"github.com/genericcorp/platform/sandbox/cluster/fakecloud"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New("usage: cluster serve|render")
	}
	switch args[0] {
	case "serve":
		return serve(args[1:])
	case "render":
		return render(args[1:], os.Stdin, os.Stdout)
	}
	return fmt.Errorf("%q is neither serve nor render", args[0])
}

// serve runs until it is told to end, or a part of it ends.
func serve(args []string) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	bin := flags.String("bin", "", "folder with etcd and the programs of Kubernetes")
	folder := flags.String("folder", "", "folder for its files, kubeconfig among them")
	folderOfCloud := flags.String("cloud", "", "folder of the simulated cloud that declares the nodes")
	parent := flags.Int("parent", 0, "stop when the process with this ID exits; 0 means never")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *parent != 0 {
		go stopAfter(*parent, stop)
	}
	plane, err := controlplane.Start(ctx, *bin, *folder)
	if err != nil {
		return err
	}
	controller, err := fakecloud.New(plane.Config, func() ([]cloud.NodePool, error) { return fakecloud.Ordered(*folderOfCloud) })
	if err != nil {
		return errors.Join(err, plane.Stop())
	}
	stopped := make(chan error, 1)
	go func() { stopped <- controller.Run(ctx) }()
	ready := filepath.Join(*folder, "ready")
	if err := os.WriteFile(ready, []byte(plane.EtcdURL), 0o600); err != nil {
		return errors.Join(err, plane.Stop())
	}
	select {
	case <-ctx.Done():
	case err = <-plane.Failed():
	case err = <-stopped:
	}
	return errors.Join(err, os.Remove(ready), plane.Stop())
}

// stopAfter calls stop when a process has exited, in whatever way.
func stopAfter(pid int, stop func()) {
	for syscall.Kill(pid, 0) == nil {
		time.Sleep(time.Second)
	}
	stop()
}

// render reads {"namespace": ..., "values": ...}, and prints a list of objects.
func render(_ []string, in io.Reader, out io.Writer) error {
	var wanted struct {
		Namespace string         `json:"namespace"`
		Values    map[string]any `json:"values"`
	}
	if err := json.NewDecoder(in).Decode(&wanted); err != nil {
		return err
	}
	objects, err := chart.Render(wanted.Namespace, wanted.Values)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(objects)
}
