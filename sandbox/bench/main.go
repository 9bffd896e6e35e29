// Command bench measures previews, builds and tenants through the real engine in
// the sandbox, and prints docs/benchmarks.md. `make bench` calls it; with -only it
// prints one part.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/genericcorp/platform/sandbox/build"
	"github.com/genericcorp/platform/sandbox/engine"
)

func main() {
	only := flag.String("only", "", "measure this `part` alone: previews, destroy, builds, tenants or algorithms")
	flag.Parse()
	if err := run(*only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is a run of measurements in a temporary folder.
type bench struct {
	root, folder string
	tools        build.Tools
}

// part of the document, and what someone who waits for it should know.
type part struct {
	name, waits string
	run         func(bench) error
}

var parts = []part{
	{"previews", "half a minute", bench.previews},
	{"destroy", "a minute", bench.destroy},
	{"builds", "a quarter to half of an hour, most of it a cold build with helm/v3", bench.builds},
	{"tenants", "ten minutes", bench.tenants},
	{"algorithms", "a minute", bench.algorithms},
}

// run prints the part named only, or all of them.
func run(only string) error {
	measured := slices.Clone(parts)
	if only != "" {
		measured = slices.DeleteFunc(measured, func(p part) bool { return p.name != only })
	}
	if len(measured) == 0 {
		return fmt.Errorf("-only: %q is not a part; -h lists them", only)
	}
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a leftover in the temporary folder harms nobody
	tools, err := build.Engine(root, os.Stderr)
	if err != nil {
		return err
	}
	b := bench{root, folder, tools}
	fmt.Printf(head, runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), processor(), runtime.Version(), build.PulumiVersion)
	for _, p := range measured {
		fmt.Fprintf(os.Stderr, "measuring %s: %s\n", p.name, p.waits)
		if err := p.run(b); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

const head = `# Benchmarks

Written by ` + "`make bench`" + `. Times are of one machine, and each part is one run, so read the ratios: %s/%s, %d cores, %s, %s, Pulumi %s.
Clouds are simulated: what a real one adds is not in here.
`

func processor() string {
	data, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	for line := range strings.Lines(string(data)) {
		if name, found := strings.CutPrefix(line, "model name"); found {
			return strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(name), ":"))
		}
	}
	return "unknown processor"
}

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

// stack lays a stack out with a stack file of its own.
func (b bench) stack(name, file, program string) (engine.Stack, error) {
	root := filepath.Join(b.folder, name+"-root")
	if err := os.MkdirAll(root, 0o700); err != nil {
		return engine.Stack{}, err
	}
	project, err := os.ReadFile(filepath.Join(b.root, "Pulumi.yaml"))
	if err != nil {
		return engine.Stack{}, err
	}
	for path, data := range map[string][]byte{"Pulumi.yaml": project, "Pulumi." + name + ".yaml": []byte(file)} {
		if err := os.WriteFile(filepath.Join(root, path), data, 0o600); err != nil {
			return engine.Stack{}, err
		}
	}
	tools := b.tools
	tools.Program = program
	s := engine.Stack{Name: name, Root: root, Folder: filepath.Join(b.folder, name), Tools: tools}
	return s, s.Prepare()
}

const rounds = 5

// previews compares the stacks with a program that declares nothing, in turns.
func (b bench) previews() error {
	empty := filepath.Join(b.folder, "empty-program")
	build := exec.Command("go", "build", "-o", empty, "./sandbox/bench/testdata/empty")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the empty program: %w\n%s", err, out)
	}
	names := []string{"empty", "demo", "prod"}
	var stacks []engine.Stack
	for _, name := range names {
		file, program := "config: {}\n", empty
		if name != "empty" {
			data, err := os.ReadFile(filepath.Join(b.root, "Pulumi."+name+".yaml"))
			if err != nil {
				return err
			}
			file, program = string(data), b.tools.Program
		}
		s, err := b.stack(name, file, program)
		if err != nil {
			return err
		}
		stacks = append(stacks, s)
	}
	costs := make([][]cost, len(stacks))
	for range rounds {
		for i, s := range stacks {
			c, err := measure(s.Command("preview"))
			if err != nil {
				return err
			}
			costs[i] = append(costs[i], c)
		}
	}
	fmt.Printf("\n## A preview of a new stack\n\nMedian of %d, in turns. The goal is twice an empty Go program on the same engine.\n\n", rounds)
	fmt.Println("| program | time | of the empty one | largest process |\n| --- | --- | --- | --- |")
	shown := medians(costs)
	for i, name := range names {
		c := shown[i]
		fmt.Printf("| %s | %.1f s | %.1f× | %d MiB |\n", name, c.took.Seconds(), c.took.Seconds()/shown[0].took.Seconds(), c.peak)
	}
	return nil
}

// algorithms are the benchmarks of the packages, as Go prints them.
func (b bench) algorithms() error {
	fmt.Println("\n## The solver, the plan and the reconcile of tenants\n\nThe reconcile runs against a PostgreSQL beside it; a new one makes every tenant.\n\n```")
	for _, args := range [][]string{
		{"test", "-run", "xxx", "-bench", ".", "./internal/sizing", "./internal/report"},
		{"test", "-run", "xxx", "-bench", ".", "-benchtime", "1x", "./internal/tenancy"},
	} {
		out, err := exec.Command("go", args...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
		}
		for line := range strings.Lines(string(out)) {
			if strings.HasPrefix(line, "Benchmark") {
				fmt.Print(line)
			}
		}
	}
	fmt.Println("```")
	return nil
}
