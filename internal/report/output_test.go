package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/report"
)

func text(t *testing.T, r report.Report) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, r.Text(&out))
	return out.String()
}

func TestTotalIsTheSumOfAllStacks(t *testing.T) {
	r := both(t)
	assert.Equal(t, r.Stacks[0].MonthlyCents+r.Stacks[1].MonthlyCents, r.TotalCents)
}

func TestTextNamesARemovedStackBesideASingleOne(t *testing.T) {
	r := report.New([]report.Stack{planStack(t, "demo", stackFile(t, "demo"))}, today)
	assert.NotContains(t, text(t, r), "all stacks", "one stack needs no table")
	r.Removed = []string{"old"}
	assert.Regexp(t, `(?m)^\s+old\s+removed$`, text(t, r))
}

func TestTextListsTwentyTenantsAndCountsTheOthers(t *testing.T) {
	for count, want := range map[int]string{20: "", 22: "and 2 more: -format json lists them"} {
		s := minimal(t, tenantsSetting(count))
		require.Len(t, s.TenantList, count)
		out := text(t, report.New([]report.Stack{s}, today))
		assert.Equal(t, 20, strings.Count(out, "role, schema and host are there"))
		assert.Equal(t, want != "", strings.Contains(out, "more: -format json"))
		assert.Contains(t, out, want)
	}
}

func TestMarkdownHasALineForEveryEffectTheMostSevereFirst(t *testing.T) {
	s := minimal(t)
	s.Base = &report.Comparison{Revision: "main"}
	effects := []string{report.Refused, report.Replaces, report.Resize, report.OneWay, report.InPlace}
	for i := range effects {
		effect := effects[len(effects)-1-i]
		s.Base.Changes = append(s.Base.Changes, report.Change{What: "change " + effect, Effect: effect})
	}
	var out bytes.Buffer
	require.NoError(t, report.New([]report.Stack{s}, today).Markdown(&out))
	last := -1
	for _, effect := range effects {
		at := strings.Index(out.String(), "change "+effect)
		assert.Greater(t, at, last, effect)
		last = at
	}
}

func TestCompareNamesEachChangedSettingAndItsEffect(t *testing.T) {
	before := minimal(t, "budget: {monthlyUsd: 200}")
	for what, c := range map[string]struct{ setting, effect string }{
		"region":                   {"region: ams3", report.Refused},
		"network.vpc":              {"network: {vpc: 10.20.0.0/20}", report.Refused},
		"network.pods":             {"network: {pods: 10.120.0.0/16}", report.Refused},
		"network.services":         {"network: {services: 10.121.0.0/19}", report.Refused},
		"database.version":         {"database: {version: \"18\"}", report.OneWay},
		"database nodes":           {"database: {size: db-s-1vcpu-2gb, standby: true}", report.InPlace},
		"cluster.ha":               {"cluster: {ha: true}", report.OneWay},
		"cluster.version":          {"cluster: {version: \"1.37\"}", report.OneWay},
		"node size":                {"nodes: {size: s-4vcpu-8gb}", report.Resize},
		"node count":               {"nodes: {count: 2}", report.InPlace},
		"protect":                  {"protect: true", report.InPlace},
		"certificates.issuer":      {"certificates: {issuer: staging}", report.InPlace},
		"app.image":                {"app: {image: \"ghcr.io/acme/app:1.0.0\"}", report.InPlace},
		"capacity.concurrentUsers": {"capacity: {concurrentUsers: 101}", report.InPlace},
	} {
		now := minimal(t, "budget: {monthlyUsd: 200}", c.setting)
		effects := map[string]string{}
		for _, change := range report.Compare(now, &before, "main").Changes {
			effects[change.What] = change.Effect
		}
		assert.Equal(t, c.effect, effects[what], what)
	}
	moved := planStack(t, "demo", strings.NewReplacer("zone: genericcorp.com", "zone: other.com", "demo.genericcorp.com", "demo.other.com").
		Replace(stackFile(t, "demo")))
	from := planStack(t, "demo", stackFile(t, "demo"))
	var replaced []string
	for _, change := range report.Compare(moved, &from, "main").Changes {
		if change.Effect == report.Replaces {
			replaced = append(replaced, change.What)
		}
	}
	assert.Equal(t, []string{"domain", "zone"}, replaced)
}

func TestCompareHasALineForEachLineOfTheBillThatChanges(t *testing.T) {
	before := minimal(t, "budget: {monthlyUsd: 200}")
	now := minimal(t, "budget: {monthlyUsd: 200}", "cluster: {ha: true}", "nodes: {size: s-2vcpu-4gb, count: 2}", "archive: {volumeGiB: 3}")
	c := report.Compare(now, &before, "main")
	var items []string
	var sum budget.Cents
	for _, line := range c.Bill {
		items = append(items, line.Item+": "+line.Before+" → "+line.After)
		sum += line.DeltaCents
	}
	assert.Equal(t, []string{
		"nodes: 1 × s-2vcpu-4gb → 2 × s-2vcpu-4gb", "HA control plane:  → 1 × doks-ha-control-plane", "volumes (GiB): 5 × volume-gib → 8 × volume-gib",
	}, items)
	assert.Equal(t, c.DeltaCents, sum)
	assert.Equal(t, now.MonthlyCents-before.MonthlyCents, sum)
	now.Base = c
	assert.Contains(t, text(t, report.New([]report.Stack{now}, today)), "bill, HA control plane: - → 1 × doks-ha-control-plane, +$40.00")
	var out bytes.Buffer
	require.NoError(t, report.New([]report.Stack{now}, today).Markdown(&out))
	assert.Contains(t, out.String(), "- demo: HA control plane `-` → `1 × doks-ha-control-plane` **+$40.00**")
}

func TestCompareOfAPlanThatIsRefusedHasNoDelta(t *testing.T) {
	protected := minimal(t, "protect: true")
	for name, c := range map[string]struct {
		before report.Stack
		now    report.Stack
		want   string
	}{
		"over the budget":      {minimal(t), minimal(t, "cluster: {ha: true}"), "over by $11.65"},
		"another region":       {minimal(t), minimal(t, "region: ams3"), "region: a running cluster cannot move"},
		"a protected database": {protected, minimal(t, "protect: true", "database: {kind: external}"), "database.kind: the app gets another database"},
		"an older Kubernetes":  {minimal(t, "cluster: {version: \"1.36\"}"), minimal(t, "cluster: {version: \"1.35\"}"), "cluster.version: a cluster cannot be downgraded"},
		"an older PostgreSQL":  {minimal(t, "database: {version: \"18\"}"), minimal(t, "database: {version: \"17\"}"), "database.version: a major upgrade in place"},
		"HA off":               {minimal(t, "budget: {monthlyUsd: 200}", "cluster: {ha: true}"), minimal(t, "budget: {monthlyUsd: 200}"), "cluster.ha: it cannot be turned off"},
		"a smaller volume":     {minimal(t, "monitoring: {volumeGiB: 9}"), minimal(t), "monitoring.volumeGiB: a volume cannot shrink"},
		"a smaller archive":    {minimal(t, "archive: {volumeGiB: 9}"), minimal(t, "archive: {volumeGiB: 8}"), "archive.volumeGiB: a volume cannot shrink"},
	} {
		t.Run(name, func(t *testing.T) {
			c.now.Base = report.Compare(c.now, &c.before, "main")
			assert.Contains(t, c.now.Base.Refusal, c.want)
			assert.Zero(t, c.now.Base.DeltaCents)
			assert.Empty(t, c.now.Base.Bill)
			r := report.New([]report.Stack{c.now}, today)
			assert.False(t, r.OK())
			assert.Contains(t, text(t, r), "now there is no update: "+c.want)
			var out bytes.Buffer
			require.NoError(t, r.Markdown(&out))
			assert.Contains(t, out.String(), "| refused |")
		})
	}
}

func TestCompareOfAnArchiveThatIsTakenAwaySaysWhatIsLost(t *testing.T) {
	for protect, want := range map[string]string{"true": "the volume with the dumps is kept, and costs money", "false": "the only copy of a purged tenant's data"} {
		before := minimal(t, "protect: "+protect, "archive: {volumeGiB: 9}")
		changes := report.Compare(minimal(t, "protect: "+protect), &before, "main").Changes
		require.Len(t, changes, 1)
		assert.Equal(t, report.Replaces, changes[0].Effect)
		assert.Contains(t, changes[0].Note, want)
	}
}
