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

// cost is what a command took.
type cost struct {
	took time.Duration
	// peak is the memory of its largest process in MiB.
	peak int64
}

func measure(cmd *exec.Cmd) (cost, error) {
	started := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return cost{}, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return cost{time.Since(started), usage.Maxrss >> 10}, nil
}

// median of an odd number of runs.
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
