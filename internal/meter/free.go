package meter

import "strings"

// free lists the resource types that cost nothing, by the reason. The meter refuses a type
// that neither this list nor a rule (rules.go) knows.
var free = map[string][]string{
	"a record in a zone that is paid for apart": {
		"cloudflare:index/record:Record",
	},
	"a part of a database or a network, with no price of its own": {
		"digitalocean:index/databaseDb:DatabaseDb",
		"digitalocean:index/databaseFirewall:DatabaseFirewall",
		"digitalocean:index/databasePostgresqlConfig:DatabasePostgresqlConfig",
		"digitalocean:index/databaseUser:DatabaseUser",
		"digitalocean:index/vpc:Vpc",
	},
	"an alert: DigitalOcean's monitoring is free, and the price of an uptime check includes its alerts": {
		"digitalocean:index/monitorAlert:MonitorAlert",
		"digitalocean:index/uptimeAlert:UptimeAlert",
	},
	"a value in the state": {
		"random:index/randomPassword:RandomPassword",
	},
	"an entry in the API server that runs nothing": {
		"kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy",
		"kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicyBinding",
		"kubernetes:core/v1:ConfigMap",
		"kubernetes:core/v1:Namespace",
		"kubernetes:core/v1:ResourceQuota",
		"kubernetes:core/v1:Secret",
		"kubernetes:core/v1:ServiceAccount",
		"kubernetes:cert-manager.io/v1:Certificate",
		"kubernetes:networking.k8s.io/v1:Ingress",
		"kubernetes:networking.k8s.io/v1:IngressClass",
		"kubernetes:networking.k8s.io/v1:NetworkPolicy",
		"kubernetes:policy/v1:PodDisruptionBudget",
		"kubernetes:rbac.authorization.k8s.io/v1:ClusterRole",
		"kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding",
		"kubernetes:rbac.authorization.k8s.io/v1:Role",
		"kubernetes:rbac.authorization.k8s.io/v1:RoleBinding",
	},
}

var isFreeType = func() map[string]bool {
	out := map[string]bool{}
	for _, types := range free {
		for _, token := range types {
			out[token] = true
		}
	}
	return out
}()

// isFree reports whether a resource costs nothing. The platform's components and all
// providers are free too: only the resources that they declare can cost something. A
// resource that a provider creates is no component, whatever its type is called.
func (r Resource) isFree() bool {
	if r.Component {
		return r.Type == "pulumi:pulumi:Stack" || strings.HasPrefix(r.Type, "platform:")
	}
	return isFreeType[r.Type] || strings.HasPrefix(r.Type, "pulumi:providers:")
}
