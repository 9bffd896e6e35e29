package report_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/genericcorp/platform/internal/report"
)

func TestTheLargestNumbersAreRefusedSoon(t *testing.T) {
	for _, lines := range []string{
		"capacity: {concurrentUsers: 1000000}",
		"capacity: {concurrentUsers: 1000000, surviveNodeLoss: true}",
		"app: {replicas: 56320}",
		"app: {replicas: 56320, memory: 16Mi, cpu: 1m}",
		"app: {replicas: 56320, memory: 16Mi, cpu: 1m}, nodes: {count: 511}",
		"app: {replicas: 50000, memory: 16Mi, cpu: 1m}, nodes: {count: 511, size: s-4vcpu-8gb}, database: {kind: external, connections: 262143}",
		"app: {replicas: 40000, memory: 16Mi, cpu: 1m, databasePool: 1}, nodes: {count: 511}, database: {kind: external, connections: 262143}",
		"app: {replicas: 20000, memory: 16Mi, cpu: 1m, databasePool: 1}, nodes: {count: 400}, database: {kind: external, connections: 262143}",
		"app: {memory: 512Gi, cpu: \"64\"}, nodes: {count: 511}",
		"nodes: {count: 511}",
		"app: {replicas: 2000, memory: 16Mi, cpu: 1m}, database: {kind: external, connections: 262143}, capacity: {surviveNodeLoss: true}",
		"app: {replicas: 1500, memory: 16Mi, cpu: 1m}, database: {kind: external, connections: 262143}, capacity: {surviveNodeLoss: true}",
		"app: {replicas: 56320, databasePool: 262143}, database: {kind: external, connections: 262143}",
		"monitoring: {volumeGiB: 16384, retentionDays: 36500}, archive: {volumeGiB: 16384}",
		"pricing: {tenantUsd: [0.01], fixedUsd: 1000000}, budget: {monthlyUsd: 0.01}",
	} {
		start := time.Now()
		s, err := report.PlanStack("demo", []byte("config: {platform:settings: {domain: demo.genericcorp.com, zone: genericcorp.com, email: sre@genericcorp.com, "+lines+"}}"), nil)
		took := time.Since(start)
		if assert.NoError(t, err, lines) {
			assert.False(t, s.OK, lines)
		}
		// A tenth of that on an idle machine.
		assert.Less(t, took, 5*time.Second, lines)
	}
}
