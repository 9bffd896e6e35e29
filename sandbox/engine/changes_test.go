package engine_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/cloud"
	"github.com/genericcorp/platform/sandbox/enginetest"
)

const clusterType = "digitalocean:index/kubernetesCluster:KubernetesCluster"

// theCluster is the stack's cluster in the simulated cloud.
func theCluster(t *testing.T, s enginetest.Stack) (string, cloud.Object) {
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
	id, o := theCluster(t, s)
	o.Inputs["version"] = version
	require.NoError(t, cloud.At(s.CloudFolder()).Put(clusterType, id, o))
}

func offer(t *testing.T, s enginetest.Stack, versions ...any) {
	t.Helper()
	require.NoError(t, cloud.At(s.CloudFolder()).Put(cloud.TokenOffer, "kubernetes", cloud.Object{Inputs: map[string]any{"versions": versions}}))
}

// refused checks that neither a preview nor an update does anything.
func refused(t *testing.T, s enginetest.Stack, wants ...string) {
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

func TestMoreUsersThanTheNodesBearAreRefusedWithTheCommandThatResizes(t *testing.T) {
	t.Parallel()
	s := sandbox(t, "demo")
	s.Up(t)
	id, _ := theCluster(t, s)
	s.Edit(t, "concurrentUsers: 100", "concurrentUsers: 300")
	refused(t, s, "the running cluster has s-2vcpu-4gb", "go run ./cmd/ops resize -stack demo")
	after, _ := theCluster(t, s)
	assert.Equal(t, id, after, "it is the same cluster")
}

func TestWhatAClusterCannotChangeIsRefusedAllAtOnce(t *testing.T) {
	t.Parallel()
	s := sandbox(t, "demo")
	s.Up(t)
	s.Edit(t, "    capacity:", "    region: ams3\n    capacity:")
	s.Edit(t, "vpc: 10.10.0.0/20", "vpc: 10.30.0.0/20")
	s.Edit(t, "pods: 10.100.0.0/16", "pods: 10.110.0.0/16")
	s.Edit(t, "services: 10.101.0.0/19", "services: 10.111.0.0/19")
	refused(t, s, "settings.region: the running cluster has fra1", "settings.network.vpc: the running cluster has 10.10.0.0/20",
		"settings.network.pods:", "settings.network.services:")
}

func TestAPatchThatDigitalOceanInstalledIsKept(t *testing.T) {
	t.Parallel()
	s := sandbox(t, "demo")
	s.Up(t)
	setVersion(t, s, "1.36.4-do.0")
	offer(t, s, "1.36.9-do.0")
	s.Succeeds(t, "preview", "--expect-no-changes")
	s.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
	s.Succeeds(t, "up", "--yes", "--skip-preview", "--refresh")
	_, o := theCluster(t, s)
	assert.Equal(t, "1.36.4-do.0", o.Inputs["version"], "no update installs a patch outside of the maintenance window")
}

func TestAMinorThatIsNoLongerOfferedStopsNothingOnARunningStack(t *testing.T) {
	t.Parallel()
	s := sandbox(t, "demo")
	s.Up(t)
	offer(t, s, "1.38.1-do.0", "1.37.2-do.0")
	s.Succeeds(t, "preview", "--expect-no-changes")
	s.Edit(t, "concurrentUsers: 100", "concurrentUsers: 60")
	s.Up(t)
	// DigitalOcean forces an upgrade: the cluster is newer than the stack file says.
	setVersion(t, s, "1.37.2-do.0")
	s.Succeeds(t, "preview", "--expect-no-changes")
	assert.NotContains(t, s.Succeeds(t, "up", "--yes", "--skip-preview", "--refresh"), "replaced")
	_, o := theCluster(t, s)
	assert.Equal(t, "1.37.2-do.0", o.Inputs["version"])
	// The file follows: nothing to do. Then it asks for more.
	s.Edit(t, "    capacity:", "    cluster:\n      version: \"1.37\"\n    capacity:")
	s.Up(t)
	s.Edit(t, `version: "1.37"`, `version: "1.38"`)
	assert.Contains(t, s.Up(t), "KubernetesCluster platform-demo updated")
	_, o = theCluster(t, s)
	assert.Equal(t, "1.38.1-do.0", o.Inputs["version"])
}

func TestAnOlderKubernetesMinorIsRefused(t *testing.T) {
	t.Parallel()
	s := sandbox(t, "demo")
	s.Up(t)
	s.Edit(t, "    capacity:", "    cluster:\n      version: \"1.35\"\n    capacity:")
	refused(t, s, `settings.cluster.version: "1.35" is older than "1.36", which the cluster was brought to`)
}

func TestAnotherTokenIsNoChangeWhereCertManagerHasItsOwn(t *testing.T) {
	t.Parallel()
	s := sandbox(t, "demo")
	s.Succeeds(t, "config", "set", "--secret", "platform:certManagerToken", "certificates-token")
	s.Up(t)
	s.Env = append(s.Env, "DIGITALOCEAN_ACCESS_TOKEN=a-token-that-reads", "CLOUDFLARE_API_TOKEN=another-that-reads")
	s.Succeeds(t, "preview", "--expect-no-changes")
	s.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
}

func TestTokensInTheStacksConfigurationAreRefused(t *testing.T) {
	t.Parallel()
	s := sandbox(t, "demo")
	s.Succeeds(t, "config", "set", "--secret", "digitalocean:token", "in-the-file")
	out := s.Fails(t, "up", "--yes", "--skip-preview")
	assert.Contains(t, out, "Run: pulumi config rm digitalocean:token, then export DIGITALOCEAN_ACCESS_TOKEN")
	assert.NotContains(t, out, "in-the-file")
	assert.Empty(t, things(t, s))
}

func TestAnotherGrafanaPasswordReachesTheRunningPod(t *testing.T) {
	t.Parallel()
	s := sandbox(t, "demo")
	s.Up(t)
	before := grafanaPassword(t, s)
	out := s.Succeeds(t, "up", "--yes", "--skip-preview", "--replace", passwordURN(t, s))
	assert.NotEqual(t, before, grafanaPassword(t, s))
	assert.Contains(t, out, "Secret grafana-admin updated", "the Secret is changed in place")
	assert.Contains(t, out, "Deployment grafana updated", "and the Pod starts anew")
}

func passwordURN(t *testing.T, s enginetest.Stack) string {
	t.Helper()
	for urn, r := range resources(t, s) {
		if r["type"] == "random:index/randomPassword:RandomPassword" && urn[len(urn)-5:] == "admin" {
			return urn
		}
	}
	t.Fatal("Grafana has no password")
	return ""
}

func TestOneMoreTenantReplacesTheJobsAlone(t *testing.T) {
	t.Parallel()
	s := sandbox(t, "demo")
	s.Up(t)
	s.Edit(t, "      - name: acme\n", "      - name: beta\n      - name: acme\n")
	for line := range strings.Lines(s.Up(t)) {
		if strings.Contains(line, "replac") && strings.Contains(line, "kubernetes:") {
			assert.Regexp(t, "kubernetes:batch/v1:Job (reconcile|confirm)", line)
		}
	}
}

func TestAStackWithoutTenantsIsUnchangedAfterAnUpdate(t *testing.T) {
	t.Parallel()
	s := sandbox(t, "prod") // it has none
	s.Up(t)
	s.Succeeds(t, "preview", "--expect-no-changes")
	s.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
}

func TestHAIsNotTurnedOff(t *testing.T) {
	t.Parallel()
	s := sandbox(t, "demo")
	s.Up(t)
	id, o := theCluster(t, s)
	o.Inputs["ha"] = true
	require.NoError(t, cloud.At(s.CloudFolder()).Put(clusterType, id, o))
	refused(t, s, "settings.cluster.ha: the running cluster has the highly available control plane")
}

func TestANodePoolThatIsNotOnTheBillIsReported(t *testing.T) {
	t.Parallel()
	s := sandbox(t, "demo")
	s.Up(t)
	id, o := theCluster(t, s)
	pools, err := o.NodePools()
	require.NoError(t, err)
	require.NoError(t, o.SetNodePools(append(pools, cloud.NodePool{ID: "x", Name: "default-s-4vcpu-8gb", Size: "s-4vcpu-8gb", Count: 3}), func() string { return "n" }))
	require.NoError(t, cloud.At(s.CloudFolder()).Put(clusterType, id, o))
	out := s.Succeeds(t, "preview")
	assert.Contains(t, out, "another node pool, default-s-4vcpu-8gb: 3 × s-4vcpu-8gb for $144.00 a month. It is not on the bill")
}

func TestAnotherRegionIsRefusedBeforeAnythingIsAskedOfItsAccount(t *testing.T) {
	t.Parallel()
	s := sandbox(t, "demo")
	s.Up(t)
	require.NoError(t, cloud.At(s.CloudFolder()).Put(cloud.TokenFreshAccount, "nyc3", cloud.Object{}))
	s.Edit(t, "    capacity:", "    region: nyc3\n    capacity:")
	out := s.Fails(t, "preview")
	assert.Contains(t, out, "settings.region: the running cluster has fra1")
	assert.NotContains(t, out, "doctl vpcs create")
}

func TestKubernetesIsUpgradedOneMinorAtATime(t *testing.T) {
	t.Parallel()
	s := sandbox(t, "demo")
	s.Up(t)
	offer(t, s, "1.38.1-do.0", "1.37.2-do.0")
	s.Edit(t, "    capacity:", "    cluster:\n      version: \"1.38\"\n    capacity:")
	refused(t, s, `the running cluster has 1.36.1-do.0, and Kubernetes is upgraded one minor at a time. Write "1.37" first`)
}

func TestSecretsSetInPlainTextAreRefused(t *testing.T) {
	t.Parallel()
	s := sandbox(t, "demo")
	s.Succeeds(t, "config", "set", "--path", "platform:appEnv.STRIPE_KEY", "in-the-clear")
	s.Succeeds(t, "config", "set", "--plaintext", "platform:certManagerToken", "readable-by-all")
	out := s.Fails(t, "up", "--yes", "--skip-preview")
	assert.Contains(t, out, "platform:appEnv: is in the stack file in plain text")
	assert.Contains(t, out, "platform:certManagerToken: is in the stack file in plain text")
	assert.NotContains(t, out, "in-the-clear")
	assert.NotContains(t, out, "readable-by-all")
	assert.Empty(t, things(t, s))
}

// docs/operations.md, "Another region or network": an empty stack is taken down and
// brought up again.
func TestAnotherRegionComesAfterTheStackWasTakenDown(t *testing.T) {
	t.Parallel()
	s := sandbox(t, "demo")
	s.Up(t)
	s.Edit(t, "    capacity:", "    region: ams3\n    capacity:")
	s.Edit(t, "vpc: 10.10.0.0/20", "vpc: 10.30.0.0/20")
	s.Fails(t, "preview")
	s.Succeeds(t, "destroy", "--yes", "--skip-preview")
	s.Up(t)
	_, o := theCluster(t, s)
	assert.Equal(t, "ams3", o.Inputs["region"])
	s.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
}
