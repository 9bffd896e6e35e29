package settings

import (
	"net/mail"
	"slices"

	"github.com/genericcorp/platform/internal/names"
)

// DigitalOceanAlerts are alerts that DigitalOcean sends itself, also when the whole cluster is
// down ([from outside](operations.md#from-outside)).
type DigitalOceanAlerts struct {
	// Email is the address that receives these alerts. It must be the verified address of a
	// member of the DigitalOcean team. DigitalOcean refuses any other.
	// Default: alerts.email.to.
	// Change: in place.
	Email string `yaml:"email"`
	// Uptime lists the hosts that DigitalOcean requests from four regions. `app` is Domain,
	// `grafana` is Grafana's host, and the name of an active tenant is that tenant's host. An
	// alert is sent if a host answers none of the regions for two minutes, or if its
	// certificate expires within 14 days.
	// Default: none.
	// Values: app, grafana, and names of active tenants.
	// Cost: $1 a host a month.
	// Change: in place.
	Uptime []string `yaml:"uptime"`
	// Database sends an alert if the CPU or the memory of the managed database is over 90 %
	// for half an hour, or its disk over 80 %.
	// Default: false.
	// Change: in place.
	Database bool `yaml:"database"`
}

// Names in DigitalOceanAlerts.Uptime of the hosts that belong to no tenant.
const (
	UptimeApp     = "app"
	UptimeGrafana = "grafana"
)

// On reports whether DigitalOcean sends any alert.
func (d DigitalOceanAlerts) On() bool { return len(d.Uptime) > 0 || d.Database }

// UptimeHost returns the host of an entry of DigitalOceanAlerts.Uptime.
func (s Settings) UptimeHost(entry string) string {
	switch entry {
	case UptimeApp:
		return s.Domain
	case UptimeGrafana:
		return names.GrafanaHost(s.Domain)
	}
	return Tenant{Name: entry}.Host(s.Domain)
}

func (s Settings) validateDigitalOceanAlerts(f *Faults) {
	d := s.Alerts.DigitalOcean
	if s.Cluster.Kind == Existing && d.On() {
		f.add("alerts.digitalocean", "goes with cluster.kind: %s alone; delete the lines", DigitalOcean)
		return
	}
	if d.Database && s.Database.Kind == External {
		f.add("alerts.digitalocean.database", "goes with database.kind: %s alone; delete the line", DigitalOcean)
	}
	for i, entry := range d.Uptime {
		switch {
		case slices.Contains(d.Uptime[:i], entry):
			f.add("alerts.digitalocean.uptime", "has %q twice, and each check costs money; delete one", entry)
		case !s.reachable(entry):
			f.add("alerts.digitalocean.uptime", "%q is not app, grafana, or the name of an active tenant", entry)
		}
	}
	switch parsed, err := mail.ParseAddress(d.Email); {
	case d.Email == "" && d.On():
		f.add("alerts.digitalocean.email", "is missing; write the verified address of a member of the DigitalOcean team")
	case d.Email != "" && d.Email != s.Alerts.Email.To && (err != nil || parsed.Address != d.Email):
		f.add("alerts.digitalocean.email", "%q is not an e-mail address such as sre@genericcorp.com", d.Email)
	case d.Email != s.Alerts.Email.To && !d.On():
		f.add("alerts.digitalocean.email", "has no effect; set alerts.digitalocean.uptime or alerts.digitalocean.database too, or delete the line")
	}
}

// reachable reports whether an entry of DigitalOceanAlerts.Uptime names a host that answers. The
// host of a suspended tenant answers 503.
func (s Settings) reachable(entry string) bool {
	return entry == UptimeApp || entry == UptimeGrafana ||
		slices.ContainsFunc(s.Tenants, func(t Tenant) bool { return t.Name == entry && t.State == Active })
}
