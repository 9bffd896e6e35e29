package settings

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Fault is one thing wrong with a stack file.
type Fault struct {
	// Path leads to it, for example "settings.tenants[2].name".
	Path string
	// Problem says what is wrong and what would be right.
	Problem string
}

func (f Fault) String() string { return f.Path + ": " + f.Problem }

// Faults is every fault of a stack file at once, sorted by path.
type Faults []Fault

func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = "  " + fault.String()
	}
	return fmt.Sprintf("the stack's settings have %s:\n%s", plural(len(f), "fault"), strings.Join(lines, "\n"))
}

// orNil is the error for these faults: nil when there are none.
func (f Faults) orNil() error {
	if len(f) == 0 {
		return nil
	}
	sort.SliceStable(f, func(i, j int) bool { return f[i].Path < f[j].Path })
	return f
}

func (f *Faults) add(path, problem string, args ...any) { f.at("settings."+path, problem, args...) }

// at adds a fault of a key that is not among the settings.
func (f *Faults) at(path, problem string, args ...any) {
	*f = append(*f, Fault{Path: path, Problem: fmt.Sprintf(problem, args...)})
}

// has reports whether a path has a fault already.
func (f Faults) has(path string) bool {
	return slices.ContainsFunc(f, func(fault Fault) bool { return fault.Path == path })
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
