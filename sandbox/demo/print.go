package demo

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/genericcorp/platform/internal/settings"
)

// Print prints the demo's addresses, what its containers use, and what to do next. states are
// the states of the tenants by name.
func (d *Demo) Print(out io.Writer, states map[string]string) error {
	tenant, err := d.demoTenant()
	if err != nil {
		return err
	}
	d.printAddresses(out, states)
	printAccount(out, tenant, states)
	if err := d.printUsage(out); err != nil {
		return err
	}
	fmt.Fprintf(out, `
To trust the certificates, import this file as an authority in the browser, or give it to curl as --cacert:
  %s
Next:
  kubectl --kubeconfig %s get pods -A
  make demo STACK=%[3]s        after an edit of Pulumi.%[3]s.yaml
  make demo-down STACK=%[3]s   ends the demo
`, d.Authority(), d.Kubeconfig(), d.Name)
	return nil
}

// printAccount prints the account of the demo's tenant, if everybody can sign in to it now.
func printAccount(out io.Writer, tenant string, states map[string]string) {
	if states[tenant] == settings.Active {
		fmt.Fprintf(out, "Sign in to %s as %s with the password %s.\n", tenant, visitorEmail, visitorPassword)
	}
}

func (d *Demo) printAddresses(out io.Writer, states map[string]string) {
	line := func(name, url string) { fmt.Fprintf(out, "  %-12s %s\n", name, url) }
	fmt.Fprintln(out, "Open:")
	line("app", d.URL(d.Domain()))
	for _, name := range slices.Sorted(maps.Keys(states)) {
		url := d.URL(name + "." + d.Domain())
		switch states[name] {
		case settings.Active:
			line(name, url)
		case settings.Suspended, settings.Archived:
			line(name, url+" answers 503, because the tenant is "+states[name])
		}
	}
	line("dashboards", d.URL("grafana."+d.Domain()))
	line("metrics", fmt.Sprintf("http://localhost:%d/vmui", d.ports.Metrics))
	if d.Grafana != nil {
		line("grafana", fmt.Sprintf("%s as admin with the password %s", d.Grafana.URL, d.Grafana.Password))
	}
}

// demoTenantLine is AgentHQ's setting in a stack file.
var demoTenantLine = regexp.MustCompile(`(?m)^ +DEMO_TENANT: (\S+)$`)

// demoTenant returns the tenant that everybody may sign in to, or nothing if there is none.
func (d *Demo) demoTenant() (string, error) {
	file, err := os.ReadFile(filepath.Join(d.Root, "Pulumi."+d.Name+".yaml"))
	if err != nil {
		return "", err
	}
	if match := demoTenantLine.FindSubmatch(file); match != nil {
		return string(match[1]), nil
	}
	return "", nil
}
