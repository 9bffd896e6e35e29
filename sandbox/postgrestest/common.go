package postgrestest

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// common is what all servers of a major have in common: the programs, and a new database cluster
// that each server copies. It exists while a server of this process uses it. To run initdb and
// unpack the programs for each server would take about two seconds each time.
type common struct {
	mutex sync.Mutex
	// users is the number of servers that use it.
	users int
	// folder contains everything. bin is the folder of the programs; empty until all is ready.
	folder, bin string
}

var commons = map[int]*common{0: {}, 17: {}, 18: {}}

// share sets the server's Bin, and returns the folder of the cluster to copy.
func (s *Server) share(t testing.TB) (cluster string) {
	t.Helper()
	c, known := commons[s.major]
	require.True(t, known, "PostgreSQL %d: want 0, 17 or 18", s.major)
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.bin == "" {
		c.prepare(t, s)
	}
	c.users++
	t.Cleanup(c.release)
	s.Bin = c.bin
	return filepath.Join(c.folder, "cluster")
}

// prepare creates the folder. The caller has the mutex.
func (c *common) prepare(t testing.TB, s *Server) {
	t.Helper()
	folder, err := os.MkdirTemp("", "postgres-common-")
	require.NoError(t, err)
	maker := &Server{major: s.major, Dir: folder, account: s.account, Bin: binaries(t, s.major, folder)}
	maker.own(t)
	// Small files of the write-ahead log make the copies small.
	maker.run(t, "initdb", "--pgdata="+filepath.Join(folder, "cluster"), "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync", "--locale=C", "--wal-segsize=1")
	c.folder, c.bin = folder, maker.Bin
}

// release removes the folder after the last server that used it has ended.
func (c *common) release() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.users--; c.users == 0 {
		_ = os.RemoveAll(c.folder) // a leftover in the temporary folder does no harm
		c.folder, c.bin = "", ""
	}
}

// fetching lets one test fetch or build programs, while the others wait for it.
var fetching sync.Mutex
