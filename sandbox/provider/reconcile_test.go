package provider

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/lifecycle"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
)

func TestParseDesiredReturnsTheTenantsOfTheJobsSQL(t *testing.T) {
	tenants := []settings.Tenant{
		{Name: "acme", State: settings.Active, Fresh: true},
		{Name: "beta", State: settings.Active, RenamedFrom: "old-name"},
		{Name: "corp", State: settings.Active, Restore: true},
		{Name: "gone", State: settings.Purged},
	}
	read, err := parseDesired(tenancy.Files(tenants, "app", 6)["desired.sql"])
	require.NoError(t, err)
	assert.Equal(t, tenants, read)
	read, err = parseDesired(tenancy.Files(nil, "app", 6)["desired.sql"])
	require.NoError(t, err)
	assert.Empty(t, read)
	_, err = parseDesired("INSERT INTO desired VALUES\n  ('acme', 'tenant_acme');")
	assert.Error(t, err, "SQL without columns must not be read as no tenants: the simulation would refuse nothing")
}

func TestNextRecordRefusesOnlyWhatTheRecordForbids(t *testing.T) {
	entry := func(name, state string) settings.Tenant { return settings.Tenant{Name: name, State: state} }
	existing := lifecycle.History{"acme": {State: settings.Active, Life: 1}, "gone": {State: settings.Purged, Life: 1}}
	for name, c := range map[string]struct {
		record lifecycle.History
		entry  settings.Tenant
		wants  string
	}{
		"active to purged":              {existing, entry("acme", settings.Purged), "tenant acme: only an archived tenant can be purged"},
		"purged to active":              {existing, entry("gone", settings.Active), "tenant gone: \"gone\" was purged"},
		"a lost database with purged":   {nil, entry("gone", settings.Purged), ""},
		"a lost database with archived": {nil, entry("acme", settings.Archived), ""},
		"a lost database with restore":  {nil, settings.Tenant{Name: "acme", State: settings.Active, Restore: true}, "tenant acme: no update"},
		"a lost database with a rename": {nil, settings.Tenant{Name: "beta", State: settings.Active, RenamedFrom: "acme"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := nextRecord(c.record, []settings.Tenant{c.entry})
			if c.wants == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.wants)
			assert.ErrorContains(t, err, "refused, and nothing was changed")
		})
	}
}
