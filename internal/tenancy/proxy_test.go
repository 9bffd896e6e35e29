package tenancy_test

import (
	"encoding/binary"
	"io"
	"net"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// proxy stands before a server and counts the statements that clients send. At
// the one numbered cut it ends the connection, as soon as the server has that
// statement.
type proxy struct {
	target   string
	cut      int64
	seen     atomic.Int64
	listener net.Listener
}

// newProxy counts alone when cut is zero.
func newProxy(t testing.TB, target string, cut int) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{target: target, cut: int64(cut), listener: listener}
	go p.serve()
	return p
}

func (p *proxy) port() int { return p.listener.Addr().(*net.TCPAddr).Port }

func (p *proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close() // the client sees that nobody is there
			continue
		}
		go func() {
			_, _ = io.Copy(client, server) // until either ends
			_ = client.Close()
		}()
		go func() {
			_ = p.forward(server, client) // until either ends, or the cut
			_ = server.Close()
			_ = client.Close()
		}()
	}
}

// forward reads messages of the frontend: the first has no type, the others have
// one letter; "Q" is a statement.
func (p *proxy) forward(server io.Writer, client io.Reader) error {
	for first := true; ; first = false {
		head := make([]byte, 5)
		if first {
			head = head[:4]
		}
		if _, err := io.ReadFull(client, head); err != nil {
			return err
		}
		body := make([]byte, binary.BigEndian.Uint32(head[len(head)-4:])-4)
		if _, err := io.ReadFull(client, body); err != nil {
			return err
		}
		statement := !first && head[0] == 'Q'
		number := int64(0)
		if statement {
			number = p.seen.Add(1)
		}
		cut := p.cut != 0 && statement && number >= p.cut
		if _, err := server.Write(append(head, body...)); err != nil || cut {
			return err
		}
	}
}
