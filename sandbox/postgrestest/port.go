package postgrestest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// The ports of servers and poolers. Linux gives ports from 32768 on to outgoing connections, so
// one of these might be taken before the server uses it.
const (
	firstPort = 10000
	ports     = 22000
)

// lastPort is the offset of the last port that FreePort returned. It starts at random, because
// the tests of several packages may run at the same time.
var lastPort atomic.Uint32

func init() { lastPort.Store(rand.Uint32N(ports)) }

// FreePort returns a port on which nothing listens, and which it has returned to no other caller
// in this process.
func FreePort(t testing.TB) int {
	t.Helper()
	var err error
	for range 100 {
		port := firstPort + lastPort.Add(1)%ports
		var listener net.Listener
		if listener, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			require.NoError(t, listener.Close())
			return int(port)
		}
	}
	require.NoError(t, err)
	return 0
}
