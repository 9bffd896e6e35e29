package stacks

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/pulumitest"
)

// rights are all rights in the cluster, as "kind account: verbs of resources". Traefik alone reads
// Secrets, and only in its namespace, whose one Secret is the certificate.
var rights = []string{
	"Role ingress/traefik: get list watch of ingresses",
	"Role ingress/traefik: get list watch of endpointslices",
	"Role ingress/traefik: get list watch of services secrets",
	"ClusterRole ingress/traefik: get list watch of nodes",
	"ClusterRole ingress/traefik: get list watch of ingressclasses",
	"ClusterRole monitoring/victoria-metrics: get list watch of nodes pods",
	"ClusterRole monitoring/victoria-metrics: get of nodes/metrics",
	"ClusterRole monitoring/kube-state-metrics: list watch of nodes persistentvolumeclaims pods services",
	"ClusterRole monitoring/kube-state-metrics: list watch of cronjobs jobs",
	"ClusterRole monitoring/kube-state-metrics: list watch of daemonsets deployments",
}

func TestAccountsHaveTheRightsOfTheListAndNoOthers(t *testing.T) {
	for _, variant := range variants {
		all := declaredVariant(t, variant)
		var found []string
		roles := 0
		for _, g := range all {
			kind := strings.TrimPrefix(g.Type, rbacGroup)
			if kind == "Role" || kind == "ClusterRole" {
				roles++
			}
			for _, subject := range list(g.Inputs, "subjects") {
				assert.Equal(t, "ServiceAccount", pulumitest.Dig(subject, "kind"), keyOf(g))
				of := references(g)[0]
				namespace := ""
				if kind == "RoleBinding" {
					namespace = pulumitest.Dig(g.Inputs, "metadata.namespace").(string)
				}
				role, ok := named(all, of.token, namespace, of.name)
				require.True(t, ok, "the role of %s", keyOf(g))
				for _, rule := range list(role.Inputs, "rules") {
					assert.Nil(t, pulumitest.Dig(rule, "nonResourceURLs"), keyOf(role))
					found = append(found, fmt.Sprintf("%s %v/%v: %s of %s", strings.TrimPrefix(of.token, rbacGroup), pulumitest.Dig(subject, "namespace"),
						pulumitest.Dig(subject, "name"), words(list(rule, "verbs")), words(list(rule, "resources"))))
				}
			}
		}
		assert.ElementsMatch(t, rights, found, variant)
		assert.Equal(t, 4, roles, "%s: roles, each with a binding", variant)
	}
}

func words(values []any) string {
	var out []string
	for _, value := range values {
		out = append(out, fmt.Sprint(value))
	}
	return strings.Join(out, " ")
}

// A budget of one replica that keeps it would block the drain of its node for ever. Several
// replicas without a budget could all be evicted at once.
func TestADrainEvictsOneOfSeveralReplicasAndIsNeverBlocked(t *testing.T) {
	several := 0
	for _, variant := range variants {
		all := declaredVariant(t, variant)
		for _, g := range all {
			replicas, deployed := pulumitest.Dig(g.Inputs, "spec.replicas").(float64)
			if !deployed {
				continue
			}
			namespace := pulumitest.Dig(g.Inputs, "metadata.namespace").(string)
			var budgets []pulumitest.Registration
			for _, b := range all {
				if b.Type == "kubernetes:policy/v1:PodDisruptionBudget" && pulumitest.Dig(b.Inputs, "metadata.namespace") == namespace &&
					selects(pulumitest.Dig(b.Inputs, "spec.selector.matchLabels"), podTemplate(g)) {
					budgets = append(budgets, b)
				}
			}
			if replicas == 1 {
				assert.Empty(t, budgets, "%s: %s has one replica", variant, g.Name)
				continue
			}
			several++
			if assert.Len(t, budgets, 1, "%s: %s has %v replicas", variant, g.Name, replicas) {
				assert.EqualValues(t, 1, pulumitest.Dig(budgets[0].Inputs, "spec.maxUnavailable"), "%s: %s", variant, g.Name)
				assert.Nil(t, pulumitest.Dig(budgets[0].Inputs, "spec.minAvailable"), "%s: %s", variant, g.Name)
			}
		}
	}
	assert.GreaterOrEqual(t, several, 6, "Deployments with several replicas")
}

// With one of the two alone, Traefik takes the load balancer's header for a request, or everybody
// who reaches it can claim any address.
func TestTheLoadBalancerSendsTheClientsAddressIfAndOnlyIfTraefikTrustsItsNetwork(t *testing.T) {
	const annotation = "metadata.annotations.service.beta.kubernetes.io/do-loadbalancer-enable-proxy-protocol"
	for _, variant := range variants {
		cfg := variantConfig(t, variant)
		s, _ := planOf(t, cfg)
		all := declaredWith(t, variant, cfg)
		service, ok := named(all, coreGroup+"Service", "ingress", "traefik")
		require.True(t, ok)
		traefik, ok := named(all, "kubernetes:apps/v1:Deployment", "ingress", "traefik")
		require.True(t, ok)
		var trusted []string
		for _, flag := range list(traefik.Containers()[0], "args") {
			assert.NotContains(t, strings.ToLower(flag.(string)), "insecure", variant)
			if text := flag.(string); strings.Contains(text, "proxyProtocol") || strings.Contains(text, "forwardedHeaders") {
				trusted = append(trusted, text)
			}
		}
		if variant == opposite {
			assert.Empty(t, trusted, "this cluster has no load balancer of DigitalOcean")
			assert.Nil(t, pulumitest.Dig(service.Inputs, annotation))
			continue
		}
		assert.Equal(t, "true", pulumitest.Dig(service.Inputs, annotation), variant)
		assert.ElementsMatch(t, []string{
			"--entryPoints.web.proxyProtocol.trustedIPs=" + s.Network.VPC, "--entryPoints.websecure.proxyProtocol.trustedIPs=" + s.Network.VPC,
		}, trusted, variant)
	}
}

// Grafana is reachable from the Internet.
func TestNobodySeesGrafanaWithoutSigningIn(t *testing.T) {
	for _, variant := range variants {
		grafana, ok := named(declaredVariant(t, variant), "kubernetes:apps/v1:Deployment", "monitoring", "grafana")
		require.True(t, ok)
		env := map[string]any{}
		for _, v := range list(grafana.Containers()[0], "env") {
			name := pulumitest.Dig(v, "name").(string)
			assert.NotContains(t, env, name, "%s: a variable twice", variant)
			env[name] = pulumitest.Dig(v, "value")
		}
		want := map[string]any{
			"GF_AUTH_ANONYMOUS_ENABLED": "false", "GF_PUBLIC_DASHBOARDS_ENABLED": "false", "GF_USERS_ALLOW_SIGN_UP": "false",
			"GF_SECURITY_COOKIE_SECURE": "true", "GF_SECURITY_ADMIN_PASSWORD__FILE": "/etc/grafana-admin/password",
		}
		if variant == everything {
			want["GF_AUTH_GENERIC_OAUTH_ENABLED"], want["GF_AUTH_GENERIC_OAUTH_ALLOWED_DOMAINS"] = "true", "genericcorp.com"
			want["GF_AUTH_GENERIC_OAUTH_USE_PKCE"], want["GF_AUTH_GENERIC_OAUTH_ALLOW_SIGN_UP"] = "true", "true"
			want["GF_USERS_AUTO_ASSIGN_ORG_ROLE"] = "Viewer"
		}
		for name, value := range env {
			guards := slices.ContainsFunc([]string{"GF_AUTH_", "GF_SECURITY_", "GF_USERS_", "GF_PUBLIC_", "GF_SNAPSHOTS_"}, func(section string) bool { return strings.HasPrefix(name, section) })
			if _, known := want[name]; guards && !known && !strings.HasPrefix(name, "GF_AUTH_GENERIC_OAUTH_") {
				assert.Fail(t, "an option of access that the test does not know", "%s: %s=%v", variant, name, value)
			}
		}
		for name, value := range want {
			assert.Equal(t, value, env[name], "%s: %s", variant, name)
		}
	}
}
