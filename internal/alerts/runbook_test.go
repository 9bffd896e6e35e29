package alerts_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metricsql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/alerts"
	"github.com/genericcorp/platform/sandbox/golden"
)

const operations = "../../docs/operations.md"

// value matches what differs between stacks or messages.
var value = regexp.MustCompile(`\{\{.*?\}\}|\d+\.\d\d\b`)

func TestTheRunbookHasATableOfAllAlerts(t *testing.T) {
	var table strings.Builder
	table.WriteString("| alert | severity | message |\n| --- | --- | --- |\n")
	for _, r := range alerts.Rules(stack) {
		fmt.Fprintf(&table, "| [%s](#%s) | %s | %s |\n", r.Name, strings.ToLower(r.Name), r.Severity, value.ReplaceAllString(r.Summary, "…"))
	}
	golden.Section(t, operations, "alerts", table.String())
}

func TestEachAlertLinksToASectionOfTheRunbook(t *testing.T) {
	page, err := os.ReadFile(operations)
	require.NoError(t, err)
	for _, r := range alerts.Rules(stack) {
		file, anchor, found := strings.Cut(r.Runbook(), "#")
		require.True(t, found, r.Runbook())
		assert.True(t, strings.HasSuffix(file, "/docs/operations.md"), file)
		_, text, found := strings.Cut(string(page), "\n### "+r.Name+"\n")
		assert.True(t, found, "%s has no section %s", operations, r.Name)
		assert.Equal(t, strings.ToLower(r.Name), anchor, "the anchor of its heading")
		section, _, _ := strings.Cut(text, "\n##")
		assert.Greater(t, len(strings.Fields(section)), 20, "%s: words in its section", r.Name)
	}
}

func TestRulesAreValidWithAndWithoutABill(t *testing.T) {
	for _, s := range []alerts.Stack{stack, {AvailabilityPercent: 99.95, LatencyMillis: 250}} {
		names := map[string]bool{}
		for _, r := range alerts.Rules(s) {
			assert.False(t, names[r.Name], "%s is declared twice", r.Name)
			names[r.Name] = true
			_, err := metricsql.Parse(r.Expr)
			assert.NoError(t, err, "%s: %s", r.Name, r.Expr)
		}
		assert.Greater(t, len(names), 15)
		assert.Equal(t, s.Nodes > 0, names["NodesMissing"])
		assert.Equal(t, len(s.Costs.Bill) > 0, names["CostsAboveBill"])
	}
}

func TestRulesAreMutedOnlyByRulesThatExist(t *testing.T) {
	causes := 0
	for _, r := range alerts.Rules(stack) {
		for _, cause := range r.MutedBy {
			causes++
			assert.NotEqual(t, r.Name, find(t, cause.Name).Name, "a rule that mutes itself never reaches anybody")
		}
	}
	assert.Greater(t, causes, 5)
}

func TestObjectivesAreThoseOfTheStack(t *testing.T) {
	file := alerts.File(alerts.Stack{AvailabilityPercent: 99.9, LatencyMillis: 2500})
	assert.Contains(t, file, "> 0.0144 and", "14.4 times a thousandth")
	assert.Contains(t, file, `le="2.5"`)
	assert.Contains(t, file, "The objective is at most 0.1%.")
}
