// Command bench measures previews, builds and tenants through the real engine in
// the sandbox, and the way to the database with the real PgBouncer. It prints
// docs/benchmarks.md. `make bench` calls it; with -only it measures one part and prints
// the others as they are.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/genericcorp/platform/sandbox/build"
)

func main() {
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	only := flag.String("only", "", "measure this `part` alone, and print the others as "+file+" has them: "+strings.Join(names, ", "))
	flag.Parse()
	if err := run(*only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is a run of measurements in a temporary folder. Parts write their section to
// out.
type bench struct {
	root, folder string
	tools        build.Tools
	out          io.Writer
}

// part is a section of the document.
type part struct {
	name, heading string
	// engine says that it needs the Pulumi engine, whose first build takes minutes.
	engine bool
	// waits tells someone who waits for it how long.
	waits string
	run   func(bench) error
}

var parts = []part{
	{"previews", "A preview of a new stack", true, "half a minute", bench.previews},
	{"destroy", "A destroy of demo", true, "a minute", bench.destroy},
	{"builds", "Builds, and from an edit to its preview", true, "a quarter to half of an hour, most of it a cold build with helm/v3", bench.builds},
	{"tenants", "Tenants", true, "ten minutes", bench.tenants},
	{"pooler", "Tenants through PgBouncer and directly", false, "six minutes", bench.pooler},
	{"algorithms", "The solver, the plan and the reconcile of tenants", false, "a minute", bench.algorithms},
}

// run measures the part named only, or all of them, and prints the document.
func run(only string) error {
	measured, d, err := choose(only)
	if err != nil {
		return err
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
	b := bench{root: root, folder: folder}
	if slices.ContainsFunc(measured, func(p part) bool { return p.engine }) {
		if b.tools, err = build.Engine(root, os.Stderr); err != nil {
			return err
		}
	}
	for _, p := range measured {
		fmt.Fprintf(os.Stderr, "measuring %s: %s\n", p.name, p.waits)
		var section strings.Builder
		if only != "" {
			fmt.Fprintf(&section, "Measured by `make bench ONLY=%s`: %s.\n\n", only, machine())
		}
		b.out = &section
		if err := p.run(b); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		d.sections[p.heading] = section.String()
	}
	fmt.Print(d)
	return nil
}

// choose returns the parts to measure, and the document that gets their sections.
func choose(only string) ([]part, document, error) {
	if only == "" {
		return parts, newDocument(), nil
	}
	i := slices.IndexFunc(parts, func(p part) bool { return p.name == only })
	if i < 0 {
		return nil, document{}, fmt.Errorf("-only: %q is not a part; -h lists them", only)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, document{}, err
	}
	d, err := parse(string(text))
	return parts[i : i+1], d, err
}
