package engine_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/cloud"
	"github.com/genericcorp/platform/sandbox/enginetest"
	"github.com/genericcorp/platform/sandbox/provider"
)

// contents returns the contents of all files of the simulated cloud, by path.
func contents(t *testing.T, s enginetest.Stack) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, path := range files(t, s) {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		out[path] = string(data)
	}
	return out
}

func TestProdLosesNothingInAnyDestroyAndCanStillBeUpdated(t *testing.T) {
	t.Parallel()
	s := newStack(t, "prod")
	s.Up(t)
	before := contents(t, s)
	for _, form := range [][]string{
		{"destroy", "--yes"}, {"destroy", "--yes", "--skip-preview"}, {"destroy", "--yes", "--skip-preview", "--continue-on-error"},
	} {
		refusal := s.Fails(t, form...)
		assert.Contains(t, refusal, "cannot be deleted", form)
		assert.Contains(t, refusal, "pulumi state unprotect", "the error must name the command that removes the protection")
		assert.Equal(t, before, contents(t, s), form)
	}
	// This form succeeds and deletes nothing.
	s.Succeeds(t, "destroy", "--yes", "--skip-preview", "--exclude-protected")
	assert.Equal(t, before, contents(t, s))
	s.Succeeds(t, "preview", "--expect-no-changes")

	s.Edit(t, "    capacity:", "    tenants:\n      - name: beta\n        plan: growth\n      - name: acme\n    capacity:")
	assert.Contains(t, s.Up(t), "route-tenants-growth created")
	s.Edit(t, "      - name: beta\n        plan: growth\n", "")
	assert.Contains(t, s.Up(t), "route-tenants-growth deleted", "the route of a plan must be deleted with its last tenant")
	s.Edit(t, "    capacity:", "    app:\n      image: ghcr.io/stefanprodan/podinfo:6.9.1\n    capacity:")
	s.Up(t)
	s.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
}

func TestDestroyOfAnUnprotectedProdKeepsItsDatabaseAndItsArchive(t *testing.T) {
	t.Parallel()
	s := newStack(t, "prod")
	s.Edit(t, "    capacity:", "    archive:\n      volumeGiB: 5\n    capacity:")
	s.Up(t)
	s.Succeeds(t, "state", "unprotect", "--all", "--yes")
	s.Succeeds(t, "destroy", "--yes", "--skip-preview")
	left := strings.Join(cloudObjects(t, s), "\n")
	for _, kept := range []string{"DatabaseCluster", "DatabaseFirewall", "DatabasePostgresqlConfig", "DatabaseDb", "DatabaseUser", "Vpc"} {
		assert.Contains(t, left, kept, "the database, its firewall and its network must stay")
	}
	assert.Len(t, cloudObjects(t, s), 6)
	disks := associated(t, s)
	require.Len(t, disks, 1, "only the archive's disk must stay, not the metrics' disk and the load balancer")
	assert.Contains(t, disks[0], "tenants~reconcile")
}

// If the API server does not answer, a destroy must not ask it: objects in the cluster are
// deleted with the cluster.
func TestDestroyOfDemoSucceedsWithoutTheAPIServer(t *testing.T) {
	t.Parallel()
	f := newFaultyStack(t, "demo")
	f.Up(t)
	f.inject(t, "delete", provider.FaultDown+" kubernetes:")
	out := f.Succeeds(t, "destroy", "--yes", "--skip-preview", "--remove")
	assert.NotContains(t, out, "injected")
	assert.Empty(t, leftInCloud(t, f.Stack))
}

func TestDestroyWaitsUntilTheNetworksMembersLeft(t *testing.T) {
	t.Parallel()
	s := newStack(t, "demo")
	s.Up(t)
	s.Succeeds(t, "destroy", "--yes", "--skip-preview")
	assert.Empty(t, leftInCloud(t, s))
}

func TestAFreshAccountNeedsADefaultVPCBeforeAnythingIsCreated(t *testing.T) {
	t.Parallel()
	s := newStack(t, "demo")
	c := cloud.At(s.CloudFolder())
	require.NoError(t, c.Put(cloud.TokenFreshAccount, "fra1", cloud.Object{}))
	for _, command := range [][]string{{"preview"}, {"up", "--yes", "--skip-preview"}} {
		assert.Contains(t, s.Fails(t, command...), "Run once: doctl vpcs create --name default-fra1 --region fra1")
	}
	assert.Empty(t, cloudObjects(t, s))
	assert.Empty(t, customResources(resources(t, s)))
	// The command gives the account a default VPC.
	require.NoError(t, c.Delete(cloud.TokenFreshAccount, "fra1"))
	s.Up(t)
	s.Succeeds(t, "destroy", "--yes", "--skip-preview", "--remove")
	assert.Empty(t, leftInCloud(t, s))
}

func TestPreviewWarnsThatTheStacksNetworkIsTheDefaultVPC(t *testing.T) {
	t.Parallel()
	s := newStack(t, "demo")
	s.Up(t)
	c := cloud.At(s.CloudFolder())
	require.NoError(t, c.Put(cloud.TokenFreshAccount, "fra1", cloud.Object{}))
	const vpc = "digitalocean:index/vpc:Vpc"
	ids, err := c.IDs(vpc)
	require.NoError(t, err)
	o, _, err := c.Get(vpc, ids[0])
	require.NoError(t, err)
	o.Computed["default"] = true
	require.NoError(t, c.Put(vpc, ids[0], o))
	out := s.Succeeds(t, "preview")
	assert.Contains(t, out, "the network platform-demo is the default VPC of fra1")
	assert.Contains(t, out, "doctl vpcs update ID --default")
}

func TestTheDatabaseIsNotCreatedBeforeTheClusterInItsTrustedSources(t *testing.T) {
	t.Parallel()
	f := newFaultyStack(t, "demo")
	f.inject(t, "create", provider.FaultDown+" KubernetesCluster")
	f.Fails(t, "up", "--yes", "--skip-preview")
	created := strings.Join(cloudObjects(t, f.Stack), "\n")
	assert.Contains(t, created, "Vpc", "the run must have begun")
	assert.NotContains(t, created, "DatabaseCluster", "without the cluster it would be open to the Internet")
}

// The archive's disk has the only dumps of purged tenants, so a change of the protection must
// not replace its claim.
func TestTheArchiveKeepsItsDiskWhenTheProtectionChanges(t *testing.T) {
	t.Parallel()
	s := newStack(t, "demo")
	s.Edit(t, "    capacity:", "    archive:\n      volumeGiB: 5\n    capacity:")
	s.Up(t)
	c := cloud.At(s.CloudFolder())
	const disk, id = "digitalocean:associated/volume:Volume", "tenants/reconcile"
	o, found, err := c.Get(disk, id)
	require.NoError(t, err)
	require.True(t, found)
	o.Inputs["dumps"] = "acme"
	require.NoError(t, c.Put(disk, id, o))
	for _, change := range [][2]string{{"    capacity:", "    protect: true\n    capacity:"}, {"    protect: true\n", ""}} {
		s.Edit(t, change[0], change[1])
		assert.NotContains(t, s.Up(t), "PersistentVolumeClaim reconcile replaced")
		s.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
		o, _, err = c.Get(disk, id)
		require.NoError(t, err)
		assert.Equal(t, "acme", o.Inputs["dumps"], "the disk must not be replaced")
	}
}

func TestRemovingProtectFromTheStackFileAllowsADestroy(t *testing.T) {
	t.Parallel()
	s := newStack(t, "prod")
	s.Up(t)
	s.Edit(t, "    protect: true\n", "")
	s.Up(t)
	s.Succeeds(t, "destroy", "--yes", "--skip-preview")
	assert.Empty(t, leftInCloud(t, s))
}
