package engine

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/genericcorp/platform/sandbox/cloud"
)

// Processes returns the IDs of the stack's running processes, by the /proc of Linux: "cluster serve",
// and the engine with its providers, language host and program. The latter go on when the engine is
// killed.
func (s Stack) Processes() []int {
	files, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil
	}
	var out []int
	for _, folder := range files {
		// A process that has ended meanwhile has neither file.
		environment, _ := os.ReadFile(filepath.Join(folder, "environ"))
		command, _ := os.ReadFile(filepath.Join(folder, "cmdline"))
		pid, err := strconv.Atoi(filepath.Base(folder))
		if err == nil && pid != os.Getpid() && (s.isEngine(environment) || s.isCluster(command)) {
			out = append(out, pid)
		}
	}
	return out
}

func (s Stack) isEngine(environment []byte) bool {
	return slices.Contains(fields(environment), cloud.EnvFolder+"="+s.CloudFolder())
}

func (s Stack) isCluster(command []byte) bool {
	args := fields(command)
	at := slices.Index(args, flagFolder)
	return slices.Contains(args, "serve") && at > 0 && at+1 < len(args) && args[at+1] == s.ClusterFolder()
}

// fields splits a file of /proc whose fields end in a zero byte.
func fields(data []byte) []string {
	var out []string
	for field := range bytes.SplitSeq(data, []byte{0}) {
		out = append(out, string(field))
	}
	return out
}

// KillProcesses kills the stack's processes, and waits at most 10 seconds for their end.
func (s Stack) KillProcesses() error {
	left := s.Processes()
	for started := time.Now(); len(left) > 0; left = s.Processes() {
		if time.Since(started) > 10*time.Second {
			return fmt.Errorf("these processes do not end: %v", left)
		}
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil
}
