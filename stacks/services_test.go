package stacks

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/pulumitest"
)

const (
	serviceToken = coreGroup + "Service"
	ingressToken = "kubernetes:networking.k8s.io/v1:Ingress"
)

// A typing error in a selector or a port is no error for Kubernetes: nothing answers.
func TestEachServiceReachesANamedPortOfPodsThatExist(t *testing.T) {
	for _, variant := range variants {
		all, reached := declaredVariant(t, variant), 0
		for _, g := range all {
			if template := podTemplate(g); template != nil && pulumitest.Dig(g.Inputs, "spec.selector") != nil {
				selector := pulumitest.Dig(g.Inputs, "spec.selector.matchLabels")
				assert.True(t, selects(selector, template) && selector != nil, "%s: %s does not select its own Pods", variant, keyOf(g))
			}
			if g.Type != serviceToken || pulumitest.Dig(g.Inputs, "spec.type") == "ExternalName" {
				continue
			}
			var ports []string
			for _, pods := range all {
				sameNamespace := pulumitest.Dig(pods.Inputs, "metadata.namespace") == pulumitest.Dig(g.Inputs, "metadata.namespace")
				if template := podTemplate(pods); template != nil && sameNamespace && selects(pulumitest.Dig(g.Inputs, "spec.selector"), template) {
					for _, c := range pods.Containers() {
						ports = append(ports, texts(list(c, "ports"), "name")...)
					}
				}
			}
			for _, target := range texts(list(g.Inputs, "spec.ports"), "targetPort") {
				reached++
				assert.Contains(t, ports, target, "%s: %s", variant, keyOf(g))
			}
		}
		assert.Equal(t, 6, reached, "%s: ports of Traefik (2), the app, the pooler, Grafana and the store", variant)
	}
}

// middlewares matches the names of the middlewares in Traefik's file.
var middlewares = regexp.MustCompile(`(?m)^ {4}([a-z0-9-]+):$`)

func TestEachRouteReachesAServiceThroughMiddlewaresThatExist(t *testing.T) {
	for _, variant := range variants {
		all, routes := declaredVariant(t, variant), 0
		config, ok := named(all, coreGroup+"ConfigMap", "ingress", "traefik")
		require.True(t, ok)
		dynamic := pulumitest.Dig(config.Inputs, "data.dynamic.yaml").(string)
		assert.Contains(t, dynamic, "minVersion: VersionTLS12", variant)
		assert.Contains(t, dynamic, "stsSeconds: 63072000", variant)
		var known []string
		for _, match := range middlewares.FindAllStringSubmatch(dynamic, -1) {
			known = append(known, match[1]+"@file")
		}
		for _, g := range all {
			if g.Type != ingressToken {
				continue
			}
			routes++
			passed, _ := pulumitest.Dig(g.Inputs, "metadata.annotations.traefik.ingress.kubernetes.io/router.middlewares").(string)
			for _, middleware := range strings.FieldsFunc(passed, func(r rune) bool { return r == ',' }) {
				assert.Contains(t, known, middleware, "%s: %s", variant, g.Name)
			}
			assert.Equal(t, strings.HasPrefix(g.Name, "route-tenants-"), passed != "", "%s: %s has a rate limit or is closed", variant, g.Name)
			for _, rule := range list(g.Inputs, "spec.rules") {
				for _, path := range list(rule, "http.paths") {
					checkBackend(t, all, pulumitest.Dig(path, "backend.service"))
				}
				hosts := list(list(g.Inputs, "spec.tls")[0], "hosts")
				assert.Contains(t, hosts, pulumitest.Dig(rule, "host"), "%s: %s", variant, g.Name)
			}
		}
		assert.GreaterOrEqual(t, routes, 2, "%s: routes", variant)
	}
}

// checkBackend follows a route to the Service in the ingress namespace, and from there to the
// Service of the workload.
func checkBackend(t *testing.T, all []pulumitest.Registration, backend any) {
	t.Helper()
	name := pulumitest.Dig(backend, "name").(string)
	alias, ok := named(all, serviceToken, "ingress", name)
	require.True(t, ok, name)
	target := strings.Split(pulumitest.Dig(alias.Inputs, "spec.externalName").(string), ".")
	assert.Equal(t, []string{"svc", "cluster", "local"}, target[2:], name)
	service, ok := named(all, serviceToken, target[1], target[0])
	require.True(t, ok, "%s leads to %s", name, target)
	isPort := func(port any) bool { return pulumitest.Dig(port, "port") == pulumitest.Dig(backend, "port.number") }
	assert.True(t, slices.ContainsFunc(list(alias.Inputs, "spec.ports"), isPort) && slices.ContainsFunc(list(service.Inputs, "spec.ports"), isPort), "the port of %s", name)
}

// Pods with the annotation are scraped on this port only.
func TestScrapedPodsHaveThePortOfTheirAnnotation(t *testing.T) {
	for _, variant := range variants {
		var scraped []string
		for _, g := range declaredVariant(t, variant) {
			annotations, _ := pulumitest.Dig(podTemplate(g), "metadata.annotations").(map[string]any)
			if annotations["prometheus.io/scrape"] != "true" {
				continue
			}
			scraped = append(scraped, g.Name)
			var ports []string
			for _, c := range g.Containers() {
				for _, port := range list(c, "ports") {
					ports = append(ports, fmt.Sprint(pulumitest.Dig(port, "containerPort")))
				}
			}
			assert.Contains(t, ports, annotations["prometheus.io/port"], "%s: %s", variant, g.Name)
		}
		assert.ElementsMatch(t, []string{"app", "grafana", "kube-state-metrics", "node-exporter", "pooler", "traefik", "victoria-metrics", "vmalert"}, scraped, variant)
	}
}
