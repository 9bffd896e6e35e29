// Package dashboards has the four dashboards of Grafana. Each answers the questions of one person
// on one screen: six numbers in the first row, and six graphs below them.
package dashboards

import (
	"encoding/json"
	"strings"

	"github.com/genericcorp/platform/internal/alerts"
)

// Datasource is the UID of the data source that all panels ask. Home is the file of the dashboard
// that Grafana shows first.
const (
	Datasource = "metrics"
	Home       = "overview.json"
)

// dashboard is a page of Grafana.
type dashboard struct {
	// uid is its name in links, and the name of its file.
	uid, title string
	// question is what the page answers.
	question string
	// from is the start of the time that it shows first, for example "now-24h".
	from string
	// byTenant adds a list of tenants to the page. Queries have the chosen one as $tenant.
	byTenant bool
	panels   []panel
}

func all(s alerts.Stack) []dashboard {
	return []dashboard{overview(s), tenant(s), platform(s), money(s)}
}

// Files returns the dashboards of a stack in Grafana's JSON, by the names of their files.
func Files(s alerts.Stack) map[string]string {
	out := map[string]string{}
	for _, d := range all(s) {
		text, err := json.MarshalIndent(d.json(), "", " ")
		if err != nil {
			// The encoder cannot fail on maps of strings and numbers.
			panic(err)
		}
		out[d.uid+".json"] = string(text)
	}
	return out
}

// Filled returns a query with Grafana's variables replaced by what they are on a page that shows
// an hour and one tenant. The store understands it then.
func Filled(query, tenant string) string {
	return strings.NewReplacer("$__rate_interval", "2m", "$__interval", "1m", "$__range", "1h", "$tenant", tenant).Replace(query)
}
