package vpc

import (
	"context"
	"fmt"
	"io"
	"net"
)

// Expose connects a TCP port of this machine's address 127.0.0.1 with the same port at
// 127.0.0.1 in the network.
func (n *Network) Expose(port int) error {
	address := fmt.Sprintf("127.0.0.1:%d", port)
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	go Forward(listener, func(net.Conn) (net.Conn, error) { return n.Dial(context.Background(), address) })
	return nil
}

// Offer connects a TCP port at the address Cloud in the network with an address of this
// machine.
func (n *Network) Offer(port int, address string) error {
	listener, err := n.Listen("tcp", fmt.Sprintf("%s:%d", Cloud, port))
	if err != nil {
		return err
	}
	go Forward(listener, func(net.Conn) (net.Conn, error) { return net.Dial("tcp", address) })
	return nil
}

// Forward connects each client of a listener with a connection of dial, until the listener is
// closed. It closes the client's connection if dial fails.
func Forward(listener net.Listener, dial func(client net.Conn) (net.Conn, error)) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer client.Close() //nolint:errcheck // both sides may have closed it
			server, err := dial(client)
			if err != nil {
				return
			}
			defer server.Close() //nolint:errcheck // both sides may have closed it
			pipe(client, server)
		}()
	}
}

// pipe copies in both directions until both ended.
func pipe(a, b net.Conn) {
	done := make(chan struct{}, 2)
	for _, pair := range [][2]net.Conn{{a, b}, {b, a}} {
		go func() {
			_, _ = io.Copy(pair[0], pair[1]) // an error ends the connection, as its end does
			if half, ok := pair[0].(interface{ CloseWrite() error }); ok {
				_ = half.CloseWrite() // fails if the other side closed it
			}
			done <- struct{}{}
		}()
	}
	<-done
	<-done
}
