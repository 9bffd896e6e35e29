package report

import (
	"fmt"
	"io"
	"strings"
)

// maxLines is the length of a comment on a pull request. Reviewers do not read longer ones.
const maxLines = 30

// Markdown writes the report as a comment on a pull request, with at most 30 lines: prices
// and sizes, then problems, then the changes. It returns the error of the writer.
func (r Report) Markdown(w io.Writer) error {
	lines := []string{
		"### Plan", "",
		"| stack | month | change | limit | nodes | database | more tenants |", "| --- | --- | --- | --- | --- | --- | --- |",
	}
	for _, s := range r.Stacks {
		c := s.summaryRow()
		lines = append(lines, fmt.Sprintf("| %s | %s | %s | %s | %s | %s | %s |", markedName(s), c[1], priceChange(s), c[2], c[3], c[4], c[6]))
	}
	for _, name := range r.Removed {
		lines = append(lines, fmt.Sprintf("| %s | **removed**: its resources stay and cost money until `pulumi destroy` | | | | | |", name))
	}
	lines = append(lines, fmt.Sprintf("| together | %s | | | | | |", r.TotalCents))
	for _, s := range r.Stacks {
		if s.Problem != "" {
			lines = append(lines, "", "**"+s.Name+"**: "+strings.ReplaceAll(s.Problem, "\n", "; "))
		}
	}
	for _, s := range r.Stacks {
		if s.Base != nil && s.Base.Planner != "" {
			lines = append(lines, "", fmt.Sprintf("%s: both revisions are planned by the new program: %s", s.Name, s.Base.Planner))
		}
	}
	if len(r.OldPrices) > 0 {
		lines = append(lines, "", "**warning**: "+r.oldPrices())
	}
	lines = append(lines, r.billLines()...)
	lines = append(lines, r.changeLines()...)
	if len(lines) > maxLines {
		more := len(lines) - maxLines + 1
		lines = append(lines[:maxLines-1], fmt.Sprintf("- and %d more lines: `go run ./cmd/plan -base REV` prints all", more))
	}
	_, err := fmt.Fprintln(w, strings.Join(lines, "\n"))
	return err
}

// markedName returns the name, with a cross if the stack is not accepted.
func markedName(s Stack) string {
	if s.accepted() {
		return s.Name
	}
	return "**" + s.Name + " ✗**"
}

// priceChange returns the difference to the other revision, for example "+$1.00".
func priceChange(s Stack) string {
	switch {
	case s.Base == nil:
		return ""
	case s.Base.Problem != "":
		return "?"
	case s.Base.New:
		return "new"
	case s.Base.Refusal != "":
		return "refused"
	}
	return signed(s.Base.DeltaCents)
}

// billLines returns a line for each line of a bill that differs.
func (r Report) billLines() []string {
	out := []string{""}
	for _, s := range r.Stacks {
		if s.Base != nil {
			for _, c := range s.Base.Bill {
				out = append(out, fmt.Sprintf("- %s: %s `%s` → `%s` **%s**", s.Name, c.Item, orDash(c.Before), orDash(c.After), signed(c.DeltaCents)))
			}
		}
	}
	if len(out) == 1 {
		return nil
	}
	return out
}

// changeLines returns a line for each change. Changes that an update refuses come first,
// then those that destroy something or cannot be undone.
func (r Report) changeLines() []string {
	var out []string
	for _, effect := range []string{Refused, Replaces, Resize, OneWay, InPlace} {
		for _, s := range r.Stacks {
			if s.Base == nil {
				continue
			}
			for _, c := range s.Base.Changes {
				if c.Effect == effect {
					out = append(out, changeLine(s.Name, c))
				}
			}
		}
	}
	if len(out) > 0 {
		out = append([]string{""}, out...)
	}
	return out
}

func changeLine(stack string, c Change) string {
	line := fmt.Sprintf("- %s: %s `%s` → `%s`", stack, c.What, orDash(c.Before), orDash(c.After))
	if c.Effect != InPlace {
		line += " **" + c.Effect + "**"
	}
	if c.Note != "" {
		line += ": " + c.Note
	}
	return line
}
