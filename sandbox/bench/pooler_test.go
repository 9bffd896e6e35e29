package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPoolerTableComparesEachWayWithALoginForEachTransaction(t *testing.T) {
	var out strings.Builder
	bench{out: &out}.ways([]result{
		parseResult("BenchmarkPooler/major=17/tenants=20/way=pooler-2 1 506 ns/op 12.00 connections 1.000 failed 0 idle-connections 2.246 p50-ms 13.34 p95-ms 0 refused 4765 tried 277.3 tx/s"),
		parseResult("BenchmarkPooler/major=17/tenants=20/way=login-2 1 506 ns/op 10.00 connections 0 failed 0 idle-connections 9.620 p50-ms 16.29 p95-ms 3.000 refused 3805 tried 213.8 tx/s"),
	})
	assert.Contains(t, out.String(), "PostgreSQL 17 ")
	assert.True(t, strings.HasSuffix(out.String(), `
| 20 | PgBouncer | 277 | 1.3× | 2.2 ms | 13.3 ms | 4765 | 0 | 1 | 12 | 0 |
| 20 | direct, a login each | 214 | 1.0× | 9.6 ms | 16.3 ms | 3805 | 3 | 0 | 10 | 0 |
`), out.String())
}

func TestScheduledTableHasTheCostOfEachAdditionalTenant(t *testing.T) {
	var out strings.Builder
	bench{out: &out}.scheduled([]result{
		parseResult("BenchmarkScheduledRun/major=17/tenants=1 1 702 ns/op 0.1 job-cpu-s 0.45 seconds 0.16 server-cpu-s"),
		parseResult("BenchmarkScheduledRun/major=17/tenants=101 1 139 ns/op 0.2 job-cpu-s 0.85 seconds 0.6 server-cpu-s"),
	})
	assert.Contains(t, out.String(), "| 101 | 0.85 s | 0.20 s | 0.60 s | 0.09 % |\n\nEach additional tenant takes 4.0 ms, and 5.4 ms of CPU.\n")
}
