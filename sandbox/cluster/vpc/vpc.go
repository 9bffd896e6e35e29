// Package vpc makes the private network of a cluster on this machine: a Linux network
// namespace with a bridge, to which the nodes are attached. It needs root. Nothing of it is
// visible in the machine's own network, and it disappears with the process that made it.
package vpc

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Network is a private network. Use New.
type Network struct {
	// namespace keeps the network namespace, also while no process is in it.
	namespace *os.File
	gateway   *net.IPNet
	// work runs on a thread of its own in the namespace.
	work chan func()
}

// Cloud is the address at which the network has what the cloud runs outside of the nodes: the
// API server, the DNS server and the database. It is in a range for tests (RFC 2544).
var Cloud = net.IPv4(198, 18, 0, 1)

const bridge = "vpc"

// New makes a network with nothing but the address Cloud.
func New() (*Network, error) {
	n := &Network{work: make(chan func())}
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked, because the thread's namespace is changed
		made <- n.make()
		for do := range n.work {
			do()
		}
	}()
	return n, <-made
}

// make gives the present thread a new network namespace.
func (n *Network) make() error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("make a network namespace: %w (it needs root)", err)
	}
	var err error
	if n.namespace, err = os.Open("/proc/thread-self/ns/net"); err != nil {
		return err
	}
	if err := Forwarding(); err != nil {
		return err
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	return errors.Join(netlink.AddrAdd(lo, &netlink.Addr{IPNet: &net.IPNet{IP: Cloud, Mask: net.CIDRMask(32, 32)}}), netlink.LinkSetUp(lo))
}

// Start starts a process in the network. With Pdeathsig it ends when this process ends: the
// kernel sends that signal when the thread ends that started the process, and this thread does
// not end before.
func (n *Network) Start(cmd *exec.Cmd) error {
	started := make(chan error)
	n.work <- func() { started <- cmd.Start() }
	return <-started
}

// Forwarding makes the present namespace forward packets of others.
func Forwarding() error {
	// /proc/sys shows the namespace of the thread that opens a file in it.
	return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0)
}

// SetRange gives the network an address range. The first address in it is the gateway of its
// nodes. Another call does nothing.
func (n *Network) SetRange(network *net.IPNet) error {
	if n.gateway != nil {
		return nil
	}
	gateway := &net.IPNet{IP: Host(network, 1), Mask: network.Mask}
	err := n.inside(func() error {
		link := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: bridge}}
		if err := netlink.LinkAdd(link); err != nil {
			return err
		}
		return errors.Join(netlink.AddrAdd(link, &netlink.Addr{IPNet: gateway}), netlink.LinkSetUp(link))
	})
	if err == nil {
		n.gateway = gateway
	}
	return err
}

// Gateway returns the address of the nodes' gateway, after SetRange.
func (n *Network) Gateway() net.IP { return n.gateway.IP }

// Host returns the IPv4 address with a number in a range.
func Host(network *net.IPNet, number int) net.IP {
	out := make(net.IP, net.IPv4len)
	binary.BigEndian.PutUint32(out, binary.BigEndian.Uint32(network.IP.To4())+uint32(number)) //nolint:gosec // a range has fewer addresses
	return out
}

// Loopback sets the loopback interface of the present namespace up.
func Loopback() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(lo)
}

// inside runs do on a thread that is in the network meanwhile. The thread must live on, because
// the kernel kills the processes with Pdeathsig that it has started.
func (n *Network) inside(do func() error) error {
	runtime.LockOSThread()
	own, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	defer own.Close() //nolint:errcheck // it was only read
	if err := unix.Setns(int(n.namespace.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter the network namespace: %w", err)
	}
	err = do()
	if back := unix.Setns(int(own.Fd()), unix.CLONE_NEWNET); back != nil {
		// The thread stays locked, so that no other goroutine runs in the network.
		return errors.Join(err, back)
	}
	runtime.UnlockOSThread()
	return err
}

// Attach connects the network namespace of a process with the bridge. The process gets an
// interface with the given name, which it configures itself. Addresses in pods are routed to
// address.
func (n *Network) Attach(pid int, name string, address net.IP, pods *net.IPNet) error {
	return n.inside(func() error {
		parent, err := netlink.LinkByName(bridge)
		if err != nil {
			return err
		}
		pair := &netlink.Veth{
			LinkAttrs: netlink.LinkAttrs{Name: fmt.Sprintf("node%d", pid), MasterIndex: parent.Attrs().Index},
			PeerName:  name, PeerNamespace: netlink.NsPid(pid),
			// The same for the same address, so that a node that starts anew is found at once.
			PeerHardwareAddr: append(net.HardwareAddr{0x02, 0x00}, address.To4()...),
		}
		if err := netlink.LinkAdd(pair); err != nil {
			return err
		}
		return errors.Join(netlink.LinkSetUp(pair), netlink.RouteReplace(&netlink.Route{Dst: pods, Gw: address}))
	})
}

// Listen listens on an address of the network, as net.Listen does.
func (n *Network) Listen(protocol, address string) (net.Listener, error) {
	var out net.Listener
	err := n.inside(func() (err error) {
		out, err = net.Listen(protocol, address)
		return err
	})
	return out, err
}

// Dial connects to an IP address and port in the network, by TCP.
func (n *Network) Dial(ctx context.Context, address string) (net.Conn, error) {
	var out net.Conn
	err := n.inside(func() (err error) {
		out, err = (&net.Dialer{}).DialContext(ctx, "tcp", address)
		return err
	})
	return out, err
}
