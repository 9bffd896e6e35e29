package report_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/report"
)

// quote is a piece of a document's line with one amount in dollars, written as AMOUNT.
type quote struct {
	file, text string
	amount     budget.Cents
}

// quotes returns every amount that a document repeats, with its value now. The amounts of the
// README's table are checked by TestReadmeHasTheBillsOfTheStackFiles.
func quotes(t *testing.T) []quote {
	gib, ha, database := catalog.BlockStorage.Unit, catalog.HAControlPlane.Unit, priceOf(t, "db-s-1vcpu-1gb")
	node := priceOf(t, "s-2vcpu-4gb")
	return []quote{
		{"README.md", "a budget of AMOUNT.", both(t).Stacks[0].LimitCents},
		{"README.md", "### What the AMOUNT buys", both(t).Stacks[0].LimitCents},
		{"README.md", "the load balancer (AMOUNT)", catalog.LoadBalancer.Unit},
		{"docs/operations.md", "(`cluster.ha`, AMOUNT a month)", ha},
		{"docs/operations.md", "**costs money** (AMOUNT a month)", database},
		{"docs/restore.md", "as much as the live database (AMOUNT a month on prod)", database},
		{"docs/plan.md", "Each GiB above costs AMOUNT, and no bill", catalog.Transfer.Unit},
		{"docs/settings.md", "at least one more node, AMOUNT with the sizes of prod", node},
		{"docs/settings.md", "high availability. | false |  | AMOUNT a month", ha},
		{"docs/settings.md", "| 5 | 1 to 16384 | AMOUNT a GiB a month |", gib},
		{"docs/settings.md", "| 0 |  | AMOUNT a GiB a month |", gib},
		{"docs/operations.md", "Each host costs AMOUNT a month", catalog.UptimeCheck.Unit},
		{"docs/decisions/0017-alerts.md", "cost AMOUNT a month for each host", catalog.UptimeCheck.Unit},
		{"docs/decisions/0018-web-analytics.md", "prod has AMOUNT of its budget left", both(t).Stacks[1].LimitCents - both(t).Stacks[1].MonthlyCents},
		{"docs/decisions/0018-web-analytics.md", "need another node (AMOUNT a month)", node},
		{"docs/settings.md", "names of active tenants | AMOUNT a host a month", catalog.UptimeCheck.Unit},
		{"docs/tenancy.md", "`archive: {volumeGiB: 5}`, AMOUNT a GiB a month", gib},
		{"docs/decisions/0008-default-pool.md", "It costs at least AMOUNT a month", catalog.Nodes()[0].Unit},
		{"docs/decisions/0009-any-order.md", "It asked for a third node on prod (AMOUNT a", node},

		// Not in the catalogue: no stack's bill has them.
		{"README.md", "A bucket of DigitalOcean Spaces costs AMOUNT a month", 500},
		{"docs/tenancy.md", "Each GiB more than the database's price includes costs AMOUNT a month", 21},
		{"docs/decisions/0001-one-model.md", "do not know costs AMOUNT there", 0},
	}
}

func TestThePlanWarnsOfPricesThatAreOld(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, both(t).Text(&out))
	assert.NotContains(t, out.String(), "warning")
	old := report.New(both(t).Stacks, today.AddDate(0, 0, catalog.MaxAgeDays))
	assert.Contains(t, old.OldPrices, "s-2vcpu-4gb of "+both(t).Stacks[0].Lines[0].AsOf)
	assert.True(t, old.OK(), "an old price stops nothing")
	out.Reset()
	require.NoError(t, old.Text(&out))
	assert.Equal(t, 1, strings.Count(out.String(), "s-2vcpu-4gb of "), "once for both stacks")
	assert.Contains(t, out.String(), "warning: these prices are 180 days old or older: ")
	out.Reset()
	require.NoError(t, old.Markdown(&out))
	assert.Contains(t, out.String(), "**warning**: these prices are 180 days old or older: ")
}

var dollars = regexp.MustCompile(`\$\d+(\.\d\d)?\b`)

// A price that is repeated in prose becomes wrong when the catalogue changes. This test names
// the file and the line of each.
func TestDocumentsRepeatThePricesOfTheCatalogue(t *testing.T) {
	known := quotes(t)
	found := make([]bool, len(known))
	patterns := make([]*regexp.Regexp, len(known))
	for q, quote := range known {
		patterns[q] = regexp.MustCompile(strings.Replace(regexp.QuoteMeta(quote.text), "AMOUNT", dollars.String(), 1))
	}
	for _, file := range documents(t) {
		for i, line := range proseOf(t, file) {
			rest := line
			for q, quote := range known {
				if place := patterns[q].FindString(line); quote.file == file && place != "" {
					found[q] = true
					rest = strings.Replace(rest, place, "", 1)
					if now := short(quote.amount); dollars.FindString(place) != now {
						t.Errorf("%s:%d is stale; the amount is now %s: %s", file, i+1, now, place)
					}
				}
			}
			assert.Empty(t, dollars.FindAllString(rest, -1), "%s:%d: add the amount to quotes in prices_test.go, or remove it", file, i+1)
		}
	}
	for q, quote := range known {
		assert.True(t, found[q], "%s has no line with %q; remove it from quotes in prices_test.go", quote.file, quote.text)
	}
}

// documents returns the Markdown files of the checkout that have prose of the project, by
// their path below its root.
func documents(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/decisions/*.md", "sandbox/*.md", "examples/*/*.md", ".github/*.md"} {
		paths, err := filepath.Glob("../../" + pattern)
		require.NoError(t, err)
		for _, path := range paths {
			out = append(out, filepath.ToSlash(strings.TrimPrefix(path, "../../")))
		}
	}
	require.Greater(t, len(out), 30)
	return out
}

// proseOf returns the lines of a document. Lines of code and of the README's table are empty:
// $1 in a script is no amount.
func proseOf(t *testing.T, file string) []string {
	t.Helper()
	data, err := os.ReadFile("../../" + file)
	require.NoError(t, err)
	lines := strings.Split(string(data), "\n")
	code, table := false, false
	for i, line := range lines {
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "```"):
			code = !code
		case line == "<!-- bills -->", line == "<!-- /bills -->":
			table = !table
		case code || table:
			lines[i] = ""
		}
	}
	return lines
}

// short returns an amount as prose has it: without cents if there are none.
func short(c budget.Cents) string { return strings.TrimSuffix(fmt.Sprint(c), ".00") }
