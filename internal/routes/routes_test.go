package routes_test

import (
	"regexp"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/routes"
	"github.com/genericcorp/platform/internal/workload"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

// registered returns the inputs of a route's Service and Ingress.
func registered(t *testing.T, route routes.Route) (service, ingress map[string]any) {
	t.Helper()
	r := &pulumitest.Recorder{}
	route.In = pulumi.String("ingress")
	require.NoError(t, pulumitest.Run(r, "test", nil, func(ctx *pulumi.Context) error { return route.Register(ctx) }))
	s, ok := r.Find("kubernetes:core/v1:Service", "route-"+route.Name)
	require.True(t, ok)
	i, ok := r.Find("kubernetes:networking.k8s.io/v1:Ingress", "route-"+route.Name)
	require.True(t, ok)
	return s.Inputs, i.Inputs
}

func TestRouteReachesAServiceOfAnotherNamespaceByItsDNSName(t *testing.T) {
	service, ingress := registered(t, routes.Route{Name: "shop", Hosts: []string{"a.example.com"}, Service: workload.Ref{Namespace: "app", Name: "web"}, Port: 80})
	assert.Equal(t, "ExternalName", pulumitest.Dig(service, "spec.type"))
	assert.Equal(t, "web.app.svc.cluster.local", pulumitest.Dig(service, "spec.externalName"))
	for _, object := range []map[string]any{service, ingress} {
		assert.Equal(t, "ingress", pulumitest.Dig(object, "metadata.namespace"), "the ingress controller watches no other namespace")
		assert.Equal(t, "shop", pulumitest.Dig(object, "metadata.name"))
	}
}

func TestRouteHasARuleForEachHostAndTheWildcardCertificate(t *testing.T) {
	hosts := []string{"a.example.com", "b.example.com"}
	_, ingress := registered(t, routes.Route{Name: "shop", Hosts: hosts, Service: workload.App, Port: 80})
	rules := pulumitest.Dig(ingress, "spec.rules").([]any)
	require.Len(t, rules, 2)
	for i, host := range hosts {
		assert.Equal(t, host, pulumitest.Dig(rules[i], "host"))
		path := pulumitest.Dig(rules[i], "http.paths").([]any)[0]
		assert.Equal(t, "/", pulumitest.Dig(path, "path"))
		assert.Equal(t, "Prefix", pulumitest.Dig(path, "pathType"), "Exact would serve the first page only")
		assert.Equal(t, "shop", pulumitest.Dig(path, "backend.service.name"), "the Service beside the Ingress")
		assert.EqualValues(t, 80, pulumitest.Dig(path, "backend.service.port.number"))
	}
	assert.Equal(t, routes.Class, pulumitest.Dig(ingress, "spec.ingressClassName"))
	tls := pulumitest.Dig(ingress, "spec.tls").([]any)[0]
	assert.Equal(t, routes.TLSSecret, pulumitest.Dig(tls, "secretName"))
	assert.Equal(t, []any{"a.example.com", "b.example.com"}, pulumitest.Dig(tls, "hosts"))
}

func TestRouteNamesEachMiddlewareInTheFileAndIsNotAwaited(t *testing.T) {
	const middlewares = "traefik.ingress.kubernetes.io/router.middlewares"
	for name, c := range map[string]struct {
		given []string
		want  any
	}{
		"none": {nil, nil},
		"one":  {[]string{"plan-starter"}, "plan-starter@file"},
		"two":  {[]string{"briefly", "moved-to-acme"}, "briefly@file,moved-to-acme@file"},
	} {
		t.Run(name, func(t *testing.T) {
			_, ingress := registered(t, routes.Route{Name: "shop", Hosts: []string{"a.example.com"}, Middlewares: c.given, Service: workload.App, Port: 80})
			annotations := pulumitest.Dig(ingress, "metadata.annotations").(map[string]any)
			assert.Equal(t, c.want, annotations[middlewares], "Traefik serves 404 for a route whose middleware it does not find")
			assert.Equal(t, "true", annotations["pulumi.com/skipAwait"], "the Ingress never gets an address")
		})
	}
}

func TestNamesOfMiddlewares(t *testing.T) {
	assert.Equal(t, "plan-growth", routes.TierLimit("growth"))
	assert.Equal(t, []string{"briefly", "moved-to-acme"}, routes.Redirect("acme"), "the redirect is last: it answers")
}

// The first name is one that a Traefik 3.7.11 of the sandbox had.
func TestRoutersOfActiveTenantsHaveTheTenantsName(t *testing.T) {
	expression := regexp.MustCompile("^(?:" + routes.TenantRouters("demo.localhost") + ")$")
	for router, tenant := range map[string]string{
		"websecure-ingress-tenants-starter-acme-demo-localhost@kubernetes":          "acme",
		"ingress-tenants-enterprise-acme-eu-demo-localhost@kubernetes":              "acme-eu",
		"websecure-ingress-tenants-growth-demo-localhost-demo-localhost@kubernetes": "demo-localhost",
	} {
		require.Regexp(t, expression, router)
		assert.Equal(t, tenant, expression.FindStringSubmatch(router)[1], router)
	}
	for _, router := range []string{
		"websecure-ingress-tenants-suspended-globex-demo-localhost@kubernetes", "websecure-ingress-app-demo-localhost@kubernetes",
		"websecure-ingress-moved-to-acme-old-demo-localhost@kubernetes", "websecure-ingress-grafana-grafana-demo-localhost@kubernetes",
		"websecure-ingress-tenants-starter-acme-demo-localhost@file", "websecure-ingress-tenants-starter-acme-other-localhost@kubernetes",
	} {
		assert.NotRegexp(t, expression, router)
	}
}
