// Command bench measures the platform and prints docs/benchmarks.md. It measures previews, builds
// and tenants with the real Pulumi engine in the sandbox, and connections through the real
// PgBouncer. `make bench` runs it. With -only it makes one measurement, and prints the other
// sections unchanged.
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
	for _, p := range measurements {
		names = append(names, p.name)
	}
	only := flag.String("only", "", "make only this `measurement`, and print the other sections of "+file+" unchanged: "+strings.Join(names, ", "))
	flag.Parse()
	if err := run(*only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is a run of measurements in a temporary folder. A measurement writes its section to out.
type bench struct {
	root, folder string
	tools        build.Tools
	out          io.Writer
}

// measurement writes a section of the document.
type measurement struct {
	name, heading string
	// engine is true if run needs the Pulumi engine. Its first build takes minutes.
	engine bool
	// duration is shown to the user while run runs.
	duration string
	run      func(bench) error
}

var measurements = []measurement{
	{"previews", "A preview of a new stack", true, "half a minute", bench.previews},
	{"destroy", "A destroy of demo", true, "a minute", bench.destroy},
	{"builds", "Builds, and from an edit to its preview", true, "a quarter to half of an hour, most of it a cold build with helm/v3", bench.builds},
	{"tenants", "Tenants", true, "ten minutes", bench.tenants},
	{"pooler", "Tenants through PgBouncer and directly", false, "six minutes", bench.pooler},
	{"load", "People on the demo", true, "a quarter of an hour; it needs root", bench.load},
	{"algorithms", "The solver, the plan and the reconcile of tenants", false, "a minute", bench.algorithms},
}

// run makes the measurement with the name only, or all if only is empty. Then it prints the
// document.
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
	defer os.RemoveAll(folder) //nolint:errcheck // a leftover in the temporary folder does no harm
	b := bench{root: root, folder: folder}
	if slices.ContainsFunc(measured, func(p measurement) bool { return p.engine }) {
		if b.tools, err = build.Engine(root, os.Stderr); err != nil {
			return err
		}
	}
	for _, p := range measured {
		fmt.Fprintf(os.Stderr, "measuring %s: about %s\n", p.name, p.duration)
		var section strings.Builder
		if only != "" {
			fmt.Fprintf(&section, "Measured by `make bench ONLY=%s`: %s.\n\n", only, measuredOn())
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

// choose returns the measurements to make, and the document for their sections.
func choose(only string) ([]measurement, document, error) {
	if only == "" {
		return measurements, newDocument(), nil
	}
	i := slices.IndexFunc(measurements, func(p measurement) bool { return p.name == only })
	if i < 0 {
		return nil, document{}, fmt.Errorf("-only: there is no measurement %q; -h lists them", only)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, document{}, err
	}
	d, err := parse(string(text))
	return measurements[i : i+1], d, err
}
