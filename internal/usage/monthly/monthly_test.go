package monthly_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/usage"
	"github.com/genericcorp/platform/internal/usage/monthly"
)

var (
	november = time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)
	after    = time.Date(2026, time.December, 1, 0, 0, 0, 0, time.UTC)
)

func of(tenant string, requests, storage int64) monthly.Usage {
	return monthly.Usage{Tenant: tenant, Requests: &requests, Storage: &storage}
}

func costs(r monthly.Report) map[string]budget.Cents {
	out := map[string]budget.Cents{}
	for _, l := range r.Lines {
		out[l.Tenant] = l.Cost
	}
	return out
}

func report(bill budget.Cents, tenants ...monthly.Usage) monthly.Report {
	return monthly.New(monthly.Stack{Name: "prod", Bill: bill}, november, after, monthly.Data{Counted: 30, Measured: 30, Tenants: tenants})
}

func TestHalfOfTheBillIsDividedByRequestsAndHalfByStorage(t *testing.T) {
	assert.Equal(t, map[string]budget.Cents{"acme": 3000 + 1000, "beta": 1000 + 3000}, costs(report(8000, of("acme", 75, 10), of("beta", 25, 30))))
	purged := monthly.Usage{Tenant: usage.Purged, Requests: new(int64)}
	*purged.Requests = 50
	assert.Equal(t, map[string]budget.Cents{"acme": 2000 + 4000, usage.Purged: 2000}, costs(report(8000, of("acme", 50, 10), purged)))
}

func TestTheWholeBillIsDividedByTheOneFigureThatIsKnown(t *testing.T) {
	assert.Equal(t, map[string]budget.Cents{"acme": 2000, "beta": 6000}, costs(report(8000, of("acme", 0, 10), of("beta", 0, 30))), "no requests")
	assert.Equal(t, map[string]budget.Cents{"acme": 6000, "beta": 2000}, costs(report(8000, of("acme", 75, 0), of("beta", 25, 0))), "no storage")
	assert.Equal(t, map[string]budget.Cents{"a": 34, "b": 33, "c": 33}, costs(report(100, of("a", 0, 0), of("b", 0, 0), monthly.Usage{Tenant: "c"})), "neither")
}

func TestSharesOfTheCostAddUpToTheBillExactly(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		var tenants []monthly.Usage
		for i := range 1 + random.IntN(40) {
			requests, storage := random.Int64N(1<<uint(1+random.IntN(62))), random.Int64N(1<<uint(1+random.IntN(62)))
			tenants = append(tenants, of(string(rune('a'+i)), requests, storage))
		}
		bill := budget.Cents(random.Int64N(20000))
		r := report(bill, tenants...)
		assert.Equal(t, bill, r.Total().Cost)
		for _, l := range r.Lines {
			assert.GreaterOrEqual(t, l.Cost, budget.Cents(0))
		}
	}
	assert.Equal(t, budget.Cents(7615), report(7615, of("a", math.MaxInt64, math.MaxInt64), of("b", math.MaxInt64, math.MaxInt64)).Total().Cost)
	assert.Empty(t, report(7615).Lines)
}

// stack has a price for one tier.
var stack = monthly.Stack{
	Name: "prod", Bill: 7615, TierUSD: map[string]budget.Cents{"starter": 4900, "enterprise": 0},
	Declared: []settings.Tenant{
		{Name: "acme", Plan: "starter", State: settings.Active}, {Name: "big", Plan: "enterprise", State: settings.Active},
		{Name: "grown", Plan: "growth", State: settings.Active}, {Name: "late", Plan: "starter", State: settings.Suspended},
		{Name: "new", Plan: "starter", State: settings.Active},
	},
}

func priced() monthly.Report {
	return monthly.New(stack, november, after.Add(-time.Second), monthly.Data{Counted: 29, Measured: 27, Tenants: []monthly.Usage{
		of("late", 0, 1<<20), of("grown", 10, 1<<20), of("acme", 70, 2<<20), of("big", 20, 0), of("stranger", 0, 0), {Tenant: usage.Purged},
	}})
}

func TestRevenueOfATierWithoutAPriceIsUnknownAndNotZero(t *testing.T) {
	r := priced()
	revenue := map[string]string{}
	for _, l := range r.Lines {
		if l.Revenue == nil {
			assert.Nil(t, l.Margin(), l.Tenant)
			revenue[l.Tenant] = l.Unknown
			continue
		}
		revenue[l.Tenant] = l.Revenue.String()
	}
	assert.Equal(t, map[string]string{
		"acme": "$49.00", "big": "$0.00", "grown": "settings.pricing.tierUsd has no price for growth", "late": "its state is suspended",
		"stranger": "the stack file has no entry for it", usage.Purged: "purged",
	}, revenue)
	assert.Equal(t, "$49.00", r.Total().Revenue.String())
	assert.Equal(t, "-$27.15", r.Total().Margin().String(), "the whole bill is paid from the known revenue")
	assert.InDelta(t, -55.4, *r.Total().MarginPercent(), 0.1)
	assert.Nil(t, report(7615, of("acme", 1, 1)).Total().Revenue)
}

func TestTableSaysWhichFiguresAreUnknown(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, priced().Write(&out, "table"))
	lines := strings.Split(out.String(), "\n")
	assert.Equal(t, "Usage of prod in November 2026 (UTC)", lines[0])
	assert.Regexp(t, `^ *acme +starter +70 +- +- +- +- +2048 KiB +- +- +\$45.69 +\$49.00 +\$3.31 +6.8 *$`, lines[4])
	assert.Regexp(t, `^ *grown +growth .*unknown +unknown +- *$`, lines[6])
	for _, note := range []string{
		"29 of 30 days are counted, and the month is not over.", "Requests were not measured on 2 of these days.",
		"COST is a share of the bill of a whole month, $76.15, as the stack file plans it today.",
		"The revenue of 1 line is unknown, and not in the total: settings.pricing.tierUsd has no price for growth.",
		"1 active tenant of the stack file has no line, because no day is counted: new.",
	} {
		assert.Contains(t, lines, note)
	}
}

// Only the administrator could write such names. A report must not run them.
func TestHostileNamesCannotBreakAReport(t *testing.T) {
	hostile := []string{"=HYPERLINK(\"http://x\")", "@SUM(A1)", "+1", "-1", "\tx", "\x1b[2Jacme", "a\n\"b\",c", "\r=1"}
	var tenants []monthly.Usage
	for _, name := range hostile {
		tenants = append(tenants, of(name, 1, 1))
	}
	r := report(7615, tenants...)
	var out bytes.Buffer
	require.NoError(t, r.Write(&out, "csv"))
	rows, err := csv.NewReader(&out).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 1+len(hostile))
	for _, row := range rows[1:] {
		require.Len(t, row, len(rows[0]))
		assert.NotContains(t, "=+-@\t\r\n", row[0][:1], "a spreadsheet would evaluate %q", row[0])
	}
	out.Reset()
	require.NoError(t, r.Write(&out, "table"))
	assert.NotContains(t, out.String(), "\x1b")
	assert.Contains(t, out.String(), `"\x1b[2Jacme"`)
	table, _, found := strings.Cut(out.String(), "\n\n30 of")
	require.True(t, found)
	assert.Equal(t, 3+len(hostile)+1, strings.Count(table, "\n")+1, "a line for each tenant")
	out.Reset()
	require.NoError(t, r.Write(&out, "json"))
	var parsed struct {
		Tenants []struct{ Tenant string } `json:"tenants"`
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &parsed))
	assert.Len(t, parsed.Tenants, len(hostile))
	assert.Equal(t, "\t"+"x", parsed.Tenants[0].Tenant)
}

func TestCSVAndJSONHaveNoFigureForWhatIsNotKnown(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, priced().Write(&out, "csv"))
	rows, err := csv.NewReader(&out).ReadAll()
	require.NoError(t, err)
	assert.Equal(t, []string{"acme", "2026-11", "starter", "70", "", "", "", "", "2097152", "", "", "45.69", "49.00", "3.31", "6.8"}, rows[2])
	assert.Equal(t, []string{"unknown", "unknown", ""}, rows[4][12:], "grown")
	out.Reset()
	require.NoError(t, priced().Write(&out, "json"))
	var parsed struct {
		Stack     string
		BillCents int              `json:"billCents"`
		Tenants   []map[string]any `json:"tenants"`
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &parsed))
	assert.Equal(t, 7615, parsed.BillCents)
	grown := parsed.Tenants[3]
	assert.Equal(t, "grown", grown["tenant"])
	assert.Contains(t, grown, "revenueCents")
	assert.Nil(t, grown["revenueCents"])
	assert.Nil(t, grown["logins"])
	assert.InDelta(t, 10, grown["requests"], 0)
}
