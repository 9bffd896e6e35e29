package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/genericcorp/platform/sandbox/build"
)

// file is the path of the document in the repository.
const file = "docs/benchmarks.md"

// document is docs/benchmarks.md: the text before the first section, and the text of each section
// by its heading.
type document struct {
	head     string
	sections map[string]string
}

// newDocument returns a document without sections.
func newDocument() document {
	return document{fmt.Sprintf(head, measuredOn(), build.PulumiVersion), map[string]string{}}
}

const head = `# Benchmarks

Written by ` + "`make bench`" + `; ` + "`make bench ONLY=pooler`" + ` measures one section again and keeps the others. Times are of one machine, and
each section is one run, so read the ratios: %s, Pulumi %s.
Clouds are simulated: what a real one adds is not in here.
`

// measuredOn describes what the times depend on: system, cores, processor and Go version.
func measuredOn() string {
	return fmt.Sprintf("%s/%s, %d cores, %s, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), processor(), runtime.Version())
}

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

// parse parses a document. A section that no measurement writes is an error, because String
// would leave it out.
func parse(text string) (document, error) {
	pieces := strings.Split(text, "\n## ")
	d := document{pieces[0], map[string]string{}}
	for _, piece := range pieces[1:] {
		heading, body, _ := strings.Cut(piece, "\n\n")
		if !slices.ContainsFunc(measurements, func(p measurement) bool { return p.heading == heading }) {
			return document{}, fmt.Errorf("%s: no measurement writes the section %q", file, heading)
		}
		d.sections[heading] = body
	}
	return d, nil
}

// String returns the document with its sections in the order of measurements.
func (d document) String() string {
	var b strings.Builder
	b.WriteString(d.head)
	for _, p := range measurements {
		if body, ok := d.sections[p.heading]; ok {
			fmt.Fprintf(&b, "\n## %s\n\n%s", p.heading, body)
		}
	}
	return b.String()
}
