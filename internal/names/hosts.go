package names

// GrafanaHost returns the host of Grafana below a stack's domain.
func GrafanaHost(domain string) string { return "grafana." + domain }
