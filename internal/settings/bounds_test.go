package settings_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
)

// numbers has the least and the most of every number of the settings, by its path. The lines set it.
var numbers = map[string]struct {
	lines       string
	least, most int
}{
	"capacity.concurrentUsers":   {"capacity: {concurrentUsers: %d}", 1, 1_000_000},
	"capacity.requestsPerMinute": {"capacity: {requestsPerMinute: %d}", 1, 600},
	"nodes.count":                {"nodes: {count: %d}", 0, 512},
	"database.connections":       {"database: {kind: external, connections: %d}", 1, 1<<18 - 1},
	"app.port":                   {"app: {port: %d}", 1024, 65535},
	"app.replicas":               {"app: {replicas: %d}", 0, 512 * 110},
	"app.responseKiB":            {"app: {responseKiB: %d}", 1, 65536},
	"app.databasePool":           {"app: {databasePool: %d}", 1, 1<<18 - 1},
	"monitoring.retentionDays":   {"monitoring: {retentionDays: %d}", 1, 36500},
	"monitoring.volumeGiB":       {"monitoring: {volumeGiB: %d}", 1, 16384},
	"archive.volumeGiB":          {"archive: {volumeGiB: %d}", 0, 16384},
	"tenants.passwordVersion":    {"tenants: [{name: acme, passwordVersion: %d}]", 1, 1_000_000},
}

func TestEachNumberHasBoundsAndBothSidesOfThemAreChecked(t *testing.T) {
	for path, n := range numbers {
		for value, ok := range map[int]bool{n.least - 1: false, n.least: true, n.most: true, n.most + 1: false} {
			at := "settings." + strings.Replace(path, "tenants.", "tenants[0].", 1)
			faulty := slices.ContainsFunc(faultsOf(t, fmt.Sprintf(n.lines, value)+"\n"), func(f settings.Fault) bool { return f.Path == at })
			assert.Equal(t, !ok, faulty, "%s: %d", path, value)
		}
	}
	for _, path := range numbersOf(reflect.TypeFor[settings.Settings](), "") {
		_, bounded := numbers[path]
		assert.True(t, bounded || path == "alerts.latencyMs", "%s: a number without bounds; latencyMs is one of settings.Latencies", path)
	}
}

// numbersOf returns the paths of the numbers of a type that a stack file can set. An amount of money
// is no number here.
func numbersOf(of reflect.Type, prefix string) []string {
	var out []string
	for i := range of.NumField() {
		field := of.Field(i)
		key, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if key == "-" {
			continue
		}
		is := field.Type
		if is.Kind() == reflect.Slice {
			is = is.Elem()
		}
		switch {
		case is.Kind() == reflect.Struct:
			out = append(out, numbersOf(is, prefix+key+".")...)
		case is.Kind() == reflect.Int:
			out = append(out, prefix+key)
		}
	}
	return out
}

func TestAStackHoldsMaxTenantsAndNotOneMore(t *testing.T) {
	var entries strings.Builder
	for n := range settings.MaxTenants {
		fmt.Fprintf(&entries, "  - {name: t%d}\n", n)
	}
	most := least + "tenants:\n" + entries.String()
	_, err := settings.Load([]byte(most))
	require.NoError(t, err)
	_, err = settings.Load([]byte(most + "  - {name: more}\n"))
	require.ErrorContains(t, err, "settings.tenants: has 1001 entries; a stack can have at most 1000")
}

func TestATenantsHostHasAtMost253Characters(t *testing.T) {
	zone := strings.Repeat("abcdefghi.", 24) + "example.com" // 251 characters
	load := func(name string) error {
		_, err := settings.Load([]byte(strings.ReplaceAll(least, "demo.example.com", zone) + "tenants: [{name: " + name + "}]\n"))
		return err
	}
	assert.NotContains(t, fmt.Sprint(load("a")), "makes a host of", "253 characters")
	require.ErrorContains(t, load("ab"), "settings.tenants[0].name: makes a host of 254 characters")
}
