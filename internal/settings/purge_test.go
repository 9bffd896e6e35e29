package settings_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
)

// A purge needs a second setting that confirms it, and a dump needs a volume.
func TestAPurgeIsConfirmedAndWhatNeedsADumpHasAVolume(t *testing.T) {
	const volume, none = "archive: {volumeGiB: 5}\n", ""
	for _, c := range []struct{ archive, tenant, fault string }{
		{volume, "state: purged, confirmPurge: acme", ""},
		{volume, "state: purged", "settings.tenants[0].confirmPurge: purging drops the data"},
		{volume, "state: purged, confirmPurge: beta", "settings.tenants[0].confirmPurge: purging drops the data"},
		{volume, "state: archived, confirmPurge: acme", "settings.tenants[0].confirmPurge: goes with state: purged alone"},
		{volume, "state: archived", ""},
		{none, "state: archived", "settings.tenants[0]: archiving, purging and restoring need a volume"},
		{none, "state: purged, confirmPurge: acme", "settings.tenants[0]: archiving, purging and restoring need a volume"},
		{none, "restore: true", "settings.tenants[0]: archiving, purging and restoring need a volume"},
		{volume, "restore: true", ""},
		{volume, "restore: true, state: suspended", "settings.tenants[0].restore: goes with state: active alone"},
		{none, "state: suspended", ""},
		{none, "fresh: true", ""},
	} {
		_, err := settings.Load([]byte(least + c.archive + "tenants: [{name: acme, " + c.tenant + "}]\n"))
		if c.fault == "" {
			require.NoError(t, err, c.tenant)
			continue
		}
		var faults settings.Faults
		require.ErrorAs(t, err, &faults, c.tenant)
		assert.Len(t, faults, 1, c.tenant)
		assert.ErrorContains(t, err, c.fault, c.tenant)
	}
}
