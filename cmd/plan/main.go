// Command plan prints what the stacks are made of, what they cost and how much
// more they bear, from the stack files alone: no account, no token, no network.
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
	"strings"

	"github.com/genericcorp/platform/internal/report"
)

// Exit statuses.
const (
	exitFits   = 0
	exitMisfit = 1
	exitFaulty = 2
)

const usage = `usage: plan [-format text|json|markdown] [-base REV] [stack ...]

Plans every Pulumi.<stack>.yaml of this folder, or the stacks that are named.
  -format   text (default), json (docs/plan.md), or markdown for a pull request
  -base     compares with the stack files of another git revision

Exit status: 0 all fit; 1 one is over its budget, does not fit, or an update would refuse its tenants (-base);
2 faulty settings or usage.
`

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("plan", flag.ContinueOnError)
	flags.SetOutput(errs)
	flags.Usage = func() {} // printed below, where it belongs
	format := flags.String("format", "text", "")
	base := flags.String("base", "", "")
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
	r, err := plan(flags.Args(), *base)
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

// plan plans the named stacks, or all; its error holds the faults of every stack.
func plan(names []string, base string) (report.Report, error) {
	gone, err := removed(base)
	if err != nil {
		return report.Report{}, err
	}
	if len(names) == 0 {
		if names, err = stackNames(); err != nil {
			return report.Report{}, err
		}
	}
	var stacks []report.Stack
	var faults []error
	for _, name := range names {
		s, err := planOne(name, base)
		if err != nil {
			faults = append(faults, fmt.Errorf("stack file Pulumi.%s.yaml: %w", name, err))
			continue
		}
		stacks = append(stacks, s)
	}
	r := report.New(stacks)
	r.Removed = gone
	return r, errors.Join(faults...)
}

func stackNames() ([]string, error) {
	files, err := filepath.Glob("Pulumi.*.yaml")
	if err == nil && len(files) == 0 {
		err = errors.New("there is no Pulumi.<stack>.yaml in this folder; run it at the top of the checkout")
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

func planOne(name, base string) (report.Stack, error) {
	file, err := os.ReadFile("Pulumi." + name + ".yaml")
	if err != nil {
		return report.Stack{}, err
	}
	s, err := report.PlanStack(name, file)
	if err == nil && base != "" {
		s.Base = compare(s, base)
	}
	return s, err
}

// compare plans the stack file of a git revision too. A file that was faulty
// then does not hinder the one that mends it.
func compare(now report.Stack, revision string) *report.Comparison {
	file, err := exec.Command("git", "show", revision+":./Pulumi."+now.Name+".yaml").Output()
	if err != nil {
		return report.Compare(now, nil, revision)
	}
	before, err := report.PlanStack(now.Name, file)
	if err != nil {
		return &report.Comparison{Revision: revision, Problem: err.Error(), Changes: []report.Change{}}
	}
	return report.Compare(now, &before, revision)
}

// removed are stacks whose file a revision has and this folder has not.
func removed(revision string) ([]string, error) {
	if revision == "" {
		return nil, nil
	}
	if err := exec.Command("git", "rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{commit}").Run(); err != nil {
		return nil, fmt.Errorf("-base %q is no revision of this repository", revision)
	}
	files, err := exec.Command("git", "ls-tree", "--name-only", revision, "./").Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-tree %s: %w", revision, err)
	}
	var names []string
	for file := range strings.FieldsSeq(string(files)) {
		name, ok := stackName(file)
		if _, err := os.Stat(file); ok && errors.Is(err, fs.ErrNotExist) {
			names = append(names, name)
		}
	}
	return names, nil
}

// stackName is the stack of a file "Pulumi.<stack>.yaml".
func stackName(file string) (string, bool) {
	name, ok := strings.CutPrefix(file, "Pulumi.")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(name, ".yaml")
}
