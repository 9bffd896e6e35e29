package main

import (
	"fmt"
	"os/exec"
	"strings"
)

// algorithms writes the results of the packages' benchmarks, as Go prints them.
func (b bench) algorithms() error {
	fmt.Fprint(b.out, "The reconcile runs against a PostgreSQL on the same machine; `new` creates every tenant.\n\n```\n")
	for _, args := range [][]string{
		{"-bench", ".", "./internal/sizing", "./internal/report"},
		{"-bench", "^Benchmark(Reconcile|Verifiers)$", "-benchtime", "1x", "./internal/tenancy"},
	} {
		lines, err := goBenchmarks(args...)
		if err != nil {
			return err
		}
		fmt.Fprint(b.out, strings.Join(lines, ""))
	}
	fmt.Fprintln(b.out, "```")
	return nil
}

// goBenchmarks runs `go test` and returns the lines with results.
func goBenchmarks(args ...string) ([]string, error) {
	args = append([]string{"test", "-run", "^$", "-timeout", "1h"}, args...)
	out, err := exec.Command("go", args...).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	var lines []string
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "Benchmark") {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("go %s: no benchmark ran", strings.Join(args, " "))
	}
	return lines, nil
}
