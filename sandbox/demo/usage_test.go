package demo

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The lines are of a kubelet 1.36.1.
func TestParseSamplesReadsMemoryAndCPUOfContainers(t *testing.T) {
	const text = `# HELP container_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the container in core-seconds
container_cpu_usage_seconds_total{container="app",namespace="app",pod="app-7bdb988b6f-b7v66"} 0.243954362 1796056940576
container_memory_working_set_bytes{container="app",namespace="app",pod="app-7bdb988b6f-b7v66"} 1.7825792e+07 1796056940576
container_memory_working_set_bytes{container="exporter",namespace="pooler",pod="pooler-74788686cb-vbgk4"} 5.24288e+06 1796056940579
node_cpu_usage_seconds_total 12.5 1796056940000
`
	samples := map[string]Use{}
	require.NoError(t, parseSamples(text, samples))
	assert.Equal(t, map[string]Use{
		"app/app-7bdb988b6f-b7v66 app":            {Bytes: 17825792, CPUSeconds: 0.243954362},
		"pooler/pooler-74788686cb-vbgk4 exporter": {Bytes: 5242880},
	}, samples)
}
