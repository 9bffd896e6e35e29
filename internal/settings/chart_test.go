package settings_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
)

func TestChartMustBeAMirrorOfTheCertManagerChart(t *testing.T) {
	for address, want := range map[string]string{
		"oci://mirror.genericcorp.com/charts/cert-manager": "",
		"https://mirror.genericcorp.com/cert-manager":      "",
		"oci://":                              "is not an oci:// or https:// address",
		"mirror.genericcorp.com/cert-manager": "is not an oci:// or https:// address",
		"oci://mirror.genericcorp.com/charts/certmanager":           "does not end in /cert-manager",
		"https://robot:hunter2@mirror.genericcorp.com/cert-manager": "has a login",
	} {
		_, err := settings.Load([]byte(least + "certificates: {chart: \"" + address + "\"}\n"))
		if want == "" {
			require.NoError(t, err, address)
			continue
		}
		require.ErrorContains(t, err, "settings.certificates.chart: ", address)
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "hunter2")
	}
}
