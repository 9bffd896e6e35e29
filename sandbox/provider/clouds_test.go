package provider_test

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/cloud"
)

const (
	secret  = "kubernetes:core/v1:Secret"
	service = "kubernetes:core/v1:Service"
	claim   = "kubernetes:core/v1:PersistentVolumeClaim"
	release = "kubernetes:helm.sh/v3:Release"

	balancer = "digitalocean:associated/loadBalancer:LoadBalancer"
	disk     = "digitalocean:associated/volume:Volume"
)

// halfAnHour is in seconds, as the engine passes a timeout.
const halfAnHour = 1800

func (a account) mustCreate(token string, inputs object) string {
	a.t.Helper()
	id, err := a.create(token, inputs)
	require.NoError(a.t, err)
	return id
}

func (a account) ids(token string) []string {
	a.t.Helper()
	out, err := a.cloud.IDs(token)
	require.NoError(a.t, err)
	return out
}

func TestMembersLeaveAVPCAfterTheyAreDeletedAndLaterThanTheDefaultTimeout(t *testing.T) {
	a := newAccount(t)
	network := a.mustCreate(vpc, object{"region": "fra1"})
	id := a.mustCreate(database, object{
		"engine": "pg", "nodeCount": 1, "region": "fra1", "size": "db-s-1vcpu-1gb", "privateNetworkUuid": network,
	})
	require.ErrorContains(t, a.remove(vpc, network, 0), "409")
	require.NoError(t, a.remove(database, id, 0))
	require.ErrorContains(t, a.remove(vpc, network, 0), "409", "two minutes are too short")
	require.NoError(t, a.remove(vpc, network, halfAnHour))
	assert.Empty(t, a.ids("digitalocean:leaving/member:Member"))
}

func TestTheFirstVPCOfAFreshAccountIsTheDefaultAndStays(t *testing.T) {
	const lookup = "digitalocean:index/getVpc:getVpc"
	a := newAccount(t)
	found, err := a.invoke(lookup, object{"region": "fra1"})
	require.NoError(t, err)
	assert.Equal(t, "default-fra1", found["name"], "an ordinary account has one")

	require.NoError(t, a.cloud.Put(cloud.TokenFreshAccount, "fra1", cloud.Object{}))
	_, err = a.invoke(lookup, object{"region": "fra1"})
	require.ErrorContains(t, err, "unable to find default VPC in fra1 region")
	first := a.mustCreate(vpc, object{"region": "fra1", "name": "first"})
	second := a.mustCreate(vpc, object{"region": "fra1", "name": "second"})
	found, err = a.invoke(lookup, object{"region": "fra1"})
	require.NoError(t, err)
	assert.Equal(t, "first", found["name"])
	require.NoError(t, a.remove(vpc, second, 1))
	require.ErrorContains(t, a.remove(vpc, first, 1), "403: Error deleting VPC: Can not delete default VPCs")
}

func clusterOf(network, version string) object {
	return object{"region": "fra1", "name": "c", "version": version, "vpcUuid": network, "nodePool": object{"size": "s-2vcpu-4gb", "nodeCount": 1}}
}

func TestAKubernetesVersionIsOfferedOrKept(t *testing.T) {
	a := newAccount(t)
	network := a.mustCreate(vpc, object{"region": "fra1"})
	_, err := a.create(cluster, clusterOf(network, "1.20.0-do.0"))
	require.ErrorContains(t, err, `invalid version slug "1.20.0-do.0"`)
	a.mustCreate(cluster, clusterOf(network, "1.34.8-do.0"))
	require.NoError(t, a.cloud.Put(cloud.TokenOffer, "kubernetes", cloud.Object{Inputs: object{"versions": []any{"1.36.1-do.0"}}}))
	update := func(version string) error {
		_, err := a.provider(cluster).Update(t.Context(), plugin.UpdateRequest{
			Type: tokens.Type(cluster), ID: idOf(a.ids(cluster)), NewInputs: props(clusterOf(network, version)),
		})
		return err
	}
	require.NoError(t, update("1.34.8-do.0"), "it has that version already")
	require.ErrorContains(t, update("1.35.6-do.0"), "invalid version slug")
	require.NoError(t, update("1.36.1-do.0"))
	assert.Empty(t, a.diff(cluster, object{"version": "1.35.6-do.0"}, object{"version": "1.36.1-do.0"}).ReplaceKeys)
	down := a.diff(cluster, object{"version": "1.36.1-do.0"}, object{"version": "1.35.6-do.0"})
	assert.NotEmpty(t, down.ReplaceKeys, "an older version is another cluster")
	assert.True(t, down.DeleteBeforeReplace)
}

func TestTrustedSourcesAreClustersThatExistOrAddresses(t *testing.T) {
	a := newAccount(t)
	network := a.mustCreate(vpc, object{"region": "fra1"})
	kubernetes := a.mustCreate(cluster, clusterOf(network, "1.36.1-do.0"))
	db := a.mustCreate(database, object{"engine": "pg", "nodeCount": 1, "region": "fra1", "size": "db-s-1vcpu-1gb", "privateNetworkUuid": network})
	rules := func(of ...any) object { return object{"clusterId": db, "rules": of} }
	rule := func(kind, value string) object { return object{"type": kind, "value": value} }
	_, err := a.create(firewall, rules(rule("k8s", "no-such"), rule("ip_addr", "10.100.0.0/33")))
	require.ErrorContains(t, err, "404")
	require.ErrorContains(t, err, `invalid ip_addr "10.100.0.0/33"`)
	a.mustCreate(firewall, rules(rule("k8s", kubernetes), rule("ip_addr", "10.100.0.0/16"), rule("ip_addr", "192.0.2.1")))
}

func named(kind, name string, more object) object {
	out := object{"apiVersion": "v1", "kind": kind, "metadata": object{"name": name, "namespace": "app"}}
	for key, value := range more {
		out[key] = value
	}
	return out
}

func TestChangedDataReplacesSecretsAndConfigMapsUnlessTheyAreMutable(t *testing.T) {
	a := newAccount(t)
	for _, token := range []string{secret, configMap} {
		kind := token[len("kubernetes:core/v1:"):]
		before, after := named(kind, "x", object{"data": object{"a": "1"}}), named(kind, "x", object{"data": object{"a": "2"}})
		result := a.diff(token, before, after)
		assert.NotEmpty(t, result.ReplaceKeys, kind)
		assert.True(t, result.DeleteBeforeReplace, kind)

		mutable := a.provider(token)
		_, err := mutable.Configure(t.Context(), plugin.ConfigureRequest{Inputs: props(object{
			"enableSecretMutable": true, "enableConfigMapMutable": true, "kubeconfig": existingCluster,
		})})
		require.NoError(t, err)
		updated, err := mutable.Diff(t.Context(), plugin.DiffRequest{Type: tokens.Type(token), OldInputs: props(before), NewInputs: props(after)})
		require.NoError(t, err)
		assert.Equal(t, plugin.DiffSome, updated.Changes, kind)
		assert.Empty(t, updated.ReplaceKeys, kind)
	}
}

const existingCluster = `{"clusters":[{"cluster":{"server":"https://192.0.2.1"}}],"users":[{"user":{"token":"t"}}]}`

func TestAnEmptyStringDataIsAChangeForEver(t *testing.T) {
	a := newAccount(t)
	empty, none := named("Secret", "x", object{"stringData": object{}}), named("Secret", "x", nil)
	assert.Equal(t, plugin.DiffSome, a.diff(secret, empty, empty).Changes)
	assert.Equal(t, plugin.DiffNone, a.diff(secret, none, none).Changes)
}

func TestAnObjectThatExistsIsAdoptedOnlyWhenTheProviderIsToldTo(t *testing.T) {
	a := newAccount(t)
	a.mustCreate(namespace, restricted("app"))
	a.mustCreate(configMap, named("ConfigMap", "x", nil))
	_, err := a.create(configMap, named("ConfigMap", "x", nil))
	require.ErrorContains(t, err, "already exists")

	adopting := a.provider(configMap)
	_, err = adopting.Configure(t.Context(), plugin.ConfigureRequest{Inputs: props(object{"upsertExistingObjects": true, "kubeconfig": existingCluster})})
	require.NoError(t, err)
	_, err = adopting.Create(t.Context(), plugin.CreateRequest{
		Name: "x", Type: tokens.Type(configMap), Properties: props(named("ConfigMap", "x", nil)),
	})
	require.NoError(t, err)
}

func TestHelmRefusesANameThatItsRecordHas(t *testing.T) {
	a := newAccount(t)
	a.mustCreate(namespace, restricted("cert-manager"))
	install := object{"chart": "cert-manager", "name": "cert-manager", "namespace": "cert-manager"}
	id := a.mustCreate(release, install)
	_, err := a.create(release, install)
	require.EqualError(t, err, "cannot re-use a name that is still in use")
	require.NoError(t, a.cloud.Delete(secret, "cert-manager/sh.helm.release.v1.cert-manager.v1"))
	read, err := a.provider(release).Read(t.Context(), plugin.ReadRequest{Type: tokens.Type(release), ID: idOf([]string{id})})
	require.NoError(t, err)
	assert.Empty(t, read.ID, "without its record Helm knows no release")
	a.mustCreate(release, install)
	require.NoError(t, a.remove(release, id, 0))
	assert.Empty(t, a.ids(secret))
}

// orders are a load balancer and two volumes that Kubernetes orders.
func (a account) orders(class string) {
	a.t.Helper()
	a.mustCreate(namespace, restricted("app"))
	a.mustCreate(service, named("Service", "web", object{"spec": object{"type": "LoadBalancer"}}))
	a.mustCreate(claim, named("PersistentVolumeClaim", "data", object{"spec": object{
		"storageClassName": class, "resources": object{"requests": object{"storage": "5Gi"}},
	}}))
}

func TestOrderedVolumesGoWithTheirClaimUnlessTheirClassRetainsThem(t *testing.T) {
	for class, left := range map[string]int{"do-block-storage": 0, "do-block-storage-retain": 1} {
		a := newAccount(t)
		a.orders(class)
		require.NoError(t, a.remove(namespace, "app", 0))
		assert.Len(t, a.ids(disk), left, class)
		assert.Empty(t, a.ids(balancer), "the Service went with its namespace")
		assert.Empty(t, a.ids(claim))
	}
}

func TestAClusterTakesItsOrdersAlongOnlyWhenItIsToldTo(t *testing.T) {
	for all, left := range map[bool]int{true: 0, false: 1} {
		a := newAccount(t)
		network := a.mustCreate(vpc, object{"region": "fra1"})
		inputs := clusterOf(network, "1.36.1-do.0")
		inputs["destroyAllAssociatedResources"] = all
		id := a.mustCreate(cluster, inputs)
		a.orders("do-block-storage")
		require.NoError(t, a.remove(cluster, id, 0))
		assert.Empty(t, a.ids(service), "its objects are gone either way")
		assert.Len(t, a.ids(balancer), left)
		assert.Len(t, a.ids(disk), left)
	}
}

func TestADatabasesSettingsAreHeldToTheirRangesAndBelongToACluster(t *testing.T) {
	const config = "digitalocean:index/databasePostgresqlConfig:DatabasePostgresqlConfig"
	a := newAccount(t)
	assert.Empty(t, a.check(config, object{"clusterId": "d", "tempFileLimit": 1 << 20, "idleInTransactionSessionTimeout": 60000}))
	assert.Contains(t, a.check(config, object{"clusterId": "d", "tempFileLimit": -2}), "tempFileLimit: -2 is not between -1 and 2147483647")
	_, err := a.create(config, object{"clusterId": "d", "tempFileLimit": 1 << 20})
	require.ErrorContains(t, err, "404")
	assert.True(t, a.diff(config, object{"clusterId": "d"}, object{"clusterId": "e"}).Replace())
}
