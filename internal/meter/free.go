package meter

import "strings"

// free lists the resource types that cost nothing. The meter refuses a type that neither
// this list nor a pricer knows.
var free = map[string]bool{
	"pulumi:pulumi:Stack": true,

	"cloudflare:index/record:Record":                                       true,
	"digitalocean:index/databaseDb:DatabaseDb":                             true,
	"digitalocean:index/databaseFirewall:DatabaseFirewall":                 true,
	"digitalocean:index/databasePostgresqlConfig:DatabasePostgresqlConfig": true,
	"digitalocean:index/databaseUser:DatabaseUser":                         true,
	"digitalocean:index/monitorAlert:MonitorAlert":                         true, // docs.digitalocean.com/products/monitoring: "a free, opt-in service"
	"digitalocean:index/uptimeAlert:UptimeAlert":                           true, // the price of the check includes its alerts (catalog.UptimeCheck)
	"digitalocean:index/vpc:Vpc":                                           true,
	"random:index/randomPassword:RandomPassword":                           true,
	"kubernetes:apps/v1:DaemonSet":                                         true,
	"kubernetes:apps/v1:Deployment":                                        true,
	"kubernetes:batch/v1:CronJob":                                          true,
	"kubernetes:batch/v1:Job":                                              true,
	"kubernetes:cert-manager.io/v1:Certificate":                            true,
	"kubernetes:cert-manager.io/v1:ClusterIssuer":                          true,
	"kubernetes:core/v1:ConfigMap":                                         true,
	"kubernetes:core/v1:Namespace":                                         true,
	"kubernetes:core/v1:Secret":                                            true,
	"kubernetes:core/v1:ServiceAccount":                                    true,
	"kubernetes:networking.k8s.io/v1:Ingress":                              true,
	"kubernetes:networking.k8s.io/v1:IngressClass":                         true,
	"kubernetes:networking.k8s.io/v1:NetworkPolicy":                        true,
	"kubernetes:policy/v1:PodDisruptionBudget":                             true,
	"kubernetes:rbac.authorization.k8s.io/v1:ClusterRole":                  true,
	"kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding":           true,
	"kubernetes:rbac.authorization.k8s.io/v1:Role":                         true,
	"kubernetes:rbac.authorization.k8s.io/v1:RoleBinding":                  true,
}

// isFree reports whether a type costs nothing. Components and providers are free too:
// only the resources that they declare can cost something.
func isFree(token string) bool {
	return free[token] || strings.HasPrefix(token, "platform:") || strings.HasPrefix(token, "pulumi:providers:")
}
