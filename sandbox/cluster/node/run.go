package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/genericcorp/platform/sandbox/cluster/vpc"
	"github.com/genericcorp/platform/sandbox/machine"
)

const (
	// root is the node's folder in its own view. The paths of sockets in it are short enough.
	root = "/run/node"
	// importedFile exists when containerd has imported all images.
	importedFile = "imported"
)

// Run is the first process of a node, in the namespaces that Start has made. It reads the
// node's Config from a file, and returns when one of the node's programs has ended.
func Run(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var c Config
	if err := json.Unmarshal(data, &c); err != nil {
		return err
	}
	for _, step := range []func() error{c.mount, c.connect, func() error { return enter(c) }, c.writeFiles} {
		if err := step(); err != nil {
			return err
		}
	}
	return c.runPrograms()
}

// mount gives the node its own view of processes and its own folders for state, which the
// programs have at fixed paths.
func (c Config) mount() error {
	if err := unix.Sethostname([]byte(c.Name)); err != nil {
		return err
	}
	// First private, so that no mount reaches the machine. Then shared, because the kubelet
	// expects that its mounts reach containers.
	for _, propagation := range []uintptr{unix.MS_PRIVATE, unix.MS_SHARED} {
		if err := unix.Mount("", "/", "", unix.MS_REC|propagation, ""); err != nil {
			return fmt.Errorf("mount propagation of /: %w", err)
		}
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	for _, folder := range append([]string{c.Unseen}, machine.Hidden...) {
		if err := unix.Mount("tmpfs", folder, "tmpfs", 0, "mode=755"); err != nil {
			return fmt.Errorf("mount %s: %w", folder, err)
		}
	}
	if err := os.Mkdir(root, 0o711); err != nil {
		return err
	}
	return unix.Mount(c.Folder, root, "", unix.MS_BIND, "")
}

// connect configures the node's network interface, which Start adds after the process runs.
func (c Config) connect() error {
	var link netlink.Link
	var err error
	for range 100 {
		if link, err = netlink.LinkByName(linkName); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", linkName, err)
	}
	return errors.Join(
		vpc.Loopback(),
		netlink.AddrAdd(link, &netlink.Addr{IPNet: c.Address}),
		netlink.LinkSetUp(link),
		netlink.RouteAdd(&netlink.Route{Dst: &net.IPNet{IP: net.IPv4zero, Mask: net.CIDRMask(0, 32)}, Gw: c.Gateway}),
		vpc.Forwarding(),
	)
}

// runPrograms starts containerd, imports the images, and starts the kubelet and kube-proxy.
// It returns when one of them has ended.
func (c Config) runPrograms() error {
	names := map[int]string{}
	start := func(name string, args ...string) error {
		cmd, err := c.program(name, args...)
		if err != nil {
			return err
		}
		if err := cmd.Start(); err != nil {
			return err
		}
		names[cmd.Process.Pid] = name
		return nil
	}
	if err := start("containerd", "--config", c.Path(containerdFile)); err != nil {
		return err
	}
	if err := c.importImages(); err != nil {
		return err
	}
	if err := errors.Join(
		start("kubelet", "--config="+c.Path(kubeletFile), "--kubeconfig="+c.Kubeconfig, "--root-dir="+c.Path("kubelet"),
			"--cert-dir="+c.Path("kubelet/pki"), "--hostname-override="+c.Name, "--node-ip="+c.Address.IP.String(), "--node-labels="+c.labels(),
			"--containerd="+c.Socket()), // for the metrics of containers; Kubernetes has no other setting for it
		start("kube-proxy", "--config="+c.Path(proxyFile), "--hostname-override="+c.Name),
	); err != nil {
		return err
	}
	for {
		// This process also gets the children of containers' processes that have ended.
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return err
		}
		if name := names[pid]; name != "" {
			return fmt.Errorf("%s ended with status %d; see %s", name, status.ExitStatus(), filepath.Join(c.Folder, name+".log"))
		}
	}
}

// program returns a program of the node, with its log in <name>.log.
func (c Config) program(name string, args ...string) (*exec.Cmd, error) {
	log, err := os.Create(c.Path(name + ".log"))
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(filepath.Join(c.Bin, name), args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), "PATH="+c.Bin+":"+os.Getenv("PATH"))
	return cmd, nil
}

// importImages waits for containerd, and imports the files in Images.
func (c Config) importImages() error {
	var out []byte
	err := errors.New("containerd did not start")
	for range 100 {
		if out, err = c.ctr(c.Socket(), "version"); err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err != nil {
		return fmt.Errorf("containerd: %w: %s; see %s", err, out, filepath.Join(c.Folder, "containerd.log"))
	}
	files, err := filepath.Glob(filepath.Join(c.Images, "*.tar"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if out, err := c.ctr(c.Socket(), "images", "import", file); err != nil {
			return fmt.Errorf("import %s: %w: %s", file, err, out)
		}
	}
	return os.WriteFile(c.Path(importedFile), nil, 0o600)
}
