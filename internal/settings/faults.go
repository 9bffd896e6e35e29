package settings

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is a mistake in a stack file.
type Fault struct {
	// Path is the key that has the fault, for example "settings.tenants[2].name".
	Path string
	// Problem says what is wrong and what would be right. It begins with a verb or a value,
	// because it follows the path in messages.
	Problem string
}

func (f Fault) String() string { return f.Path + ": " + f.Problem }

// Faults has all faults of a stack file, sorted by path. It is an error.
type Faults []Fault

// Error returns the number of faults and one line for each.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = "  " + fault.String()
	}
	return fmt.Sprintf("the stack's settings have %s:\n%s", plural(len(f), "fault"), strings.Join(lines, "\n"))
}

// orNil returns the faults as an error, sorted by path and then by problem, or nil if there
// are none. Some faults are found in the random order of a map.
func (f Faults) orNil() error {
	if len(f) == 0 {
		return nil
	}
	slices.SortFunc(f, func(a, b Fault) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Problem, b.Problem))
	})
	return f
}

// add adds a fault of a key below platform:settings.
func (f *Faults) add(path, problem string, args ...any) { f.at("settings."+path, problem, args...) }

// maxFaults is the most faults that are kept. More would not fit on a screen.
const maxFaults = 200

// at adds a fault of any other key of the configuration. It makes the texts safe to print.
func (f *Faults) at(path, problem string, args ...any) {
	switch {
	case f.full():
		return
	case len(*f) == maxFaults:
		path, problem, args = "settings", "has more faults than the %d of this list", []any{maxFaults}
	}
	*f = append(*f, Fault{Path: printable(path, mostPathRunes), Problem: printable(fmt.Sprintf(problem, shortened(args)...), mostProblemRunes)})
}

// full reports whether more faults would be dropped.
func (f *Faults) full() bool { return len(*f) > maxFaults }

// wrong reports whether there is a fault of this key below platform:settings. A check that
// depends on another key is left out if that key is wrong.
func (f Faults) wrong(path string) bool { return f.has("settings." + path) }

// has reports whether there is a fault of this path.
func (f Faults) has(path string) bool {
	return slices.ContainsFunc(f, func(fault Fault) bool { return fault.Path == path })
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
