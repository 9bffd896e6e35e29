package main

import (
	"cmp"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// cost is the time and the memory that a command needed.
type cost struct {
	took time.Duration
	// peak is the memory of the command's largest process in MiB.
	peak int64
}

// measure runs a command. The error contains its output.
func measure(cmd *exec.Cmd) (cost, error) {
	started := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return cost{}, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return cost{time.Since(started), usage.Maxrss >> 10}, nil
}

// median returns the cost of the run with the median time. The number of runs must be odd.
func median(of []cost) cost {
	sorted := slices.SortedFunc(slices.Values(of), func(a, b cost) int { return cmp.Compare(a.took, b.took) })
	return sorted[len(sorted)/2]
}

func medians(of [][]cost) []cost {
	out := make([]cost, len(of))
	for i := range of {
		out[i] = median(of[i])
	}
	return out
}
