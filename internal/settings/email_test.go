package settings_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
)

func TestEmailMustHaveAHostThatLetsEncryptAccepts(t *testing.T) {
	for address, admitted := range map[string]bool{
		"sre@genericcorp.com": true, "sre@mail.genericcorp.co.uk": true, "sre+tls@genericcorp.com": true,
		"sre@example.com": false, "sre@example.org": false, "sre@mail.example.net": false, "sre@EXAMPLE.com": false,
		"sre@localhost": false, "sre@stack.test": false, "sre@stack.invalid": false, "sre@host.example": false, "sre@host": false,
	} {
		_, err := settings.Load([]byte("domain: demo.genericcorp.com\nzone: genericcorp.com\nemail: " + address + "\n"))
		if admitted {
			require.NoError(t, err, address)
			continue
		}
		require.ErrorContains(t, err, "settings.email", address)
		assert.ErrorContains(t, err, "an address that receives mail", address)
	}
}

func TestHSTSIncludesSubdomainsByDefaultUnlessTheDomainIsTheZone(t *testing.T) {
	for file, want := range map[string]bool{
		"domain: demo.genericcorp.com\nzone: genericcorp.com\nemail: a@genericcorp.com\n":                                          true,
		"domain: genericcorp.com\nzone: genericcorp.com\nemail: a@genericcorp.com\n":                                               false,
		"domain: genericcorp.com\nzone: genericcorp.com\nemail: a@genericcorp.com\ningress: {hstsIncludeSubdomains: true}\n":       true,
		"domain: demo.genericcorp.com\nzone: genericcorp.com\nemail: a@genericcorp.com\ningress: {hstsIncludeSubdomains: false}\n": false,
	} {
		s, err := settings.Load([]byte(file))
		require.NoError(t, err)
		assert.Equal(t, want, *s.Ingress.HSTSIncludeSubdomains, file)
	}
}
