package main

import (
	"context"
	"errors"
	"flag"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/genericcorp/platform/sandbox/authority"
	"github.com/genericcorp/platform/sandbox/cloud"
	"github.com/genericcorp/platform/sandbox/cluster/containers"
	"github.com/genericcorp/platform/sandbox/cluster/controlplane"
	"github.com/genericcorp/platform/sandbox/cluster/fakecloud"
	"github.com/genericcorp/platform/sandbox/cluster/vpc"
)

// server is a cluster that "cluster serve" runs.
type server struct {
	bin, folder, cloud string
	parent             int
	// containers are for real nodes. Without its field Bin the nodes are fake.
	containers containers.Options
}

// serve runs until it gets SIGINT or SIGTERM, until its parent exits, or until one of its
// programs exits. The file "ready" in its folder exists while the cluster can be used. Its
// content is the URL of etcd.
func serve(args []string) error {
	var s server
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	flags.StringVar(&s.bin, "bin", "", "folder of etcd and the programs of Kubernetes")
	flags.StringVar(&s.folder, "folder", "", "folder to write the cluster's files to, such as kubeconfig")
	flags.StringVar(&s.cloud, "cloud", "", "folder of the simulated cloud, which has the node pools")
	flags.IntVar(&s.parent, "parent", 0, "stop when the process with this ID exits; 0 means never")
	o := &s.containers
	flags.StringVar(&o.Bin, "node-bin", "", "folder of the kubelet and the other programs of nodes; without it the nodes are fake")
	flags.StringVar(&o.Images, "images", "", "folder to write container images to")
	flags.StringVar(&o.Programs.Folder, "programs", "", "folder of the programs in the images")
	flags.StringVar(&o.Programs.PgBouncer, "pgbouncer", "", "folder of PgBouncer")
	flags.StringVar(&o.Programs.Exporter, "exporter", "", "folder of the exporter of PgBouncer's metrics")
	flags.IntVar(&o.HTTP, "http", 80, "port of the load balancer on 127.0.0.1")
	flags.IntVar(&o.HTTPS, "https", 443, "port of the load balancer on 127.0.0.1")
	flags.IntVar(&o.Metrics, "metrics", 8428, "port of VictoriaMetrics on 127.0.0.1")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if s.parent != 0 {
		go stopAfter(s.parent, stop)
	}
	if o.Bin == "" {
		return s.run(ctx, nil)
	}
	o.Folder, o.Cloud = s.folder, s.cloud
	host, err := containers.Start(s.containers)
	if err != nil {
		return err
	}
	if err := s.run(ctx, host); err != nil && ctx.Err() == nil {
		// The kernel ends all processes. The files stay, because the logs say more.
		return err
	}
	return host.Stop()
}

// run runs the control plane. host is nil if the nodes are fake.
func (s server) run(ctx context.Context, host *containers.Host) error {
	var network *vpc.Network
	var machines fakecloud.Machines
	var failed <-chan error
	if host != nil {
		network, machines, failed = host.Network, host.Machines, host.Failed()
	}
	plane, err := controlplane.Start(ctx, s.bin, s.folder, network)
	if err != nil {
		return err
	}
	if host != nil {
		err = host.Serve(ctx, plane)
	}
	var controller *fakecloud.Controller
	if err == nil {
		controller, err = s.controller(plane, machines)
	}
	if err != nil {
		return errors.Join(err, plane.Stop())
	}
	stopped := make(chan error, 1)
	go func() { stopped <- controller.Run(ctx) }()
	ready := filepath.Join(s.folder, "ready")
	if err := os.WriteFile(ready, []byte(plane.EtcdURL), 0o600); err != nil {
		return errors.Join(err, plane.Stop())
	}
	select {
	case <-ctx.Done():
	case err = <-plane.Failed():
	case err = <-failed:
	case err = <-stopped:
	}
	return errors.Join(err, os.Remove(ready), plane.Stop())
}

// controller returns the simulated cloud of a control plane. The certificate of its authority is
// in the file ca.crt.
func (s server) controller(plane *controlplane.ControlPlane, machines fakecloud.Machines) (*fakecloud.Controller, error) {
	issuer, err := authority.New()
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(s.folder, "ca.crt"), issuer.Certificate, 0o600); err != nil {
		return nil, err
	}
	return fakecloud.New(plane.Config, func() ([]cloud.NodePool, error) { return fakecloud.NodePools(s.cloud) }, issuer, machines)
}

// stopAfter calls stop within a second after a process exited.
func stopAfter(pid int, stop func()) {
	for syscall.Kill(pid, 0) == nil {
		time.Sleep(time.Second)
	}
	stop()
}
