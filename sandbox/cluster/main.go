// Command cluster is the real Kubernetes of the sandbox. "cluster serve" runs a control plane
// with fake nodes. "cluster render" prints the objects that the cert-manager release
// installs.
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
		return errors.New("no command; usage: cluster serve|render")
	}
	switch args[0] {
	case "serve":
		return serve(args[1:])
	case "render":
		return render(args[1:], os.Stdin, os.Stdout)
	}
	return fmt.Errorf("there is no command %q; usage: cluster serve|render", args[0])
}

// serve runs until it gets SIGINT or SIGTERM, until its parent exits, or until one of its
// programs exits. The file "ready" in its folder exists while the cluster can be used. Its
// content is the URL of etcd.
func serve(args []string) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	bin := flags.String("bin", "", "folder of etcd and the programs of Kubernetes")
	folder := flags.String("folder", "", "folder to write the cluster's files to, such as kubeconfig")
	cloudFolder := flags.String("cloud", "", "folder of the simulated cloud, which has the node pools")
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
	controller, err := fakecloud.New(plane.Config, func() ([]cloud.NodePool, error) { return fakecloud.NodePools(*cloudFolder) })
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

// stopAfter calls stop within a second after a process exited.
func stopAfter(pid int, stop func()) {
	for syscall.Kill(pid, 0) == nil {
		time.Sleep(time.Second)
	}
	stop()
}

// render reads {"namespace": ..., "values": ...} and writes a list of objects, both as JSON.
func render(_ []string, in io.Reader, out io.Writer) error {
	var request struct {
		Namespace string         `json:"namespace"`
		Values    map[string]any `json:"values"`
	}
	if err := json.NewDecoder(in).Decode(&request); err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	objects, err := chart.Render(request.Namespace, request.Values)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(objects)
}
