package demo

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestOnlyAddressesThatAnswerArePrintedAsOpen(t *testing.T) {
	d := withPorts(t.TempDir(), Ports{HTTPS: 8443, Metrics: 8428})
	var out strings.Builder
	d.printAddresses(&out, map[string]string{"acme": "suspended", "beta": "active", "gamma": "archived", "old": "purged"})
	assert.Equal(t, `Open:
  app          https://demo.localhost:8443
  acme         https://acme.demo.localhost:8443 answers 503, because the tenant is suspended
  beta         https://beta.demo.localhost:8443
  gamma        https://gamma.demo.localhost:8443 answers 503, because the tenant is archived
  dashboards   https://grafana.demo.localhost:8443
  metrics      http://localhost:8428/vmui
`, out.String())
}

func TestTheAccountIsPrintedOnlyIfItsTenantIsActive(t *testing.T) {
	for states, want := range map[string]string{
		"active": "Sign in to acme as demo@agenthq.example with the password watch-the-agents.\n", "suspended": "", "archived": "", "": "",
	} {
		var out strings.Builder
		printAccount(&out, "acme", map[string]string{"acme": states})
		assert.Equal(t, want, out.String(), states)
	}
}
