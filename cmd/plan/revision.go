package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/genericcorp/platform/internal/lifecycle"
	"github.com/genericcorp/platform/internal/report"
)

// revision is a git revision with which stacks are compared. Its stack files are planned by the
// program of that revision: prices, requests and the solver may have changed since.
type revision struct {
	name string
	// program is the revision's own cmd/plan, and files the folder with the revision's files. It
	// is empty if this program plans the same, or if whyNot says why the other one cannot run.
	program, files, whyNot string
	// folder is temporary; empty if there is none.
	folder string
	// args are further arguments of the program.
	args []string
}

// revision builds the program of the base if its Go code differs from that of the working folder.
// The zero value stands for no base. close deletes the program.
func (o origin) revision() (revision, error) {
	name := o.base
	r := revision{name: name}
	if o.deployed != "" {
		file, err := filepath.Abs(o.deployed)
		if err != nil {
			return r, err
		}
		r.args = []string{"-deployed", file}
	}
	if name == "" || exec.Command("git", "diff", "--quiet", name, "--", "*.go", "go.mod", "go.sum", ":!*_test.go").Run() == nil {
		return r, nil
	}
	folder, err := os.MkdirTemp("", "plan-")
	if err != nil {
		return r, err
	}
	r.folder = folder
	if err := r.build(); err != nil {
		r.program, r.whyNot = "", err.Error()
	}
	return r, nil
}

func (r *revision) close() {
	if r.folder != "" {
		_ = os.RemoveAll(r.folder) // a temporary folder
	}
}

// build writes the revision's files into the folder, without a change of the repository, and
// builds its cmd/plan. It needs no network: a module that is not there is an error.
func (r *revision) build() error {
	prefix, err := exec.Command("git", "rev-parse", "--show-prefix").Output()
	if err != nil {
		return err
	}
	files := filepath.Join(r.folder, "files")
	if err := os.Mkdir(files, 0o700); err != nil {
		return err
	}
	checkout := exec.Command("git", "--work-tree="+files, "checkout", "--quiet", r.name, "--", ".")
	checkout.Env = append(os.Environ(), "GIT_INDEX_FILE="+filepath.Join(r.folder, "index"))
	if out, err := checkout.CombinedOutput(); err != nil {
		return fmt.Errorf("its files cannot be written: %s", lastLine(out))
	}
	r.files, r.program = filepath.Join(files, strings.TrimSpace(string(prefix))), filepath.Join(r.folder, "plan")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", r.program, "./cmd/plan")
	build.Dir = r.files
	build.Env = append(os.Environ(), "GOPROXY=off", "GOWORK=off", "GOFLAGS=-mod=readonly")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("its program cannot be built: %s", lastLine(append(out, err.Error()...)))
	}
	return nil
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}

// earlier is a stack at the revision.
type earlier struct {
	// stack is nil if the revision has no such stack file, or a faulty one: then problem says so.
	stack *report.Stack
	problem,
	// whyNot says why this program planned the file, if its code differs from the revision's.
	whyNot string
}

// stack plans a stack's file at the revision. If that file is faulty, the result has a problem and
// there is no error, so that a pull request can fix the file.
func (r *revision) stack(name string, running *lifecycle.Sizes) earlier {
	file, err := exec.Command("git", "show", r.name+":./Pulumi."+name+".yaml").Output()
	if err != nil {
		return earlier{}
	}
	before, err := report.PlanStack(name, file, running)
	if err != nil {
		return earlier{problem: err.Error()}
	}
	whyNot := r.whyNot
	if r.program != "" {
		planned, err := r.plan(name)
		if err == nil {
			before = before.PlannedAs(planned)
		} else {
			whyNot = err.Error()
		}
	}
	return earlier{stack: &before, whyNot: whyNot}
}

// compare compares a stack with its earlier one.
func (r *revision) compare(now report.Stack, before earlier) *report.Comparison {
	if before.problem != "" {
		return &report.Comparison{Revision: r.name, Problem: before.problem, Bill: []report.BillChange{}, Changes: []report.Change{}}
	}
	out := report.Compare(now, before.stack, r.name)
	out.Planner = before.whyNot
	return out
}

// sizes returns what an update with the earlier plan has made, or nil if it is no plan.
func (e earlier) sizes() *lifecycle.Sizes {
	if e.stack == nil || !e.stack.OK {
		return nil
	}
	sizes := e.stack.Sizes()
	return &sizes
}

// plan returns the plan of a stack by the revision's program.
func (r *revision) plan(stack string) (report.Stack, error) {
	var out, errs bytes.Buffer
	command := exec.Command(r.program, slices.Concat([]string{"-format", "json"}, r.args, []string{stack})...)
	command.Dir, command.Stdout, command.Stderr = r.files, &out, &errs
	err := command.Run()
	var planned report.Report
	if decoded := json.Unmarshal(out.Bytes(), &planned); decoded != nil || len(planned.Stacks) != 1 {
		return report.Stack{}, fmt.Errorf("its program cannot plan %s: %w", stack, errors.Join(err, errors.New(lastLine(errs.Bytes()))))
	}
	return planned.Stacks[0], nil
}
