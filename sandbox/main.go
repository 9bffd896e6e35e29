// Command sandbox runs a stack through the real Pulumi engine on this machine,
// against simulated clouds. `make up`, `make preview` and `make down` call it.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/genericcorp/platform/sandbox/engine"
)

const usage = `usage: sandbox [-stack demo] up|preview|refresh|down

  up       brings the stack up; a second time it reports what changed
  preview  shows what up would do
  refresh  finds what was changed in the cloud by hand (under .sandbox/<stack>/cloud)
  down     removes everything, the stack's state too
`

func main() {
	flags := flag.NewFlagSet("sandbox", flag.ExitOnError)
	stack := flags.String("stack", "demo", "which Pulumi.<stack>.yaml")
	flags.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	_ = flags.Parse(os.Args[1:]) // exits on an error
	commands := map[string]func(engine.Stack) error{"up": up, "preview": preview, "refresh": refresh, "down": down}
	command, ok := commands[flags.Arg(0)]
	if !ok || flags.NArg() != 1 {
		flags.Usage()
		os.Exit(2)
	}
	if err := run(*stack, command); err != nil {
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		os.Exit(1)
	}
}

func run(name string, command func(engine.Stack) error) error {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	tools, err := engine.Build(root, os.Stderr)
	if err != nil {
		return err
	}
	s := engine.Stack{
		Name: name, Root: root, Folder: filepath.Join(root, ".sandbox", "stacks", name),
		Tools: tools, Out: os.Stdout, Err: os.Stderr,
	}
	if err := s.Prepare(); err != nil {
		return err
	}
	return command(s)
}

func up(s engine.Stack) error {
	if err := s.Pulumi("up", "--yes", "--skip-preview"); err != nil {
		return fmt.Errorf("up: %w", err)
	}
	return s.Pulumi("stack", "--show-urns=false")
}

func preview(s engine.Stack) error { return s.Pulumi("preview", "--diff=false") }

func refresh(s engine.Stack) error { return s.Pulumi("refresh", "--yes", "--skip-preview") }

// down takes protection off first, as an operator has to: docs/operations.md.
func down(s engine.Stack) error {
	if err := s.Pulumi("state", "unprotect", "--all", "--yes"); err != nil {
		return fmt.Errorf("unprotect: %w", err)
	}
	if err := s.Pulumi("destroy", "--yes", "--skip-preview", "--remove"); err != nil {
		return fmt.Errorf("destroy: %w", err)
	}
	return s.Remove()
}
