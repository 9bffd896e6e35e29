package report

import (
	"fmt"
	"io"
	"strings"
)

// maxLines is how long a comment on a pull request may be: what is longer is not
// read.
const maxLines = 30

// Markdown prints the report as a comment on a pull request, 30 lines at most:
// dollars and sizes, then what is destroyed or cannot be undone, then the rest.
func (r Report) Markdown(w io.Writer) error {
	lines := []string{
		"### Plan", "",
		"| stack | month | change | limit | nodes | database | more tenants |", "| --- | --- | --- | --- | --- | --- | --- |",
	}
	for _, s := range r.Stacks {
		c := s.summary()
		lines = append(lines, fmt.Sprintf("| %s | %s | %s | %s | %s | %s | %s |", verdict(s), c[1], change(s), c[2], c[3], c[4], c[6]))
	}
	for _, name := range r.Removed {
		lines = append(lines, fmt.Sprintf("| %s | **removed**: what it made stays, and bills on, until it is destroyed | | | | | |", name))
	}
	lines = append(lines, fmt.Sprintf("| together | %s | | | | | |", r.TotalCents))
	for _, s := range r.Stacks {
		if s.Problem != "" {
			lines = append(lines, "", "**"+s.Name+"**: "+strings.ReplaceAll(s.Problem, "\n", "; "))
		}
	}
	lines = append(lines, r.changes()...)
	if len(lines) > maxLines {
		more := len(lines) - maxLines + 1
		lines = append(lines[:maxLines-1], fmt.Sprintf("- and %d lines more: `go run ./cmd/plan -base REV`", more))
	}
	_, err := fmt.Fprintln(w, strings.Join(lines, "\n"))
	return err
}

func verdict(s Stack) string {
	if s.accepted() {
		return s.Name
	}
	return "**" + s.Name + " ✗**"
}

func change(s Stack) string {
	switch {
	case s.Base == nil:
		return ""
	case s.Base.Problem != "":
		return "?"
	case s.Base.New:
		return "new"
	}
	return signed(s.Base.DeltaCents)
}

// changes lists those that need most attention first.
func (r Report) changes() []string {
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
	line := fmt.Sprintf("- %s: %s `%s` → `%s`", stack, c.What, c.Before, c.After)
	if c.Effect != InPlace {
		line += " **" + c.Effect + "**"
	}
	if c.Note != "" {
		line += ": " + c.Note
	}
	return line
}
