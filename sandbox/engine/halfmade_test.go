package engine_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/provider"
)

// clear ends a fault that was injected.
func (f faults) clear(t *testing.T, operation string) {
	t.Helper()
	require.NoError(t, os.Remove(filepath.Join(f.folder, operation)))
}

// checkClean checks the end of every recovery in docs/operations.md: state and cloud match,
// and a preview has no changes.
func (f faults) checkClean(t *testing.T) {
	t.Helper()
	checkStateMatchesCloud(t, f)
	f.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
}

// A cloud that refuses its token leaves an incomplete stack.
func TestUpCompletesAStackThatAWrongTokenLeftIncomplete(t *testing.T) {
	for _, cloud := range []string{"digitalocean:", "cloudflare:", "kubernetes:"} {
		t.Run(cloud, func(t *testing.T) {
			t.Parallel()
			f := newFaultyStack(t, "demo")
			f.inject(t, "create", provider.FaultDown+" "+cloud)
			f.Fails(t, "up", "--yes", "--skip-preview")
			f.clear(t, "create")
			f.Succeeds(t, "up", "--yes", "--skip-preview", "--refresh")
			f.checkClean(t)
		})
	}
}

// The network to the cluster is lost during an update: resources of the clouds change,
// objects in the cluster do not.
func TestUpCompletesAnUpdateThatLostTheNetworkToTheCluster(t *testing.T) {
	t.Parallel()
	f := newFaultyStack(t, "prod")
	f.Up(t)
	f.Edit(t, "    capacity:", "    app:\n      image: ghcr.io/stefanprodan/podinfo:6.9.1\n    tenants:\n      - name: beta\n    maintenance:\n      day: monday\n    capacity:")
	for _, operation := range []string{"create", "update", "delete"} {
		f.inject(t, operation, provider.FaultDown+" kubernetes:")
	}
	out := f.Fails(t, "up", "--yes", "--skip-preview")
	assert.Contains(t, out, "KubernetesCluster platform-prod updated")
	for _, operation := range []string{"create", "update", "delete"} {
		f.clear(t, operation)
	}
	f.Succeeds(t, "up", "--yes", "--skip-preview", "--refresh")
	f.checkClean(t)
}
