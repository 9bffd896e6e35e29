package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
		"region":           {"region: ams3", report.Refused},
		"network.vpc":      {"network: {vpc: 10.20.0.0/20}", report.Refused},
		"network.pods":     {"network: {pods: 10.120.0.0/16}", report.Refused},
		"network.services": {"network: {services: 10.121.0.0/19}", report.Refused},
		"database version": {"database: {version: \"18\"}", report.OneWay},
		"database nodes":   {"database: {size: db-s-1vcpu-2gb, standby: true}", report.InPlace},
		"HA control plane": {"cluster: {ha: true}", report.OneWay},
		"cluster version":  {"cluster: {version: \"1.37\"}", report.OneWay},
		"node size":        {"nodes: {size: s-4vcpu-8gb}", report.Resize},
		"node count":       {"nodes: {count: 2}", report.InPlace},
		"protect":          {"protect: true", report.InPlace},
		"issuer":           {"certificates: {issuer: staging}", report.InPlace},
		"image":            {"app: {image: \"ghcr.io/acme/app:1.0.0\"}", report.InPlace},
		"concurrent users": {"capacity: {concurrentUsers: 101}", report.InPlace},
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
	assert.Equal(t, []string{"zone", "domain"}, replaced)
}
