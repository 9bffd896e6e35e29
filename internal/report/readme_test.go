package report_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/golden"
)

// A reader decides by the README's table, so it is compared with the plan of the real
// stack files.
func TestReadmeHasTheBillsOfTheStackFiles(t *testing.T) {
	var table strings.Builder
	table.WriteString("| stack | a month | nodes | database |\n| --- | --- | --- | --- |\n")
	for _, s := range both(t).Stacks {
		require.True(t, s.OK, "%s: %s", s.Name, s.Problem)
		fmt.Fprintf(&table, "| %s | %s | %d × %s | %d × %s |\n",
			s.Name, s.MonthlyCents, s.Nodes.Count, s.Nodes.Size, s.Database.Nodes, s.Database.Size)
	}
	golden.Section(t, "../../README.md", "bills", table.String())
}
