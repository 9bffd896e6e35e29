package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
)

// Comparison is the difference between a stack file and the same file at another git
// revision.
type Comparison struct {
	Revision string `json:"revision"`
	// MonthlyCents is the total of the bill at the revision. DeltaCents is today's total
	// less that one; 0 with a Refusal.
	MonthlyCents budget.Cents `json:"monthlyCents"`
	DeltaCents   budget.Cents `json:"deltaCents"`
	// Bill has the lines of the bill that differ. It is empty with a Refusal.
	Bill []BillChange `json:"bill"`
	// Refusal says why there will be no update: the plan does not fit, or the update would be
	// refused. It is empty otherwise.
	Refusal string `json:"refusal,omitempty"`
	// New is true if the revision has no such stack file.
	New bool `json:"new"`
	// Problem says why the file at the revision cannot be planned. Then there are no
	// changes.
	Problem string   `json:"problem,omitempty"`
	Changes []Change `json:"changes"`
	// Planner says why this program planned the file of the revision, instead of the program of
	// that revision, which has other code. It is empty otherwise.
	Planner string `json:"planner,omitempty"`
	// Refused has the changes of tenants that an update would refuse, each with its path.
	Refused []string `json:"refused,omitempty"`
}

// Effects of a change on a running stack. markdown.go sorts by them.
const (
	// Replaces deletes something and creates it again.
	Replaces = "replaces"
	// Refused stops the update; nothing is changed.
	Refused = "refused"
	// Resize needs `ops resize` before the update.
	Resize = "resize"
	// OneWay happens in place and cannot be undone.
	OneWay = "one way"
	// InPlace happens in place and can be undone.
	InPlace = "in place"
)

// Change is one difference.
type Change struct {
	// What names the setting or the tenant.
	What   string `json:"what"`
	Before string `json:"before"`
	After  string `json:"after"`
	// Effect is one of the effects above, such as Replaces.
	Effect string `json:"effect"`
	// Note explains the effect for this change. It may be empty.
	Note string `json:"note,omitempty"`
}

// BillChange is a line of the bill that differs. Before and After are empty if the bill lacks it.
type BillChange struct {
	Item       string       `json:"item"`
	Before     string       `json:"before"`
	After      string       `json:"after"`
	DeltaCents budget.Cents `json:"deltaCents"`
}

// Compare compares a stack with the same stack at a revision. before is nil if the
// revision has no such stack file.
func Compare(now Stack, before *Stack, revision string) *Comparison {
	c := &Comparison{Revision: revision, New: before == nil, DeltaCents: now.MonthlyCents, Changes: []Change{}, Bill: []BillChange{}}
	if before == nil {
		return c
	}
	c.MonthlyCents = before.MonthlyCents
	c.sizes(before, now)
	c.settings(before.settings, now.settings)
	c.tenants(before.settings, now.settings)
	if c.Refusal = c.refusal(now); c.Refusal != "" {
		c.DeltaCents = 0
		return c
	}
	c.DeltaCents = now.MonthlyCents - before.MonthlyCents
	c.bill(before.Lines, now.Lines)
	return c
}

// refusal returns the first reason why there will be no update, or "".
func (c *Comparison) refusal(now Stack) string {
	if !now.OK {
		first, _, _ := strings.Cut(now.Problem, "\n")
		return first
	}
	for _, change := range c.Changes {
		if change.Effect == Refused {
			return fmt.Sprintf("%s: %s", change.What, change.Note)
		}
	}
	return ""
}

// bill adds the lines that differ, in the order of the bills.
func (c *Comparison) bill(before, now []Line) {
	lines := slices.Concat(now, before)
	for i, l := range lines {
		same := func(other Line) bool { return other.Item == l.Item }
		if slices.IndexFunc(lines, same) < i {
			continue
		}
		was, is := lineOf(before, same), lineOf(now, same)
		if was.SKU != is.SKU || was.Quantity != is.Quantity || was.MonthlyCents != is.MonthlyCents {
			c.Bill = append(c.Bill, BillChange{l.Item, was.text(), is.text(), is.MonthlyCents - was.MonthlyCents})
		}
	}
}

func lineOf(lines []Line, is func(Line) bool) Line {
	if i := slices.IndexFunc(lines, is); i >= 0 {
		return lines[i]
	}
	return Line{}
}

// text returns, for example, "2 × s-2vcpu-4gb", or "" for no line.
func (l Line) text() string {
	if l.Item == "" {
		return ""
	}
	return sizeText(l.Quantity, l.SKU)
}

// PlannedAs returns the stack with the sizes and the bill of another plan of the same file.
func (s Stack) PlannedAs(other Stack) Stack {
	other.settings = s.settings
	return other
}

// addIfDifferent adds a change unless before and after are equal.
func (c *Comparison) addIfDifferent(what string, before, after any, effect, note string) {
	if before != after {
		c.Changes = append(c.Changes, Change{what, fmt.Sprint(before), fmt.Sprint(after), effect, note})
	}
}

// sizes adds the changes of sizes. Another kind of cluster or database is a change of its own
// (immovable), because the sizes on its two sides are not of the same thing.
func (c *Comparison) sizes(before *Stack, now Stack) {
	if before.settings.Cluster.Kind == now.settings.Cluster.Kind {
		c.nodes(before, now)
	}
	if before.settings.Database.Kind == now.settings.Database.Kind {
		c.database(before, now)
	}
}

func (c *Comparison) nodes(before *Stack, now Stack) {
	c.addIfDifferent("node size", before.Nodes.Size, now.Nodes.Size, Resize,
		"run `go run ./cmd/ops resize -stack "+now.Name+"` first: it replaces the nodes and keeps the cluster; an update without it is refused")
	c.addIfDifferent("node count", before.Nodes.Count, now.Nodes.Count, InPlace, "")
}

func (c *Comparison) database(before *Stack, now Stack) {
	effect, note := OneWay, "a database can grow, but not shrink"
	if catalog.IsSmallerDatabase(now.Database.Size, before.Database.Size) {
		note = "DigitalOcean refuses to shrink a database; create a smaller one and restore a backup into it"
		effect = Replaces
	}
	c.addIfDifferent("database size", before.Database.Size, now.Database.Size, effect, note)
	c.addIfDifferent("database nodes", before.Database.Nodes, now.Database.Nodes, InPlace, "")
}
