package settings_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
)

func TestChartWithAnHTTPAddressIsAFault(t *testing.T) {
	_, err := settings.Load([]byte(least + "certificates: {chart: \"http://mirror.genericcorp.com/cert-manager\"}\n"))
	require.ErrorContains(t, err, "settings.certificates.chart: is not an oci:// or https:// address")
}

func TestEmailWithSpacesOrQuotesIsAFault(t *testing.T) {
	for _, address := range []string{`' sre@genericcorp.com'`, `'"sre"@genericcorp.com'`} {
		_, err := settings.Load([]byte("domain: demo.genericcorp.com\nzone: genericcorp.com\nemail: " + address + "\n"))
		require.ErrorContains(t, err, "is not an e-mail address", address)
	}
}
