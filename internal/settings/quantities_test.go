package settings_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
)

// faultsOf returns the faults of the least settings with more lines.
func faultsOf(t *testing.T, lines string) settings.Faults {
	t.Helper()
	_, err := settings.Load([]byte(least + lines))
	var faults settings.Faults
	if err != nil {
		require.True(t, errors.As(err, &faults), "%v", err)
	}
	return faults
}

// requireFault requires exactly one fault, with this path and a problem that has this text.
func requireFault(t *testing.T, lines, path, text string) {
	t.Helper()
	faults := faultsOf(t, lines)
	require.Len(t, faults, 1, "%s: %v", lines, faults)
	assert.Equal(t, "settings."+path, faults[0].Path, lines)
	assert.Contains(t, faults[0].Problem, text, lines)
}

func TestQuantitiesOutsideTheirBoundsAreFaults(t *testing.T) {
	const cpu, memory = "is not between 1m and 64", "is not between 16Mi and 512Gi"
	for _, c := range []struct{ key, value, text string }{
		{"memory", "8Ei", memory}, {"memory", "1e30", memory}, {"memory", "9e18", memory}, {"memory", "7Ei", memory},
		{"memory", "513Gi", memory}, {"memory", "15Mi", memory}, {"memory", "9223372036854775807", memory},
		{"memory", "9223372036854775808", memory}, {"memory", "1n", memory},
		{"cpu", "10E", cpu}, {"cpu", "65", cpu}, {"cpu", "1e30", cpu}, {"cpu", "9Ei", cpu}, {"cpu", "999u", cpu}, {"cpu", "1n", cpu},
		{"memory", "-128Mi", "is not a quantity"}, {"cpu", "-1", "is not a quantity"},
		{"cpu", "0", cpu}, {"memory", "0", memory}, {"cpu", "0m", cpu},
		{"cpu", "1e999999999", "is not a quantity"}, {"memory", "1e-999999999", "is not a quantity"},
		{"cpu", "lots", "is not a quantity"}, {"memory", "Mi", "is not a quantity"}, {"memory", "1.2.3Mi", "is not a quantity"},
		{"memory", "٣Mi", "is not a quantity"}, {"cpu", "NaN", "is not a quantity"}, {"cpu", "0x10", "is not a quantity"},
	} {
		requireFault(t, fmt.Sprintf("app: {%s: %q}\n", c.key, c.value), "app."+c.key, c.text)
	}
}

func TestAQuantityWithAnotherUnitIsRefusedWithTheOneThatWasMeant(t *testing.T) {
	for _, c := range []struct{ key, value, meant string }{
		{"memory", "128m", "128Mi"}, {"memory", "128", "128Mi"}, {"memory", "128MB", "128Mi"}, {"memory", "128mb", "128Mi"},
		{"memory", "128 Mi", "128Mi"}, {"memory", "128MiB", "128Mi"}, {"memory", "128mi", "128Mi"}, {"memory", "0.5GB", "0.5Gi"},
		{"memory", "1g", "1Gi"}, {"memory", "1gb", "1Gi"}, {"memory", "2", ""}, {"memory", "20000KB", "20000Ki"},
		{"cpu", "100", "100m"}, {"cpu", "100Mi", "100m"}, {"cpu", "100 m", "100m"}, {"cpu", "100M", "100m"}, {"cpu", "250milli", "250m"},
		{"cpu", "0,5", "0.5"}, {"cpu", "2cores", "2"}, {"cpu", "2 vCPU", "2"}, {"cpu", "1000000", ""},
	} {
		text := ""
		if c.meant != "" {
			text = fmt.Sprintf("did you mean %q?", c.meant)
		}
		requireFault(t, fmt.Sprintf("app: {%s: %q}\n", c.key, c.value), "app."+c.key, text)
		if c.meant == "" {
			assert.NotContains(t, faultsOf(t, fmt.Sprintf("app: {%s: %q}\n", c.key, c.value))[0].Problem, "did you mean", c.value)
		}
	}
}

func TestQuantitiesAtTheirBoundsAreNoFaults(t *testing.T) {
	for _, line := range []string{
		"app: {cpu: 1m, memory: 16Mi}\n", `app: {cpu: "64", memory: 512Gi}` + "\n", `app: {cpu: "0.1", memory: "134217728"}` + "\n",
		"app: {cpu: \"1e-1\", memory: 128M}\n", "app: {memory: 1.5Gi}\n",
	} {
		assert.Empty(t, faultsOf(t, line), line)
	}
}

func TestNumbersOutsideTheirBoundsAreFaults(t *testing.T) {
	for _, c := range []struct{ lines, path, text string }{
		{"capacity: {concurrentUsers: 1000001}\n", "capacity.concurrentUsers", "is not between 1 and 1000000"},
		{"capacity: {concurrentUsers: 9223372036854775807}\n", "capacity.concurrentUsers", "has too many digits"},
		{"capacity: {concurrentUsers: -9223372036854775808}\n", "capacity.concurrentUsers", "has too many digits"},
		{"nodes: {count: 513}\n", "nodes.count", "is not between 0 and 512, the most nodes of a DigitalOcean cluster"},
		{"nodes: {count: 1000000}\n", "nodes.count", "is not between 0 and 512"},
		{"app: {replicas: 56321}\n", "app.replicas", "is not between 0 and 56320, 110 Pods on each of 512 nodes"},
		{"app: {replicas: 900000}\n", "app.replicas", "is not between 0 and 56320"},
		{"app: {databasePool: 262144}\n", "app.databasePool", "is not between 1 and 262143, the most connections of a PostgreSQL server"},
		{"database: {kind: external, connections: 262144}\n", "database.connections", "is not between 1 and 262143"},
		{"monitoring: {retentionDays: 36501}\n", "monitoring.retentionDays", "is not between 1 and 36500"},
		{"monitoring: {volumeGiB: 16385}\n", "monitoring.volumeGiB", "is not between 1 and 16384, the largest volume of DigitalOcean"},
		{"archive: {volumeGiB: 16385}\n", "archive.volumeGiB", "is not between 0 and 16384"},
		{"archive: {volumeGiB: -1}\n", "archive.volumeGiB", "is not between 0 and 16384"},
		{"app: {port: 65536}\n", "app.port", "is not between 1024 and 65535"},
		{"tenants: [{name: acme, passwordVersion: 1000001}]\n", "tenants[0].passwordVersion", "is not between 1 and 1000000"},
		{"budget: {monthlyUsd: 1000000.01}\n", "budget.monthlyUsd", "is not between $0.01 and $1000000.00"},
		{"budget: {monthlyUsd: -0.01}\n", "budget.monthlyUsd", "is not between $0.01 and $1000000.00"},
		{"pricing: {fixedUsd: 1000001}\n", "pricing.fixedUsd", "is not between $0.00 and $1000000.00"},
		{"pricing: {fixedUsd: -1}\n", "pricing.fixedUsd", "is not between $0.00 and $1000000.00"},
		{"pricing: {tierUsd: {growth: -1}}\n", "pricing.tierUsd.growth", "is not between $0.00 and $1000000.00"},
		{"pricing: {tierUsd: {trial: 0}}\n", "pricing.tierUsd.trial", "is no tier; the tiers are starter, growth, enterprise"},
		{"pricing: {tierUsd: {starter: \"49\"}}\n", "pricing.tierUsd.starter", "write the amount without quotes"},
		{"pricing: {tierUsd: 49}\n", "pricing.tierUsd", "write names with their values below it"},
		{"pricing: {tenantUsd: [49, 0]}\n", "pricing.tenantUsd[1]", "is not between $0.01 and $1000000.00"},
	} {
		requireFault(t, c.lines, c.path, c.text)
	}
}

func TestNoQuantityTakesLongToRefuse(t *testing.T) {
	start := time.Now()
	for _, value := range []string{"1e999999999", "1e-999999999", "1E+2147483647"} {
		assert.NotEmpty(t, faultsOf(t, fmt.Sprintf("app: {cpu: %q, memory: %[1]q}\n", value)), value)
	}
	assert.Less(t, time.Since(start), soon)
}

func TestAllocatableMemoryIsThatOfAKnownSizeAndNotMoreThanItHas(t *testing.T) {
	for entry, want := range map[string]string{
		"s-2vcpu-4gb: 3073024Ki": "", "s-2vcpu-4gb: 4Gi": "", "s-2vcpu-4gb: 1Gi": "",
		"s-2vcpu-4gb: 1023Mi": "is not between a quarter and all of the node's memory, 4096Mi", "s-2vcpu-4gb: 4097Mi": "is not between a quarter",
		"s-2vcpu-4gb: \"\"": "is not a quantity", "s-2vcpu-4gb: lots": "is not a quantity", "s-2vcpu-4gb: -3Gi": "is not a quantity",
		"huge: 3Gi": "is not a node size with a known price",
	} {
		_, err := settings.Load([]byte(least + "nodes: {allocatableMemory: {" + entry + "}}\n"))
		if want == "" {
			assert.NoError(t, err, entry)
			continue
		}
		assert.ErrorContains(t, err, "settings.nodes.allocatableMemory.", entry)
		assert.ErrorContains(t, err, want, entry)
	}
}
