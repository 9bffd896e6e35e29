package settings

import (
	"slices"

	"github.com/genericcorp/platform/internal/budget"
)

// withDefaults fills what the file left out. It only sets; judging is validate's.
func (s Settings) withDefaults() Settings {
	or(&s.Region, "fra1")
	or(&s.Budget.MonthlyUSD, 8000)
	or(&s.Capacity.ConcurrentUsers, 100)
	or(&s.Cluster.Kind, DigitalOcean)
	or(&s.Cluster.Version, "1.36")
	or(&s.Network.VPC, "10.10.0.0/20")
	or(&s.Network.Pods, "10.100.0.0/16")
	or(&s.Network.Services, "10.101.0.0/19")
	or(&s.Database.Kind, DigitalOcean)
	or(&s.Database.Version, "17")
	or(&s.Database.Connections, 100)
	if s.Database.Kind == External {
		or(&s.Database.Network, Anywhere)
	}
	or(&s.Certificates.Issuer, Production)
	or(&s.Certificates.Chart, "oci://quay.io/jetstack/charts/cert-manager")
	if s.Ingress.HSTSIncludeSubdomains == nil {
		ownDomain := s.Domain != s.Zone
		s.Ingress.HSTSIncludeSubdomains = &ownDomain
	}
	or(&s.Monitoring.RetentionDays, 30)
	or(&s.Monitoring.VolumeGiB, 5)
	or(&s.Maintenance.Day, "sunday")
	or(&s.Maintenance.Hour, "03:00")
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
	or(&a.Image, "ghcr.io/stefanprodan/podinfo:6.9.2")
	or(&a.Port, 9898)
	or(&a.HealthPath, "/healthz")
	or(&a.ReadyPath, "/readyz")
	or(&a.MetricsPath, "/metrics")
	or(&a.DatabasePool, 2)
	return a
}

func or[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
