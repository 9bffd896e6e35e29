package engine_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/provider"
)

// lift ends a fault that was ordered.
func (f faults) lift(t *testing.T, operation string) {
	t.Helper()
	require.NoError(t, os.Remove(filepath.Join(f.folder, operation)))
}

// clean checks what every way back in docs/operations.md has to end in.
func (f faults) clean(t *testing.T) {
	t.Helper()
	nothingLost(t, f)
	f.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
}

// A token that one cloud refuses leaves a stack half made. With the right one the
// next run finishes it.
func TestAStackThatAWrongTokenLeftHalfMadeIsFinished(t *testing.T) {
	for _, cloud := range []string{"digitalocean:", "cloudflare:", "kubernetes:"} {
		t.Run(cloud, func(t *testing.T) {
			t.Parallel()
			f := withFaults(t, "demo")
			f.order(t, "create", provider.FaultDown+" "+cloud)
			f.Fails(t, "up", "--yes", "--skip-preview")
			f.lift(t, "create")
			f.Succeeds(t, "up", "--yes", "--skip-preview", "--refresh")
			f.clean(t)
		})
	}
}

// The network is lost in the middle of an update: the clouds' own things are
// changed, what is in the cluster is not.
func TestAnUpdateThatLostTheNetworkIsFinished(t *testing.T) {
	t.Parallel()
	f := withFaults(t, "prod")
	f.Up(t)
	f.Edit(t, "    capacity:", "    app:\n      image: ghcr.io/stefanprodan/podinfo:6.9.1\n    tenants:\n      - name: beta\n    maintenance:\n      day: monday\n    capacity:")
	for _, operation := range []string{"create", "update", "delete"} {
		f.order(t, operation, provider.FaultDown+" kubernetes:")
	}
	out := f.Fails(t, "up", "--yes", "--skip-preview")
	assert.Contains(t, out, "KubernetesCluster platform-prod updated")
	for _, operation := range []string{"create", "update", "delete"} {
		f.lift(t, operation)
	}
	f.Succeeds(t, "up", "--yes", "--skip-preview", "--refresh")
	f.clean(t)
}
