package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/genericcorp/platform/sandbox/engine"
)

const rounds = 5

// previews measures a preview of each stack and of a program that declares nothing, in turns.
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
	fmt.Fprintf(b.out, "Median of %d, in turns. The goal is twice an empty Go program on the same engine.\n\n", rounds)
	fmt.Fprintln(b.out, "| program | time | of the empty one | largest process |\n| --- | --- | --- | --- |")
	shown := medians(costs)
	for i, name := range names {
		c := shown[i]
		fmt.Fprintf(b.out, "| %s | %.1f s | %.1f× | %d MiB |\n", name, c.took.Seconds(), c.took.Seconds()/shown[0].took.Seconds(), c.peak)
	}
	return nil
}

// stack prepares a stack with this stack file, in a folder of its own. program is the path of the
// Pulumi program.
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
