package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/report"
)

// withTenants plans the prod stack with these entries in settings.tenants.
func withTenants(t *testing.T, entries string) report.Stack {
	t.Helper()
	changed := strings.Replace(stackFile(t, "prod"), "    capacity:", "    archive: {volumeGiB: 5}\n    tenants: ["+entries+"]\n    capacity:", 1)
	return planStack(t, "prod", changed)
}

func TestCompareMarksChangesOfTenantsThatAnUpdateWouldRefuse(t *testing.T) {
	const purged = "state: purged, confirmPurge: acme"
	for name, c := range map[string]struct {
		before, now  string
		effect, note string
	}{
		"active to purged":    {"{name: acme}", "{name: acme, " + purged + "}", report.Refused, "only an archived tenant can be purged"},
		"archived to purged":  {"{name: acme, state: archived}", "{name: acme, " + purged + "}", report.OneWay, "role and schema dropped; the archive stays"},
		"purged to active":    {"{name: acme, " + purged + "}", "{name: acme}", report.Refused, "restore: true"},
		"purged to restored":  {"{name: acme, " + purged + "}", "{name: acme, restore: true}", report.InPlace, "restored from its newest archive"},
		"purged to fresh":     {"{name: acme, " + purged + "}", "{name: acme, fresh: true}", report.InPlace, "an empty schema; the old archive stays"},
		"purged to archived":  {"{name: acme, " + purged + "}", "{name: acme, state: archived}", report.Refused, "was purged"},
		"restore on active":   {"{name: acme}", "{name: acme, restore: true}", report.Refused, "applies only to a tenant that was purged"},
		"an unknown archived": {"", "{name: acme, state: archived}", report.InPlace, "refused unless an earlier update had the tenant"},
		"an unknown restored": {"", "{name: acme, restore: true}", report.InPlace, "refused unless an earlier update purged it"},
		"a new one":           {"", "{name: acme}", report.InPlace, "role, schema and host are there"},
		"renamed":             {"{name: old}", "{name: acme, renamedFrom: old}", report.InPlace, "renamed from old: schema, roles and host move; no copy"},
		"an archived renamed": {"{name: old, state: archived}", "{name: acme, renamedFrom: old}", report.Refused, "is archived"},
		"one for another":     {"{name: old}", "{name: acme}", report.Refused, "looks like a rename"},
	} {
		t.Run(name, func(t *testing.T) {
			before, now := withTenants(t, c.before), withTenants(t, c.now)
			now.Base = report.Compare(now, &before, "main")
			var effects, notes []string
			for _, change := range now.Base.Changes {
				effects, notes = append(effects, change.Effect), append(notes, change.Note)
			}
			assert.Contains(t, effects, c.effect)
			assert.Contains(t, strings.Join(notes, "\n"), c.note)
			refused := c.effect == report.Refused
			assert.Equal(t, refused, len(now.Base.Refused) > 0)
			assert.Equal(t, !refused, report.New([]report.Stack{now}, today).OK())
			var out bytes.Buffer
			require.NoError(t, report.New([]report.Stack{now}, today).Markdown(&out))
			assert.Equal(t, refused, strings.Contains(out.String(), "prod ✗"), out.String())
		})
	}
}

func TestCompareOfARenamedTenantIsOneChange(t *testing.T) {
	before, now := withTenants(t, "{name: old}"), withTenants(t, "{name: acme, renamedFrom: old}")
	changes := report.Compare(now, &before, "main").Changes
	require.Len(t, changes, 1)
	assert.Equal(t, report.Change{
		What: "tenant acme", Before: "old", After: "acme", Effect: report.InPlace, Note: "renamed from old: schema, roles and host move; no copy",
	}, changes[0])
}

func TestPlanStackDescribesRestoredFreshAndRenamedTenants(t *testing.T) {
	s := withTenants(t, "{name: a, restore: true}, {name: b, fresh: true}, {name: c}, {name: d, renamedFrom: old, redirectOldHost: true}")
	var effects []string
	for _, tenant := range s.TenantList {
		effects = append(effects, tenant.Effect)
	}
	assert.Equal(t, []string{
		"restored from its newest archive, if it was purged; role, schema and host are there",
		"starts again with an empty schema, if it was purged; the old archive stays",
		"role, schema and host are there",
		"renamed from old: schema, roles and host move; no copy; the old host redirects; role, schema and host are there",
	}, effects)
}
