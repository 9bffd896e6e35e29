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

// proxy forwards connections to a server, and counts the statements that clients send. It
// closes the connection at the statement with the number cut, after it has sent that one.
type proxy struct {
	target   string
	cut      int64
	seen     atomic.Int64
	listener net.Listener
}

// newProxy starts a proxy to the address target. With cut 0 it only counts.
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
			return // the listener was closed
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close() // the client gets an error, as from a server that is down
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

// forward reads the client's messages. The first has no type. The others have a type of one
// letter, and "Q" is a statement.
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

// everyStatement is the weight of a statement that counts fully.
const everyStatement = int64(10)

// weigh returns the weight of a session's statements, by its startup message. An owner's
// session dumps or restores: it only reads, or runs one transaction, so one statement in ten
// is enough. The session of watch.sql repeats one statement, and does not count.
func weigh(startup []byte) int64 {
	switch {
	case bytes.Contains(startup, []byte("platform-watch")):
		return 0
	case bytes.Contains(startup, []byte("user\x00owner_")):
		return 1
	}
	return everyStatement
}

// statements returns the number of statements that were counted.
func (p *proxy) statements() int { return int(p.seen.Load() / everyStatement) }
