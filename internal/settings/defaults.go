package settings

import (
	"slices"

	"github.com/genericcorp/platform/internal/budget"
)

// AgentHQImage is the default of app.image, and the image of selfhosted/compose.yaml. The workflow
// release.yaml builds and pushes it, and requires that its tag is the release's version.
const AgentHQImage = "ghcr.io/genericcorp/agenthq:1.0.0"

// withDefaults returns the settings with the default of each key that the file left out. It
// checks nothing; validate does.
func (s Settings) withDefaults() Settings {
	setDefault(&s.Region, "fra1")
	setDefault(&s.Budget.MonthlyUSD, 8000)
	setDefault(&s.Capacity.ConcurrentUsers, 100)
	setDefault(&s.Capacity.RequestsPerMinute, 18)
	setDefault(&s.Cluster.Kind, DigitalOcean)
	setDefault(&s.Cluster.Version, "1.36")
	setDefault(&s.Network.VPC, defaultVPC(s.Region))
	setDefault(&s.Network.Pods, "10.100.0.0/16")
	setDefault(&s.Network.Services, "10.101.0.0/19")
	setDefault(&s.Database.Kind, DigitalOcean)
	setDefault(&s.Database.Version, "17")
	setDefault(&s.Database.Connections, 100)
	if s.Database.Kind == External {
		setDefault(&s.Database.Network, Anywhere)
	}
	setDefault(&s.Certificates.Issuer, Production)
	setDefault(&s.Certificates.Chart, "oci://quay.io/jetstack/charts/cert-manager")
	if s.Ingress.HSTSIncludeSubdomains == nil {
		ownDomain := s.Domain != s.Zone
		s.Ingress.HSTSIncludeSubdomains = &ownDomain
	}
	setDefault(&s.Monitoring.RetentionDays, 30)
	setDefault(&s.Monitoring.VolumeGiB, 5)
	s.Alerts = s.Alerts.withDefaults()
	setDefault(&s.Maintenance.Day, "sunday")
	setDefault(&s.Maintenance.Hour, "03:00")
	s.App = s.App.withDefaults()
	if s.Pricing.TenantUSD == nil {
		s.Pricing.TenantUSD = []budget.Cents{4900, 9900, 14900}
	}
	s.Tenants = slices.Clone(s.Tenants)
	for i := range s.Tenants {
		s.Tenants[i] = s.Tenants[i].WithDefaults()
	}
	return s
}

func (a App) withDefaults() App {
	setDefault(&a.Image, AgentHQImage)
	setDefault(&a.Port, 9898)
	setDefault(&a.HealthPath, "/healthz")
	setDefault(&a.ReadyPath, "/readyz")
	setDefault(&a.MetricsPath, "/metrics")
	setDefault(&a.ResponseKiB, 7)
	setDefault(&a.DatabasePool, 2)
	return a
}

// setDefault sets a field that has its zero value.
func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
