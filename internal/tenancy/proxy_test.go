package tenancy_test

import (
	"bytes"
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
	weight := everyStatement
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
		if first {
			weight = weigh(body)
		}
		cut := false
		if !first && head[0] == 'Q' && weight > 0 {
			number := p.seen.Add(weight)
			cut = p.cut != 0 && number >= p.cut*everyStatement
		}
		if _, err := server.Write(append(head, body...)); err != nil || cut {
			return err
		}
	}
}

// everyStatement is what a statement counts for, so that others can count for less.
const everyStatement = int64(10)

// weigh reads a startup message. Statements of an owner's session are those of a dump
// or a restore, which read or are one transaction: one of ten is enough. The session
// that watches for blockers says the same again and again, and counts for nothing.
func weigh(startup []byte) int64 {
	switch {
	case bytes.Contains(startup, []byte("platform-watch")):
		return 0
	case bytes.Contains(startup, []byte("user\x00owner_")):
		return 1
	}
	return everyStatement
}

// statements is how many have been counted.
func (p *proxy) statements() int { return int(p.seen.Load() / everyStatement) }
