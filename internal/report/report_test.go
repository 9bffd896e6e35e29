package report_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/report"
)

func stackFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile("../../Pulumi." + name + ".yaml")
	require.NoError(t, err)
	return string(data)
}

// today is before any price of the catalogue is old.
var today = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)

func planStack(t *testing.T, name, text string) report.Stack {
	t.Helper()
	s, err := report.PlanStack(name, []byte(text), nil)
	require.NoError(t, err)
	return s
}

// priceOf returns the price of a node size or a database size.
func priceOf(t *testing.T, size string) budget.Cents {
	t.Helper()
	if d, err := catalog.DatabaseBySize(size); err == nil {
		return d.Unit
	}
	n, err := catalog.NodeBySize(size)
	require.NoError(t, err)
	return n.Unit
}

// databaseStep returns the price of the second database size less that of the smallest.
func databaseStep(t *testing.T) string {
	return (priceOf(t, "db-s-1vcpu-2gb") - priceOf(t, "db-s-1vcpu-1gb")).String()
}

// both returns the report of the demo stack and the prod stack.
func both(t *testing.T) report.Report {
	return report.New([]report.Stack{planStack(t, "demo", stackFile(t, "demo")), planStack(t, "prod", stackFile(t, "prod"))}, today)
}

func TestReportJSONHasTheDocumentedKeys(t *testing.T) {
	data, err := json.Marshal(both(t))
	require.NoError(t, err)
	var decoded struct {
		Stacks []map[string]json.RawMessage `json:"stacks"`
	}
	require.NoError(t, json.Unmarshal(data, &decoded))
	require.Len(t, decoded.Stacks, 2)
	documented, err := os.ReadFile("../../docs/plan.md")
	require.NoError(t, err)
	for _, s := range decoded.Stacks {
		for _, key := range []string{"name", "monthlyCents", "limitCents", "ok", "lines", "nodes", "database", "fit", "limits", "capacity"} {
			assert.Contains(t, s, key)
		}
		for key := range s {
			assert.Contains(t, string(documented), "`"+key+"`")
		}
		var lines []map[string]any
		require.NoError(t, json.Unmarshal(s["lines"], &lines))
		for _, key := range []string{"item", "sku", "quantity", "unitCents", "monthlyCents", "source", "asOf"} {
			assert.Contains(t, lines[0], key)
		}
	}
}

func TestTextShowsPricesFitHeadroomAndEconomics(t *testing.T) {
	var out bytes.Buffer
	bills := both(t)
	require.NoError(t, bills.Text(&out))
	for _, want := range []string{
		"demo: " + bills.Stacks[0].MonthlyCents.String() + " a month of at most $80.00, fits",
		"prod: " + bills.Stacks[1].MonthlyCents.String(), "one node gone", "together  " + bills.TotalCents.String(),
		"more tenants; then database storage", "the next step costs " + databaseStep(t), "BREAK-EVEN",
	} {
		assert.Contains(t, out.String(), want)
	}
}

func TestPlanStackOverTheLimitIsNotOKAndHasAdvice(t *testing.T) {
	s := planStack(t, "demo", strings.Replace(stackFile(t, "demo"), "    capacity:", "    cluster: {ha: true}\n    capacity:", 1))
	assert.False(t, s.OK)
	assert.Contains(t, s.Problem, "settings.cluster.ha: false, for $51.65")
	assert.NotEmpty(t, s.Lines)
	var out bytes.Buffer
	require.NoError(t, report.New([]report.Stack{s}, today).Markdown(&out))
	assert.Contains(t, out.String(), "**demo ✗**")
}

func TestPlanStackComputesCostMarginAndBreakEven(t *testing.T) {
	fixed := strings.Replace(stackFile(t, "demo"), "fixedUsd: 2000", "fixedUsd: 100\n      tenantUsd: [49]", 1)
	s := planStack(t, "demo", fixed+"      - name: beta\n")
	e := s.Economics[0]
	half := (s.MonthlyCents + 1) / 2
	assert.Equal(t, half, e.CostPerTenantCents, "two tenants share the bill")
	assert.Equal(t, 4900-half, e.MarginCents)
	assert.EqualValues(t, math.Floor(float64(4900-half)/49), e.MarginPercent)
	assert.EqualValues(t, math.Ceil(float64(s.MonthlyCents+10000)/4900), e.BreakEvenTenants)
	assert.Equal(t, s.MonthlyCents, e.BreakEvenBillCents)
	assert.True(t, e.BreakEvenFits)
	full := budget.Cents(math.Ceil(float64(s.MonthlyCents) / float64(2+s.Headroom.Tenants.More)))
	assert.Equal(t, full, e.FullCostPerTenantCents, "as many as fit share the bill")
	assert.Equal(t, 4900-full, e.FullMarginCents)
}

// The approved figures: with $2,000 of fixed costs and $49 a tenant, about 42 tenants pay for all.
func TestBothStacksBreakEvenWithinTheirBudget(t *testing.T) {
	for _, s := range both(t).Stacks {
		e := s.Economics[0]
		assert.EqualValues(t, 4900, e.PriceCents)
		assert.InDelta(t, 42, e.BreakEvenTenants, 1, s.Name)
		assert.True(t, e.BreakEvenFits, s.Name)
		assert.Positive(t, e.BreakEvenMarginPercent)
	}
	prod := both(t).Stacks[1]
	assert.Zero(t, prod.Tenants)
	assert.Zero(t, prod.Economics[0].CostPerTenantCents, "no tenants share the bill")
	var out bytes.Buffer
	require.NoError(t, report.New([]report.Stack{prod}, today).Text(&out))
	assert.Contains(t, out.String(), "no tenant pays yet")
	assert.Contains(t, out.String(), "BREAK-EVEN WITH $2000.00 FIXED COSTS")
	assert.Contains(t, out.String(), ", within the budget")
}

func TestABreakEvenThatNeedsLargerSizesCountsThem(t *testing.T) {
	s := minimal(t, "pricing: {tenantUsd: [9, 1], fixedUsd: 1500}")
	e := s.Economics[0]
	assert.Greater(t, e.BreakEvenBillCents, s.MonthlyCents, "so many tenants need a larger database")
	revenue := budget.Cents(e.BreakEvenTenants) * e.PriceCents
	assert.GreaterOrEqual(t, revenue, e.BreakEvenBillCents+150000)
	assert.Less(t, revenue-e.PriceCents, e.BreakEvenBillCents+150000, "one tenant less does not pay for it")
	assert.Equal(t, e.BreakEvenBillCents <= s.LimitCents, e.BreakEvenFits)
	assert.Contains(t, s.Economics[1].BreakEvenProblem, "a stack may have 1000 tenants")
	var out bytes.Buffer
	require.NoError(t, report.New([]report.Stack{s}, today).Text(&out))
	assert.Contains(t, out.String(), "tenants, but a stack may have 1000 tenants")

	huge := minimal(t, "pricing: {tenantUsd: [0.01], fixedUsd: 1000000}").Economics[0]
	assert.Greater(t, huge.BreakEvenTenants, 100_000_000)
}

func TestMarkdownSortsChangesByTheirEffect(t *testing.T) {
	before := planStack(t, "prod", stackFile(t, "prod"))
	changed := strings.NewReplacer("surviveNodeLoss: true", "surviveNodeLoss: true\n    region: ams3\n    database: {version: \"18\"}",
		"concurrentUsers: 100", "concurrentUsers: 150").Replace(stackFile(t, "prod"))
	after := planStack(t, "prod", changed)
	after.Base = report.Compare(after, &before, "main")
	effects := map[string]string{}
	for _, c := range after.Base.Changes {
		effects[c.What] = c.Effect
	}
	assert.Equal(t, map[string]string{
		"region": report.Refused, "database.version": report.OneWay, "capacity.concurrentUsers": report.InPlace,
	}, effects)
	var out bytes.Buffer
	require.NoError(t, report.New([]report.Stack{after}, today).Markdown(&out))
	assert.Less(t, strings.Index(out.String(), "region"), strings.Index(out.String(), "database.version"))
	assert.Less(t, strings.Index(out.String(), "database.version"), strings.Index(out.String(), "capacity.concurrentUsers"))
}

func TestCompareOfAnotherNodeSizeNamesTheResizeCommand(t *testing.T) {
	before := planStack(t, "demo", stackFile(t, "demo"))
	now := planStack(t, "demo", stackFile(t, "demo")+"    nodes: {size: s-4vcpu-8gb}\n")
	c := report.Compare(now, &before, "main")
	require.NotEmpty(t, c.Changes)
	assert.Equal(t, "node size", c.Changes[0].What)
	assert.Equal(t, report.Resize, c.Changes[0].Effect)
	assert.Contains(t, c.Changes[0].Note, "ops resize -stack demo")
	assert.Equal(t, priceOf(t, "s-4vcpu-8gb")-priceOf(t, "s-2vcpu-4gb"), c.DeltaCents)
}

func TestCompareOfASmallerDatabaseSaysThatItCannotShrink(t *testing.T) {
	before := planStack(t, "demo", stackFile(t, "demo")+"    database: {size: db-s-1vcpu-2gb}\n")
	now := planStack(t, "demo", stackFile(t, "demo"))
	c := report.Compare(now, &before, "main")
	assert.Contains(t, c.Changes[0].Note, "refuses to shrink")
}

func TestMarkdownOfManyChangesHasAtMost30Lines(t *testing.T) {
	before := planStack(t, "prod", stackFile(t, "prod"))
	var stacks []report.Stack
	for range 8 {
		now := planStack(t, "prod", strings.NewReplacer("zone: genericcorp.com", "zone: other.com", "app.genericcorp.com", "a.other.com",
			"surviveNodeLoss: true", "surviveNodeLoss: false\n    region: ams3", "protect: true", "protect: false").Replace(stackFile(t, "prod")))
		now.Base = report.Compare(now, &before, "main")
		stacks = append(stacks, now)
	}
	var out bytes.Buffer
	require.NoError(t, report.New(stacks, today).Markdown(&out))
	assert.LessOrEqual(t, strings.Count(out.String(), "\n"), 30)
	assert.Contains(t, out.String(), "more lines")
}

func TestMarkdownMarksNewAndRemovedStacks(t *testing.T) {
	now := planStack(t, "demo", stackFile(t, "demo"))
	now.Base = report.Compare(now, nil, "main")
	r := report.New([]report.Stack{now}, today)
	r.Removed = []string{"old"}
	var out bytes.Buffer
	require.NoError(t, r.Markdown(&out))
	assert.Contains(t, out.String(), "| new |")
	assert.Contains(t, out.String(), "**removed**")
}

func BenchmarkReport(b *testing.B) {
	data, err := os.ReadFile("../../Pulumi.prod.yaml")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := report.PlanStack("prod", data, nil); err != nil {
			b.Fatal(err)
		}
	}
}
