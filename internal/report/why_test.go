package report_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/report"
)

// minimal plans the smallest stack file with more settings.
func minimal(t *testing.T, more ...string) report.Stack {
	t.Helper()
	return planStack(t, "demo", "config:\n  platform:settings:\n    domain: demo.genericcorp.com\n    zone: genericcorp.com\n"+
		"    email: sre@genericcorp.com\n    "+strings.Join(more, "\n    ")+"\n")
}

// tenantsSetting returns settings.tenants with n tenants.
func tenantsSetting(n int) string {
	var out strings.Builder
	out.WriteString("tenants:")
	for i := range n {
		fmt.Fprintf(&out, "\n      - name: t-%d", i)
	}
	return out.String()
}

func TestEachSizeNamesWhatDecidedIt(t *testing.T) {
	const largeBudget, standby = "budget: {monthlyUsd: 200}", "database: {standby: true}"
	for name, c := range map[string]struct {
		settings []string
		want     string
	}{
		"the smallest database": {nil, "database: 1 × db-s-1vcpu-1gb, the smallest that DigitalOcean offers"},
		"a database by its connections": {[]string{"app: {databasePool: 10}"},
			"database: 1 × db-s-1vcpu-2gb, the smallest that admits 40 connections"},
		"a database by its storage": {[]string{tenantsSetting(150)},
			"database: 1 × db-s-1vcpu-2gb, the smallest that has 9600 MiB for tenants"},
		"a database by its standby node": {[]string{largeBudget, standby},
			"database: 2 × db-s-1vcpu-2gb, the smallest that allows a standby node"},
		"a database by storage and standby node": {[]string{largeBudget, standby, tenantsSetting(150)},
			"the smallest that has 9600 MiB for tenants and allows a standby node"},
		"a pinned database": {[]string{"database: {size: db-s-1vcpu-2gb}"},
			"database: 1 × db-s-1vcpu-2gb, pinned by settings.database.size"},
		"nodes": {nil, "nodes: 1 × s-2vcpu-4gb, the cheapest on which everything fits"},
		"nodes of a pinned size": {[]string{"nodes: {size: s-4vcpu-8gb}"},
			"nodes: 1 × s-4vcpu-8gb, of the size that settings.nodes.size pins; the fewest on which everything fits"},
		"a pinned number of nodes": {[]string{"nodes: {count: 2}"},
			"as many as settings.nodes.count pins; the cheapest size on which everything fits"},
		"pinned nodes of which one may be lost": {[]string{"capacity: {surviveNodeLoss: true}", "nodes: {size: s-2vcpu-4gb, count: 2}"},
			"nodes: 2 × s-2vcpu-4gb, pinned by settings.nodes; everything fits, also with one node gone"},
		"the app by its users": {nil, "app: 2 replicas with 75m CPU and 77Mi each, for 100 concurrent users"},
		"the app by its memory": {[]string{"app: {memory: 100Mi}"},
			"100Mi each, set by settings.app.memory; the rest is for 100 concurrent users"},
		"the app by its replicas": {[]string{"app: {replicas: 1}"},
			"app: 1 replica with 150m CPU and 89Mi each, set by settings.app.replicas; the rest is for 100 concurrent users"},
		"the app by all its settings": {[]string{"app: {replicas: 2, cpu: 50m, memory: 64Mi}"},
			"set by settings.app.replicas, app.cpu, app.memory, whatever the number of users"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Contains(t, strings.Join(minimal(t, c.settings...).Why, "\n"), c.want)
		})
	}
}

func TestTextOfTheRoomNamesANextStepOnlyIfThereIsOne(t *testing.T) {
	for name, c := range map[string]struct {
		settings []string
		want     string
	}{
		"a larger plan": {nil, "more tenants; then database storage (MiB) (7232 of 7168); the next step costs " + databaseStep(t) + " a month more: 1 × s-2vcpu-4gb, 1 × db-s-1vcpu-2gb\n"},
		"no bound": {[]string{"cluster: {kind: existing}", "database: {kind: external, connections: 100000}"},
			"1000 more replicas of the app; then no known limit\n"},
		"a bound of the external database": {[]string{"cluster: {kind: existing}", "database: {kind: external, connections: 20}"},
			"then database connections (22 of 20); no plan: settings.database.connections: the stack needs 22 connections, and the database admits 20\n"},
		"the most tenants": {[]string{"cluster: {kind: existing}", "database: {kind: external}"},
			"1000 more tenants; then tenants of one stack (1000); no plan: create another stack for more tenants\n"},
		"pins that cost more than the next plan": {[]string{"budget: {monthlyUsd: 200}", "nodes: {size: s-8vcpu-16gb}", "app: {databasePool: 6}"},
			"without the pins, the plan for one more costs"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			require.NoError(t, report.New([]report.Stack{minimal(t, c.settings...)}, today).Text(&out))
			assert.Contains(t, out.String(), c.want)
		})
	}
}

func TestCompareOfAnotherKindHasNoChangeOfSizes(t *testing.T) {
	before, now := minimal(t), minimal(t, "cluster: {kind: existing}", "database: {kind: external}")
	var whats []string
	for _, change := range report.Compare(now, &before, "main").Changes {
		whats = append(whats, change.What)
	}
	assert.Equal(t, []string{"cluster.kind", "database.kind", "database.network"}, whats)
}

func TestCompareRefusesAnOlderClusterAndTheEndOfHA(t *testing.T) {
	before := minimal(t, "budget: {monthlyUsd: 200}", "cluster: {version: \"1.36\", ha: true}")
	now := minimal(t, "budget: {monthlyUsd: 200}", "cluster: {version: \"1.35\"}")
	for older, newer := range map[*report.Stack]report.Stack{&before: now, &now: before} {
		changes := report.Compare(newer, older, "main").Changes
		require.Len(t, changes, 2)
		for _, change := range changes {
			want := report.OneWay
			if older == &before {
				want = report.Refused
			}
			assert.Equal(t, want, change.Effect, change.What)
		}
	}
}
