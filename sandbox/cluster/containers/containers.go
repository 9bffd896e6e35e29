// Package containers runs what a stack needs beside its control plane so that its containers
// really run on this machine: nodes, a DNS server, the managed database, and the load balancer.
package containers

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"k8s.io/client-go/kubernetes"

	"github.com/genericcorp/platform/sandbox/cloud"
	"github.com/genericcorp/platform/sandbox/cluster/controlplane"
	"github.com/genericcorp/platform/sandbox/cluster/fakecloud"
	"github.com/genericcorp/platform/sandbox/cluster/images"
	"github.com/genericcorp/platform/sandbox/cluster/machines"
	"github.com/genericcorp/platform/sandbox/cluster/vpc"
	"github.com/genericcorp/platform/sandbox/machine"
	"github.com/genericcorp/platform/sandbox/postgres"
)

// databasePort is the port of DigitalOcean's databases.
const databasePort = 25060

// Options are what a Host needs to know. All are required.
type Options struct {
	// Folder is where all files are written. Cloud is the folder of the simulated cloud.
	Folder, Cloud string
	// Bin has the programs of nodes, and Images gets the images.
	Bin, Images string
	Programs    images.Programs
	// HTTP, HTTPS and Metrics are ports on 127.0.0.1: of the load balancer, and of
	// VictoriaMetrics.
	HTTP, HTTPS, Metrics int
}

// Host is this machine in the role of the cloud.
type Host struct {
	// Network is where the control plane must run.
	Network *vpc.Network
	// Machines run the nodes.
	Machines *machines.Machines

	options  Options
	database *postgres.Server
	failed   chan error
}

// Start makes the network and starts the database. Call Serve when the control plane runs.
func Start(o Options) (*Host, error) {
	h := &Host{options: o, failed: make(chan error, 2)}
	if err := machine.Check(o.Folder, o.Bin, o.Images); err != nil {
		return nil, err
	}
	var err error
	if o.Programs.PostgreSQL, err = machine.PostgreSQL(); err != nil {
		return nil, err
	}
	o.Programs.Metrics = o.Metrics
	known, err := images.OfStack(o.Programs)
	if err != nil {
		return nil, err
	}
	if err := images.Write(o.Images, known); err != nil {
		return nil, err
	}
	if h.Network, err = vpc.New(); err != nil {
		return nil, err
	}
	h.Machines = &machines.Machines{
		Network: h.Network, Folder: o.Folder, Bin: o.Bin, Images: o.Images, Known: known, CGroup: machine.ControlGroup(o.Folder), Unseen: machine.DatabaseFolder(o.Folder),
		Ranges: func() (*net.IPNet, *net.IPNet, error) { return fakecloud.Ranges(o.Cloud) },
	}
	// A run that was killed may have left files.
	if err := h.Machines.StopAll(); err != nil {
		return nil, err
	}
	return h, h.startDatabase()
}

// startDatabase starts PostgreSQL in a folder of the temporary folder, which the user of the
// server can reach, and writes the file with what the simulated cloud says about it.
func (h *Host) startDatabase() error {
	password := rand.Text()
	folder := machine.DatabaseFolder(h.options.Folder)
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	ports, err := machine.FreePorts(1)
	if err != nil {
		return err
	}
	h.database, err = postgres.Start(postgres.Options{
		Folder: folder, Port: ports[0], Password: password, Hosts: []string{"*.db.ondigitalocean.com", "localhost"},
	})
	if err != nil {
		return fmt.Errorf("PostgreSQL: %w", err)
	}
	ca, err := os.ReadFile(h.database.CA)
	if err != nil {
		return err
	}
	data, err := json.Marshal(cloud.Database{Password: password, CA: string(ca)}) //nolint:gosec // the simulated cloud tells the program the password
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(h.options.Folder, cloud.DatabaseFile), data, 0o600),
		h.Network.Offer(databasePort, fmt.Sprintf("127.0.0.1:%d", ports[0])),
	)
}

// Serve starts the DNS server and the load balancer.
func (h *Host) Serve(ctx context.Context, plane *controlplane.ControlPlane) error {
	h.Machines.Kubeconfig, h.Machines.Authority = plane.NodesKubeconfig(), plane.KubeletAuthority()
	client, err := kubernetes.NewForConfig(plane.Config)
	if err != nil {
		return err
	}
	balancer := balancer{client: client, host: h}
	return errors.Join(
		h.startDNS(plane.Kubeconfig),
		balancer.listen(ctx, h.options.HTTP, 80), balancer.listen(ctx, h.options.HTTPS, 443), balancer.metrics(ctx, h.options.Metrics),
	)
}

// startDNS starts CoreDNS at the address Cloud. It knows the cluster's Services, and says that
// every database is at that address.
func (h *Host) startDNS(kubeconfig string) error {
	file := filepath.Join(h.options.Folder, "Corefile")
	text := fmt.Sprintf(`.:53 {
	errors
	template IN A db.ondigitalocean.com {
		answer "{{ .Name }} 60 IN A %s"
	}
	template IN AAAA db.ondigitalocean.com {
		rcode NOERROR
	}
	kubernetes cluster.local {
		kubeconfig %s
	}
}
`, vpc.Cloud, kubeconfig)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(h.options.Folder, "coredns.log"))
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the child process has its own file descriptor
	cmd := exec.Command(filepath.Join(h.options.Bin, "coredns"), "-conf", file)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := h.Network.Start(cmd); err != nil {
		return fmt.Errorf("coredns: %w", err)
	}
	go func() {
		h.failed <- fmt.Errorf("coredns ended (%w); see its log %s", errors.Join(cmd.Wait()), log.Name())
	}()
	return nil
}

// Failed returns a channel with an error when the DNS server or the database has ended.
func (h *Host) Failed() <-chan error {
	go func() {
		if err := <-h.database.Ended(); err != nil {
			h.failed <- fmt.Errorf("PostgreSQL ended (%w); see its log %s", err, h.database.LogFile())
		}
	}()
	return h.failed
}

// Stop stops the nodes and the database, and deletes their files.
func (h *Host) Stop() error {
	err := h.Machines.StopAll()
	if h.database != nil {
		err = errors.Join(err, h.database.Stop())
	}
	return errors.Join(err, os.RemoveAll(machine.DatabaseFolder(h.options.Folder)))
}
