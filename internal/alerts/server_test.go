package alerts_test

import (
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metricsql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/genericcorp/platform/internal/alerts"
	"github.com/genericcorp/platform/sandbox/golden"
)

// Compose reads $$ as $. The end of the section is a comment too.
func TestTheComposeFileHasTheRulesForAServer(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(strings.ReplaceAll(alerts.OnServer(), "$", "$$"), "\n"), "\n")
	golden.Section(t, "../../selfhosted/compose.yaml", "rules", "x-rules: &rules |\n  "+strings.Join(lines, "\n  ")+"\n# ")
}

func TestRulesForAServerAreThoseOfThePlatformWithItsOwnMetrics(t *testing.T) {
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Labels      map[string]string
			}
		}
	}
	require.NoError(t, yaml.Unmarshal([]byte(alerts.OnServer()), &file))
	var names []string
	for _, group := range file.Groups {
		for _, r := range group.Rules {
			names = append(names, r.Alert)
			_, err := metricsql.Parse(r.Expr)
			assert.NoError(t, err, r.Alert)
			assert.NotContains(t, r.Expr, "kube_")
			assert.NotContains(t, r.Expr, "traefik_")
			assert.Equal(t, string(find(t, r.Alert).Severity), r.Labels["severity"], r.Alert)
		}
	}
	assert.Equal(t, []string{"AppDown", "ErrorBudgetBurnFast", "ErrorBudgetBurnSlow", "LatencyBudgetBurnFast", "LatencyBudgetBurnSlow", "MetricsVolumeFull"}, names)
}
