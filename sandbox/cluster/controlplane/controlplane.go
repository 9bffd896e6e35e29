// Package controlplane runs a real Kubernetes control plane on this machine: etcd,
// kube-apiserver, kube-controller-manager and kube-scheduler. They listen on free ports of
// the loopback address. Package fakecloud simulates nodes, or package machines runs them.
package controlplane

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/genericcorp/platform/sandbox/cluster/vpc"
	"github.com/genericcorp/platform/sandbox/machine"
)

// ControlPlane is a control plane that runs. Call Stop when it is no longer used.
type ControlPlane struct {
	// Kubeconfig is the path of a kubeconfig with the rights of an administrator.
	Kubeconfig string
	// Config is the same configuration for a client in this process.
	Config *rest.Config
	// EtcdURL is the URL of etcd, without TLS, in the network of Start.
	EtcdURL string

	folder string
	// network is nil for this machine's own.
	network   *vpc.Network
	processes []*exec.Cmd
	failed    chan error
}

// readyTimeout is how long Start waits for kube-apiserver.
const readyTimeout = 90 * time.Second

// Start runs the programs in the folder bin and writes their files to folder. It returns
// when kube-apiserver is ready, at most after 90 seconds, and the other programs have
// started. If it returns an error it has stopped all programs.
//
// The programs run in network, where nodes reach kube-apiserver at vpc.Cloud. Clients on this
// machine still use 127.0.0.1. With a nil network they run in this machine's own, and there can
// be no real nodes.
func Start(ctx context.Context, bin, folder string, network *vpc.Network) (*ControlPlane, error) {
	c := &ControlPlane{folder: folder, network: network, failed: make(chan error, 4)}
	if err := c.start(ctx, bin); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

func (c *ControlPlane) start(ctx context.Context, bin string) error {
	ports, err := machine.FreePorts(5)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.folder, 0o700); err != nil {
		return err
	}
	token, err := writeCredentials(c.folder)
	if err != nil {
		return err
	}
	if c.network != nil {
		// Not etcd, which has no passwords: every user of this machine can connect to 127.0.0.1.
		if err := c.network.Expose(ports[2]); err != nil {
			return err
		}
	}
	c.EtcdURL = fmt.Sprintf("http://127.0.0.1:%d", ports[0])
	peer := fmt.Sprintf("http://127.0.0.1:%d", ports[1])
	if err := c.run(bin, "etcd", "--name=sandbox", "--data-dir="+c.path("etcd"), "--listen-client-urls="+c.EtcdURL,
		"--advertise-client-urls="+c.EtcdURL, "--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer,
		"--initial-cluster=sandbox="+peer, "--unsafe-no-fsync=true", "--log-level=error"); err != nil {
		return err
	}
	if err := c.run(bin, "kube-apiserver", c.apiServerFlags(ports[2])...); err != nil {
		return err
	}
	if err := c.writeKubeconfig(ports[2], token); err != nil {
		return err
	}
	if err := c.awaitReady(ctx); err != nil {
		return err
	}
	if err := c.run(bin, "kube-controller-manager", c.controllerFlags(ports[3])...); err != nil {
		return err
	}
	return c.run(bin, "kube-scheduler", "--kubeconfig="+c.Kubeconfig, "--leader-elect=false",
		fmt.Sprintf("--secure-port=%d", ports[4]), "--bind-address=127.0.0.1", "--cert-dir="+c.path("scheduler"))
}

func (c *ControlPlane) controllerFlags(port int) []string {
	flags := []string{
		"--kubeconfig=" + c.Kubeconfig, "--leader-elect=false", fmt.Sprintf("--secure-port=%d", port), "--bind-address=127.0.0.1",
		"--cert-dir=" + c.path("kcm"), "--service-account-private-key-file=" + c.path(accountKey), "--root-ca-file=" + c.path(servingCertificate),
	}
	if c.network == nil {
		// Fake nodes send no heartbeats.
		flags = append(flags, "--node-monitor-grace-period=24h", "--node-startup-grace-period=24h")
	}
	return flags
}

func (c *ControlPlane) apiServerFlags(port int) []string {
	flags := []string{
		"--etcd-servers=" + c.EtcdURL, fmt.Sprintf("--secure-port=%d", port), "--cert-dir=" + filepath.Dir(c.path(servingCertificate)),
		"--token-auth-file=" + c.path(tokenFile), "--authorization-mode=Node,RBAC", "--allow-privileged=true",
		"--enable-admission-plugins=PodSecurity,ResourceQuota,LimitRanger,NamespaceLifecycle,ServiceAccount",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=" + c.path(accountKey),
		"--service-account-signing-key-file=" + c.path(accountKey), "--service-cluster-ip-range=10.96.0.0/16",
		"--event-ttl=1h",
		"--kubelet-client-certificate=" + c.path(kubeletClient), "--kubelet-client-key=" + c.path(kubeletClientKey),
	}
	if c.network == nil {
		return append(flags, "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none")
	}
	return append(flags, "--bind-address=0.0.0.0", "--advertise-address="+vpc.Cloud.String(), "--kubelet-preferred-address-types=InternalIP")
}

func (c *ControlPlane) path(name string) string { return filepath.Join(c.folder, name) }

// run starts a program with its log in <name>.log. The kernel kills it when this process
// ends, even after a crash.
func (c *ControlPlane) run(bin, name string, args ...string) error {
	log, err := os.Create(c.path(name + ".log"))
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the child process has its own file descriptor
	cmd := exec.Command(filepath.Join(bin, name), args...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, c.folder
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	start := cmd.Start
	if c.network != nil {
		start = func() error { return c.network.Start(cmd) }
	}
	if err := start(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	c.processes = append(c.processes, cmd)
	go func() {
		err := cmd.Wait()
		c.failed <- fmt.Errorf("%s exited (%w); see its log %s", name, errors.Join(err), log.Name())
	}()
	return nil
}

// Failed returns a channel with an error for each program that exits, also after Stop.
func (c *ControlPlane) Failed() <-chan error { return c.failed }

// awaitReady waits until kube-apiserver is ready. It returns an error as soon as a program
// exits.
func (c *ControlPlane) awaitReady(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(c.Config)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	var last error
	for {
		if _, last = client.RESTClient().Get().AbsPath("/readyz").DoRaw(ctx); last == nil {
			return nil
		}
		select {
		case err := <-c.failed:
			return err
		case <-ctx.Done():
			return fmt.Errorf("kube-apiserver is not ready after %s: %w; see its log %s", readyTimeout, last, c.path("kube-apiserver.log"))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Stop kills every program, in the reverse order of their start.
func (c *ControlPlane) Stop() error {
	var errs []error
	for i := len(c.processes) - 1; i >= 0; i-- {
		if err := c.processes[i].Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// NodesKubeconfig returns the path of a kubeconfig like Kubeconfig for programs on the nodes.
// The file exists if Start had a network.
func (c *ControlPlane) NodesKubeconfig() string { return c.path("nodes.kubeconfig") }

// KubeletAuthority returns the path of the certificate that a kubelet trusts to know
// kube-apiserver.
func (c *ControlPlane) KubeletAuthority() string { return c.path(kubeletAuthority) }

func (c *ControlPlane) writeKubeconfig(port int, token string) error {
	config := c.kubeconfig(net.IPv4(127, 0, 0, 1), port, token)
	c.Kubeconfig = c.path("kubeconfig")
	err := clientcmd.WriteToFile(*config, c.Kubeconfig)
	if c.network != nil {
		err = errors.Join(err, clientcmd.WriteToFile(*c.kubeconfig(vpc.Cloud, port, token), c.NodesKubeconfig()))
	}
	if err != nil {
		return err
	}
	c.Config, err = clientcmd.NewDefaultClientConfig(*config, nil).ClientConfig()
	if err == nil {
		c.Config.QPS, c.Config.Burst = 200, 400
	}
	return err
}

func (c *ControlPlane) kubeconfig(address net.IP, port int, token string) *api.Config {
	const name = "sandbox"
	config := api.NewConfig()
	config.Clusters[name] = &api.Cluster{
		Server: fmt.Sprintf("https://%s:%d", address, port), CertificateAuthority: c.path(servingCertificate),
	}
	config.AuthInfos[name] = &api.AuthInfo{Token: token}
	config.Contexts[name] = &api.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	return config
}
