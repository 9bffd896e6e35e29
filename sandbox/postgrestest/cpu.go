package postgrestest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// tick is the unit of the times in /proc/PID/stat on Linux.
const tick = 10 * time.Millisecond

// CPU returns the CPU time that the server's processes have used since its start, including
// processes that have ended.
func (s *Server) CPU(t testing.TB) time.Duration {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	var used time.Duration
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // the process ended
		}
		pid := filepath.Base(filepath.Dir(file))
		parent, ticks := parseStat(t, string(data))
		if pid == strconv.Itoa(s.pid) || parent == s.pid {
			used += time.Duration(ticks) * tick
		}
	}
	return used
}

// parseStat returns the parent's ID of a process, and the time that it and its ended children
// have used, in ticks. The program's name in parentheses may contain any character.
func parseStat(t testing.TB, stat string) (parent, ticks int) {
	t.Helper()
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	number := func(i int) int {
		n, err := strconv.Atoi(fields[i])
		require.NoError(t, err, stat)
		return n
	}
	for i := 11; i <= 14; i++ { // utime, stime, cutime, cstime
		ticks += number(i)
	}
	return number(1), ticks
}
