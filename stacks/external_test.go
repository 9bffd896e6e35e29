package stacks

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

func TestTheMeterCountsTheBillOfEveryStack(t *testing.T) {
	for _, variant := range variants {
		cfg := variantConfig(t, variant)
		s, plan := planOf(t, cfg)
		m := newMeter(plan, s)
		for _, g := range declaredWith(t, variant, cfg) {
			require.NoError(t, m.Register(metered(g)), "%s: %s", variant, keyOf(g))
		}
		assert.Equal(t, plan.Bill.Total(), m.Total(), variant)
		assert.Equal(t, variant == opposite, m.Total() == 0, "%s: only a cluster and a database that exist already cost nothing", variant)
	}
}

// An older pg_dump refuses a newer server.
func TestJobsHaveTheProgramsOfTheServersMajor(t *testing.T) {
	major := regexp.MustCompile(`/postgres:(\d+)[.-]`)
	for _, variant := range variants {
		for _, version := range []string{"17", "18"} {
			cfg := with(t, variantConfig(t, variant), "database.version", version)
			runs := 0
			for _, g := range declaredWith(t, variant, cfg) {
				for _, c := range g.Containers() {
					if found := major.FindStringSubmatch(pulumitest.Dig(c, "image").(string)); found != nil {
						runs++
						assert.Equal(t, version, found[1], "%s: %s", variant, keyOf(g))
					}
				}
				if g.Type == "digitalocean:index/databaseCluster:DatabaseCluster" {
					assert.Equal(t, version, g.Inputs["version"], variant)
				}
			}
			assert.Equal(t, 4, runs, "%s: two Jobs and two CronJobs", variant)
		}
	}
}

// The archive has the only copy of a purged tenant.
func TestTheArchiveIsRetainedIfAndOnlyIfTheStackIsProtected(t *testing.T) {
	for variant, class := range map[string]map[bool]any{
		everything: {true: catalog.RetainedStorageClass, false: catalog.StorageClass},
		opposite:   {true: nil, false: nil}, // the cluster's default class
	} {
		for _, protect := range []bool{true, false} {
			cfg := with(t, with(t, variantConfig(t, variant), "archive.volumeGiB", 7), "protect", protect)
			all := declaredWith(t, variant, cfg)
			claim, ok := named(all, coreGroup+"PersistentVolumeClaim", "tenants", "reconcile")
			require.True(t, ok)
			assert.Equal(t, protect, claim.Retain, "%s, protect: %t", variant, protect)
			assert.Equal(t, class[protect], pulumitest.Dig(claim.Inputs, "spec.storageClassName"), "%s, protect: %t", variant, protect)
			metrics, ok := named(all, coreGroup+"PersistentVolumeClaim", "monitoring", "victoria-metrics")
			require.True(t, ok)
			assert.Equal(t, class[false], pulumitest.Dig(metrics.Inputs, "spec.storageClassName"), "the metrics go with the stack")
		}
	}
}

func TestAnExistingClusterAndDatabaseAreUsedAsTheConfigurationSays(t *testing.T) {
	cfg := variantConfig(t, opposite)
	t.Setenv("DIGITALOCEAN_ACCESS_TOKEN", "")
	all := declaredWith(t, opposite, cfg)
	data := func(kind, namespace, name, field string) map[string]any {
		g, ok := named(all, coreGroup+kind, namespace, name)
		require.True(t, ok, name)
		values, _ := g.Inputs[field].(map[string]any)
		return values
	}
	assert.Contains(t, data("Secret", "app", "database", "stringData")["url"], "postgresql://storefront:canary-password@db.example.com:6543/shop?", "the app connects as its own role")
	admin := data("Secret", "tenants", "administrator", "stringData")
	assert.Equal(t, []any{"root", "db.example.com", "6543", "shop"}, []any{admin["PGUSER"], admin["PGHOST"], admin["PGPORT"], admin["PGDATABASE"]}, "the Jobs connect as the administrator")
	assert.Contains(t, pulumitest.Text(data("ConfigMap", "tenants", "reconcile", "data")), "storefront", "the role of the app")
	assert.Contains(t, data("Secret", "pooler", "pooler", "stringData")["pgbouncer.ini"], "host='db.example.com' port=6543 dbname='shop'")
	for _, g := range all {
		assert.False(t, g.Protect || g.Retain, "%s is kept", keyOf(g))
		assert.NotContains(t, g.Type, "digitalocean")
		if g.Type == "pulumi:providers:kubernetes" {
			assert.Equal(t, "theirs", g.Inputs["context"])
			assert.Equal(t, cfg["platform:kubeconfig"], g.Inputs["kubeconfig"])
		}
		if strings.HasPrefix(g.Type, "cloudflare:") && g.Inputs["type"] == "A" {
			assert.Equal(t, "192.0.2.10", g.Inputs["content"], g.Name)
			assert.Equal(t, false, g.Inputs["proxied"], g.Name)
		}
	}
	service, ok := named(all, coreGroup+"Service", "ingress", "traefik")
	require.True(t, ok)
	assert.Equal(t, "NodePort", pulumitest.Dig(service.Inputs, "spec.type"))
}

func TestAnOwnClusterUsesAnExternalDatabaseThatIsNotOnTheBill(t *testing.T) {
	cfg := variantConfig(t, opposite)
	own := with(t, stackConfig(t, "demo"), "database", map[string]any{"kind": settings.External, "network": "203.0.113.16/28", "connections": 200})
	for key, value := range cfg {
		if strings.HasPrefix(key, "platform:database") {
			own[key] = value
		}
	}
	s, plan := planOf(t, own)
	for _, line := range plan.Bill {
		assert.NotEqual(t, budget.ItemDatabase, line.Item)
	}
	all, m, ranges := declaredWith(t, "demo", own), newMeter(plan, s), 0
	for _, g := range all {
		require.NoError(t, m.Register(metered(g)), g.Name)
		assert.NotContains(t, g.Type, "digitalocean:index/database", g.Name)
		if text := pulumitest.Text(g.Inputs); g.Type == policyToken && strings.Contains(text, "6543") {
			ranges++
			assert.Contains(t, text, "203.0.113.16/28", g.Name)
			assert.NotContains(t, text, s.Network.VPC, g.Name)
		}
	}
	assert.Equal(t, plan.Bill.Total(), m.Total())
	assert.Equal(t, 4, ranges, "policies for the database's port")
}
