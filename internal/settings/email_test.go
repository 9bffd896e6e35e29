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
		"sre@1.2.3.4": false, "sre@b.c": false, "sre@nas.local": false,
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

func TestEmailWithOtherLettersThanASCIIIsAFault(t *testing.T) {
	_, err := settings.Load([]byte("domain: demo.genericcorp.com\nzone: genericcorp.com\nemail: jürgen@genericcorp.com\n"))
	assert.ErrorContains(t, err, "settings.email: \"jürgen@genericcorp.com\" has other letters than ASCII")
}

func TestDomainsMustBeThoseOfTheInternet(t *testing.T) {
	for domain, want := range map[string]string{
		"1.2.3.4": "is an IP address", "nas.local": "does not end in a top-level domain", "demo.internal": "does not end in a top-level domain",
		"co.uk": "is a public suffix", "github.io": "is a public suffix",
	} {
		_, err := settings.Load([]byte("domain: " + domain + "\nzone: " + domain + "\nemail: a@genericcorp.com\n"))
		assert.ErrorContains(t, err, "settings.domain: \""+domain+"\" "+want)
		assert.ErrorContains(t, err, "settings.zone: \""+domain+"\" "+want)
	}
	for _, domain := range []string{"genericcorp.co.uk", "demo.genericcorp.dev", "genericcorp.github.io", "demo.localhost"} {
		_, err := settings.Load([]byte("domain: " + domain + "\nzone: " + domain + "\nemail: a@genericcorp.com\n"))
		assert.NoError(t, err, domain)
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
