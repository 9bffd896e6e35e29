package onboarding_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/onboarding"
	"github.com/genericcorp/platform/internal/settings"
)

const head = "# ours\nconfig:\n  pulumi:disable-default-providers: [\"*\"]\n  platform:settings: # all of it\n    domain: demo.genericcorp.com\n    zone: genericcorp.com\n"

const (
	email = "    email: sre@genericcorp.com\n"
	entry = "      - name: globex\n        plan: growth\n"
)

func TestAddEntryAddsLinesAndKeepsEveryOtherByte(t *testing.T) {
	for name, c := range map[string]struct{ before, after string }{
		"no list":          {head + email, head + email + "    tenants:\n" + entry},
		"no final newline": {strings.TrimSuffix(head+email, "\n"), head + email + "    tenants:\n" + strings.TrimSuffix(entry, "\n")},
		"an empty list":    {head + "    tenants: [] # soon\n" + email, head + "    tenants:  # soon\n" + entry + email},
		"a list without entries": {
			head + "    tenants:\n" + email, head + "    tenants:\n" + entry + email,
		},
		"a list with comments": {
			head + "    tenants:\n      - name: acme # the first\n        # plan: growth\n      # the last\n\n" + email + "  # end\n",
			head + "    tenants:\n      - name: acme # the first\n        # plan: growth\n      # the last\n" + entry + "\n" + email + "  # end\n",
		},
		"entries as far left as the key": {
			head + "    tenants:\n    - name: acme\n" + email, head + "    tenants:\n    - name: acme\n    - name: globex\n      plan: growth\n" + email,
		},
		"a map after the settings": {
			head + email + "  # other\n  other:x: |\n    text\nencryptionsalt: v1:x\n",
			head + email + "    tenants:\n" + entry + "  # other\n  other:x: |\n    text\nencryptionsalt: v1:x\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, end := range []string{"\n", "\r\n"} {
				got, err := onboarding.AddEntry([]byte(strings.ReplaceAll(c.before, "\n", end)), settings.Tenant{Name: "globex", Plan: "growth"})
				require.NoError(t, err)
				assert.Equal(t, strings.ReplaceAll(c.after, "\n", end), string(got))
			}
		})
	}
}

func TestAddEntryGivesTheEntryForAFileThatItDoesNotKnow(t *testing.T) {
	for _, file := range []string{
		head + email + "    tenants: [{name: acme}]\n",
		"config:\n  platform:settings: '{\"domain\": \"demo.genericcorp.com\", \"zone\": \"genericcorp.com\", \"email\": \"sre@genericcorp.com\"}'\n",
		"config:\n  platform:domain: demo.genericcorp.com\n  platform:zone: genericcorp.com\n  platform:email: sre@genericcorp.com\n",
	} {
		_, err := onboarding.AddEntry([]byte(file), settings.Tenant{Name: "globex"})
		require.Error(t, err, file)
	}
	_, err := onboarding.AddEntry([]byte(head+email+"    tenants: [{name: acme}]\n"), settings.Tenant{Name: "acme"})
	require.Error(t, err)
}

func TestAddEntryWorksOnTheStackFiles(t *testing.T) {
	for _, name := range []string{"demo", "prod"} {
		file, err := os.ReadFile("../../Pulumi." + name + ".yaml")
		require.NoError(t, err)
		for _, tenant := range []string{"globex", "initech", "umbrella"} {
			next, err := onboarding.AddEntry(file, settings.Tenant{Name: tenant})
			require.NoError(t, err)
			assert.Equal(t, strings.Count(string(next), "\n"), strings.Count(string(file), "\n")+strings.Count(string(next), "tenants:")-strings.Count(string(file), "tenants:")+2)
			file = next
		}
		s, err := settings.LoadStackFile(file)
		require.NoError(t, err)
		assert.Equal(t, "umbrella", s.Tenants[len(s.Tenants)-1].Name)
	}
}

func TestWelcomeHasTheFiguresOfTheTierAndSaysNothingOfAnExternalDatabase(t *testing.T) {
	s, err := settings.LoadStackFile([]byte(head + email))
	require.NoError(t, err)
	tenant := settings.Tenant{Name: "globex", Plan: "growth"}.WithDefaults()
	text := onboarding.Welcome(s, tenant, "help@genericcorp.com")
	for _, want := range []string{"https://globex.demo.genericcorp.com", "growth", "help@genericcorp.com", "512 MiB", "50 a second", "any minute of the last seven days", "region fra1", "after 30 days"} {
		assert.Contains(t, text, want)
	}
	s.Database.Kind = settings.External
	text = onboarding.Welcome(s, tenant, "help@genericcorp.com")
	assert.NotContains(t, text, "seven")
	assert.NotContains(t, text, "DigitalOcean")
}
