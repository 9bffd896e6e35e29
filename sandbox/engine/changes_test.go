package engine_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/sandbox/cloud"
	"github.com/genericcorp/platform/sandbox/enginetest"
)

const clusterType = "digitalocean:index/kubernetesCluster:KubernetesCluster"

// onlyCluster returns the ID and the object of the stack's cluster in the simulated cloud.
func onlyCluster(t *testing.T, s enginetest.Stack) (string, cloud.Object) {
	t.Helper()
	c := cloud.At(s.CloudFolder())
	ids, err := c.IDs(clusterType)
	require.NoError(t, err)
	require.Len(t, ids, 1)
	o, _, err := c.Get(clusterType, ids[0])
	require.NoError(t, err)
	return ids[0], o
}

// setVersion upgrades the cluster as DigitalOcean does, without Pulumi.
func setVersion(t *testing.T, s enginetest.Stack, version string) {
	t.Helper()
	id, o := onlyCluster(t, s)
	o.Inputs["version"] = version
	require.NoError(t, cloud.At(s.CloudFolder()).Put(clusterType, id, o))
}

// setOffer sets the Kubernetes versions that the cloud offers.
func setOffer(t *testing.T, s enginetest.Stack, versions ...any) {
	t.Helper()
	require.NoError(t, cloud.At(s.CloudFolder()).Put(cloud.TokenOffer, "kubernetes", cloud.Object{Inputs: map[string]any{"versions": versions}}))
}

// checkRefused checks that previews and an update fail with the texts in wants, and that no
// object is created or deleted.
func checkRefused(t *testing.T, s enginetest.Stack, wants ...string) {
	t.Helper()
	before := contents(t, s)
	for _, command := range [][]string{{"preview"}, {"preview", "--refresh"}, {"up", "--yes", "--skip-preview"}} {
		out := s.Fails(t, command...)
		for _, want := range wants {
			assert.Contains(t, out, want)
		}
		assert.NotContains(t, out, "panic")
	}
	assert.Equal(t, len(before), len(contents(t, s)))
}

func TestMoreUsersThanTheNodesFitAreRefusedWithTheResizeCommand(t *testing.T) {
	t.Parallel()
	s := newStack(t, "demo")
	s.Up(t)
	id, _ := onlyCluster(t, s)
	s.Edit(t, "concurrentUsers: 100", "concurrentUsers: 400")
	checkRefused(t, s, "the running cluster has s-2vcpu-4gb", "go run ./cmd/ops resize -stack demo")
	after, _ := onlyCluster(t, s)
	assert.Equal(t, id, after, "the cluster must not be replaced")
}

func TestChangesThatWouldReplaceTheClusterAreAllRefusedTogether(t *testing.T) {
	t.Parallel()
	s := newStack(t, "demo")
	s.Up(t)
	s.Edit(t, "    capacity:", "    region: ams3\n    capacity:")
	s.Edit(t, "vpc: 10.10.0.0/20", "vpc: 10.30.0.0/20")
	s.Edit(t, "pods: 10.100.0.0/16", "pods: 10.110.0.0/16")
	s.Edit(t, "services: 10.101.0.0/19", "services: 10.111.0.0/19")
	checkRefused(t, s, "settings.region: the running cluster has fra1", "settings.network.vpc: the running cluster has 10.10.0.0/20",
		"settings.network.pods:", "settings.network.services:")
}

func TestUpKeepsAKubernetesPatchThatDigitalOceanInstalled(t *testing.T) {
	t.Parallel()
	s := newStack(t, "demo")
	s.Up(t)
	setVersion(t, s, "1.36.4-do.0")
	setOffer(t, s, "1.36.9-do.0")
	s.Succeeds(t, "preview", "--expect-no-changes")
	s.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
	s.Succeeds(t, "up", "--yes", "--skip-preview", "--refresh")
	_, o := onlyCluster(t, s)
	assert.Equal(t, "1.36.4-do.0", o.Inputs["version"], "an update must not install a patch outside the maintenance window")
}

func TestUpSucceedsWhenTheRunningKubernetesMinorIsNoLongerOffered(t *testing.T) {
	t.Parallel()
	s := newStack(t, "demo")
	s.Up(t)
	setOffer(t, s, "1.38.1-do.0", "1.37.2-do.0")
	s.Succeeds(t, "preview", "--expect-no-changes")
	s.Edit(t, "concurrentUsers: 100", "concurrentUsers: 60")
	s.Up(t)
	// DigitalOcean forces an upgrade: the cluster is newer than the stack file says.
	setVersion(t, s, "1.37.2-do.0")
	s.Succeeds(t, "preview", "--expect-no-changes")
	assert.NotContains(t, s.Succeeds(t, "up", "--yes", "--skip-preview", "--refresh"), "replaced")
	_, o := onlyCluster(t, s)
	assert.Equal(t, "1.37.2-do.0", o.Inputs["version"])
	// The stack file is set to that version, which changes nothing, and then to a newer one.
	s.Edit(t, "    capacity:", "    cluster:\n      version: \"1.37\"\n    capacity:")
	s.Up(t)
	s.Edit(t, `version: "1.37"`, `version: "1.38"`)
	assert.Contains(t, s.Up(t), "KubernetesCluster platform-demo updated")
	_, o = onlyCluster(t, s)
	assert.Equal(t, "1.38.1-do.0", o.Inputs["version"])
}

func TestAnOlderKubernetesMinorIsRefused(t *testing.T) {
	t.Parallel()
	s := newStack(t, "demo")
	s.Up(t)
	s.Edit(t, "    capacity:", "    cluster:\n      version: \"1.35\"\n    capacity:")
	checkRefused(t, s, `settings.cluster.version: "1.35" is older than "1.36", the version of the last update`)
}

func TestAnotherTokenChangesNothingWhenCertManagerHasItsOwn(t *testing.T) {
	t.Parallel()
	s := newStack(t, "demo")
	s.Succeeds(t, "config", "set", "--secret", "platform:certManagerToken", "certificates-token")
	s.Up(t)
	s.Env = append(s.Env, "DIGITALOCEAN_ACCESS_TOKEN=a-token-that-reads", "CLOUDFLARE_API_TOKEN=another-that-reads")
	s.Succeeds(t, "preview", "--expect-no-changes")
	s.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
}

func TestTokensInTheStacksConfigurationAreRefused(t *testing.T) {
	t.Parallel()
	s := newStack(t, "demo")
	s.Succeeds(t, "config", "set", "--secret", "digitalocean:token", "in-the-file")
	out := s.Fails(t, "up", "--yes", "--skip-preview")
	assert.Contains(t, out, "Run: pulumi config rm digitalocean:token, then export DIGITALOCEAN_ACCESS_TOKEN")
	assert.NotContains(t, out, "in-the-file")
	assert.Empty(t, cloudObjects(t, s))
}

func TestANewGrafanaPasswordUpdatesTheSecretAndRestartsThePod(t *testing.T) {
	t.Parallel()
	s := newStack(t, "demo")
	s.Up(t)
	before := grafanaPassword(t, s)
	out := s.Succeeds(t, "up", "--yes", "--skip-preview", "--replace", passwordURN(t, s))
	assert.NotEqual(t, before, grafanaPassword(t, s))
	assert.Contains(t, out, "Secret grafana-admin updated", "the Secret must be updated in place")
	assert.Contains(t, out, "Deployment grafana updated", "the Pod must restart")
}

// passwordURN returns the URN of Grafana's random password.
func passwordURN(t *testing.T, s enginetest.Stack) string {
	t.Helper()
	for urn, r := range resources(t, s) {
		if r["type"] == "random:index/randomPassword:RandomPassword" && urn[len(urn)-5:] == "admin" {
			return urn
		}
	}
	t.Fatal("the state has no random password for Grafana's admin")
	return ""
}

func TestAnAddedTenantReplacesOnlyTheJobs(t *testing.T) {
	t.Parallel()
	s := newStack(t, "demo")
	s.Up(t)
	s.Edit(t, "      - name: acme\n", "      - name: beta\n      - name: acme\n")
	replaced := 0
	for line := range strings.Lines(s.Up(t)) {
		if strings.Contains(line, "replac") && strings.Contains(line, "kubernetes:") {
			assert.Regexp(t, "kubernetes:batch/v1:Job (reconcile|confirm)", line)
			replaced++
		}
	}
	assert.Positive(t, replaced, "the Jobs must be replaced")
}

func TestAStackWithoutTenantsIsUnchangedAfterAnUpdate(t *testing.T) {
	t.Parallel()
	s := newStack(t, "prod") // declares no tenants
	s.Up(t)
	s.Succeeds(t, "preview", "--expect-no-changes")
	s.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
}

func TestHighAvailabilityCannotBeDisabled(t *testing.T) {
	t.Parallel()
	s := newStack(t, "demo")
	s.Up(t)
	id, o := onlyCluster(t, s)
	o.Inputs["ha"] = true
	require.NoError(t, cloud.At(s.CloudFolder()).Put(clusterType, id, o))
	checkRefused(t, s, "settings.cluster.ha: the running cluster has the highly available control plane")
}

// The plan knows from the last update what cannot get smaller again.
func TestADatabaseIsKeptAtItsSizeAndNothingElseShrinks(t *testing.T) {
	t.Parallel()
	s := newStack(t, "demo")
	s.Edit(t, "    app:\n", "    app:\n      databasePool: 10\n")
	s.Edit(t, "    capacity:", "    monitoring:\n      volumeGiB: 6\n    capacity:")
	assert.Contains(t, s.Up(t), "1 × db-s-1vcpu-2gb")
	s.Edit(t, "      databasePool: 10\n", "      databasePool: 2\n")
	assert.Contains(t, s.Up(t), "1 × db-s-1vcpu-2gb", "the database stays on the bill, too")
	s.Succeeds(t, "preview", "--expect-no-changes")

	outputs := filepath.Join(t.TempDir(), "outputs.json")
	require.NoError(t, os.WriteFile(outputs, []byte(s.Succeeds(t, "stack", "output", "--json")), 0o600))
	program := filepath.Join(t.TempDir(), "plan")
	out, err := exec.Command("go", "build", "-o", program, "../../cmd/plan").CombinedOutput()
	require.NoError(t, err, string(out))
	plan := exec.Command(program, "-deployed", outputs, "demo")
	plan.Dir = s.Root
	out, err = plan.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Contains(t, string(out), "database: 1 × db-s-1vcpu-2gb, kept, because a database never shrinks")

	s.Edit(t, "volumeGiB: 6", "volumeGiB: 5")
	s.Edit(t, "    capacity:", "    database:\n      size: db-s-1vcpu-1gb\n    capacity:")
	checkRefused(t, s, "settings.database.size: is db-s-1vcpu-1gb, and the running database is a db-s-1vcpu-2gb",
		"settings.monitoring.volumeGiB: is 5, and the running volume has 6 GiB")
}

func TestPreviewReportsANodePoolThatIsNotInTheBill(t *testing.T) {
	t.Parallel()
	s := newStack(t, "demo")
	s.Up(t)
	id, o := onlyCluster(t, s)
	pools, err := o.NodePools()
	require.NoError(t, err)
	require.NoError(t, o.SetNodePools(append(pools, cloud.NodePool{ID: "x", Name: "default-s-4vcpu-8gb", Size: "s-4vcpu-8gb", Count: 3}), func() string { return "n" }))
	require.NoError(t, cloud.At(s.CloudFolder()).Put(clusterType, id, o))
	out := s.Succeeds(t, "preview")
	size, err := catalog.NodeBySize("s-4vcpu-8gb")
	require.NoError(t, err)
	assert.Contains(t, out, fmt.Sprintf("another node pool, default-s-4vcpu-8gb: 3 × s-4vcpu-8gb for %s a month. It is not on the bill", 3*size.Unit))
}

func TestAnotherRegionIsRefusedBeforeItsDefaultVPCIsChecked(t *testing.T) {
	t.Parallel()
	s := newStack(t, "demo")
	s.Up(t)
	require.NoError(t, cloud.At(s.CloudFolder()).Put(cloud.TokenFreshAccount, "nyc3", cloud.Object{}))
	s.Edit(t, "    capacity:", "    region: nyc3\n    capacity:")
	out := s.Fails(t, "preview")
	assert.Contains(t, out, "settings.region: the running cluster has fra1")
	assert.NotContains(t, out, "doctl vpcs create")
}

func TestAnUpgradeByTwoKubernetesMinorsIsRefused(t *testing.T) {
	t.Parallel()
	s := newStack(t, "demo")
	s.Up(t)
	setOffer(t, s, "1.38.1-do.0", "1.37.2-do.0")
	s.Edit(t, "    capacity:", "    cluster:\n      version: \"1.38\"\n    capacity:")
	checkRefused(t, s, `the running cluster has 1.36.1-do.0, and Kubernetes is upgraded one minor at a time. Write "1.37" first`)
}

func TestSecretsSetInPlainTextAreRefused(t *testing.T) {
	t.Parallel()
	s := newStack(t, "demo")
	s.Succeeds(t, "config", "set", "--path", "platform:appEnv.STRIPE_KEY", "in-the-clear")
	s.Succeeds(t, "config", "set", "--plaintext", "platform:certManagerToken", "readable-by-all")
	out := s.Fails(t, "up", "--yes", "--skip-preview")
	assert.Contains(t, out, "platform:appEnv: is in the stack file in plain text")
	assert.Contains(t, out, "platform:certManagerToken: is in the stack file in plain text")
	assert.NotContains(t, out, "in-the-clear")
	assert.NotContains(t, out, "readable-by-all")
	assert.Empty(t, cloudObjects(t, s))
}

// docs/operations.md, "Another region or network": an empty stack is deleted and created
// again.
func TestUpCreatesTheStackInAnotherRegionAfterADestroy(t *testing.T) {
	t.Parallel()
	s := newStack(t, "demo")
	s.Up(t)
	s.Edit(t, "    capacity:", "    region: ams3\n    capacity:")
	s.Edit(t, "vpc: 10.10.0.0/20", "vpc: 10.30.0.0/20")
	s.Fails(t, "preview")
	s.Succeeds(t, "destroy", "--yes", "--skip-preview")
	s.Up(t)
	_, o := onlyCluster(t, s)
	assert.Equal(t, "ams3", o.Inputs["region"])
	s.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
}
