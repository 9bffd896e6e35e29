// Command plan prints the plans of stacks: sizes, bill, fit, and how much more fits. It
// reads the stack files only, so it needs no account, no token and no network.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/genericcorp/platform/internal/lifecycle"
	"github.com/genericcorp/platform/internal/names"
	"github.com/genericcorp/platform/internal/report"
	"github.com/genericcorp/platform/internal/settings"
)

// Exit statuses. The usage text explains them.
const (
	exitFits   = 0
	exitMisfit = 1
	exitFaulty = 2
)

const usage = `usage: plan [-format text|json|markdown] [-base REV] [-deployed FILE] [stack ...]

Prints the plan of the named stacks, or of every Pulumi.<stack>.yaml in this folder.
  -format   text (default), json (docs/plan.md), or markdown for a pull request
  -base     compares with the stack files of another git revision; what that revision's plan
            has made never shrinks
  -deployed plans one stack from the sizes that run: a database or a volume never shrinks.
            FILE is what "pulumi stack output --json" prints

Exit status: 0 every stack fits and is within its budget; 1 a stack does not, or with -base
an update would refuse a change; 2 faulty settings or wrong usage.
`

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("plan", flag.ContinueOnError)
	flags.SetOutput(errs)
	flags.Usage = func() {} // the code below prints it to the right stream
	format := flags.String("format", "text", "")
	var from origin
	flags.StringVar(&from.base, "base", "", "")
	flags.StringVar(&from.deployed, "deployed", "", "")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(out, usage)
		return exitFits
	case err != nil:
		fmt.Fprint(errs, usage)
		return exitFaulty
	}
	render, ok := formats[*format]
	if !ok {
		fmt.Fprintf(errs, "plan: -format %q is not one of text, json, markdown\n", *format)
		return exitFaulty
	}
	r, err := plan(flags.Args(), from)
	if err == nil {
		err = render(r, out)
	}
	if err != nil {
		fmt.Fprintf(errs, "plan: %v\n", err)
		return exitFaulty
	}
	if !r.OK() {
		return exitMisfit
	}
	return exitFits
}

var formats = map[string]func(report.Report, io.Writer) error{
	"text":     report.Report.Text,
	"markdown": report.Report.Markdown,
	"json": func(r report.Report, w io.Writer) error {
		encoder := json.NewEncoder(w)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	},
}

// plan plans the named stacks, or all stacks of the folder. Its error joins the faults of
// every stack.
func plan(names []string, from origin) (report.Report, error) {
	removed, err := removedStacks(from.base)
	if err != nil {
		return report.Report{}, err
	}
	if len(names) == 0 {
		if names, err = stackNames(); err != nil {
			return report.Report{}, err
		}
	}
	running, err := from.running(unique(names))
	if err != nil {
		return report.Report{}, err
	}
	before, err := from.revision()
	if err != nil {
		return report.Report{}, err
	}
	defer before.close()
	var stacks []report.Stack
	var faults []error
	for _, name := range unique(names) {
		s, err := planOne(name, before, running)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		stacks = append(stacks, s)
	}
	faults = append(faults, report.Conflicts(stacks)...)
	r := report.New(stacks, time.Now())
	r.Removed = removed
	return r, errors.Join(faults...)
}

// stackNames returns the stacks that have a file in this folder.
func stackNames() ([]string, error) {
	files, err := filepath.Glob("Pulumi.*.yaml")
	if err == nil && len(files) == 0 {
		err = errors.New("there is no Pulumi.<stack>.yaml in this folder; run the command at the top of the checkout")
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, file := range files {
		if name, ok := stackName(file); ok {
			names = append(names, name)
		}
	}
	return names, nil
}

// unique returns the names without those that came before.
func unique(names []string) []string {
	var out []string
	for _, name := range names {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// planOne plans a stack. Without running, what the revision's plan has made never shrinks.
func planOne(name string, before revision, running *lifecycle.Sizes) (report.Stack, error) {
	if err := names.Stack(name); err != nil {
		return report.Stack{}, err
	}
	file, err := settings.ReadFile("Pulumi." + name + ".yaml")
	if err != nil {
		return report.Stack{}, fmt.Errorf("stack file Pulumi.%s.yaml: %w", name, err)
	}
	var was earlier
	if before.name != "" {
		if was = before.stack(name, running); running == nil {
			running = was.sizes()
		}
	}
	s, err := report.PlanStack(name, file, running)
	if err != nil {
		return report.Stack{}, fmt.Errorf("stack file Pulumi.%s.yaml: %w", name, err)
	}
	if before.name != "" {
		s.Base = before.compare(s, was)
	}
	return s, nil
}

// removedStacks returns the stacks whose file a revision has and this folder lacks. It
// returns nil for an empty revision.
func removedStacks(revision string) ([]string, error) {
	if revision == "" {
		return nil, nil
	}
	if _, err := exec.LookPath("git"); err != nil {
		return nil, errors.New("-base needs git, which is not installed; install it, or leave -base out")
	}
	if err := exec.Command("git", "rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{commit}").Run(); err != nil {
		return nil, fmt.Errorf("-base %q is no revision of this repository", revision)
	}
	files, err := exec.Command("git", "ls-tree", "-z", "--name-only", revision, "./").Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-tree %s: %w", revision, err)
	}
	var removed []string
	for file := range strings.SplitSeq(string(files), "\x00") {
		name, ok := stackName(file)
		ok = ok && names.Stack(name) == nil
		if _, err := os.Stat(file); ok && errors.Is(err, fs.ErrNotExist) {
			removed = append(removed, name)
		}
	}
	return removed, nil
}

// stackName returns the stack of a file "Pulumi.<stack>.yaml", and false for other files.
func stackName(file string) (string, bool) {
	name, ok := strings.CutPrefix(file, "Pulumi.")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(name, ".yaml")
}
