package postgrestest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	// memory is Linux's file system in memory. A database cluster has a thousand files. On some
	// disks, creating them takes as much CPU time as the rest of a test.
	memory = "/dev/shm"
	// enough is the free space in bytes that memory must have. A server uses 40 to 400 MB.
	enough = 4 << 30
	// prefix starts the name of a folder in memory. The ID of the test process follows.
	prefix = "platform-postgres-"
)

// dataFolder returns the folder for a server's files, which is deleted when the test ends. If
// memory has too little space, the folder is in the folder disk.
func dataFolder(t testing.TB, disk string) string {
	t.Helper()
	var stat syscall.Statfs_t
	if err := syscall.Statfs(memory, &stat); err != nil || stat.Bavail*uint64(stat.Bsize) < enough {
		return filepath.Join(disk, "data")
	}
	removeLeftovers()
	folder, err := os.MkdirTemp(memory, fmt.Sprintf("%s%d-", prefix, os.Getpid()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) }) // the next test process would remove it
	return folder
}

// removeLeftovers removes the folders of test processes that were killed. They use memory.
var removeLeftovers = sync.OnceFunc(func() {
	folders, err := filepath.Glob(filepath.Join(memory, prefix+"*-*"))
	if err != nil {
		return // only a pattern can be wrong
	}
	for _, folder := range folders {
		id, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(folder), prefix), "-")
		if pid, err := strconv.Atoi(id); err == nil && syscall.Kill(pid, 0) == syscall.ESRCH {
			_ = os.RemoveAll(folder) // it may belong to another user
		}
	}
})
