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

// halfAnHour is half an hour in seconds, the unit of the engine's timeouts.
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

func TestDeleteOfAVPCFailsUntilItsDeletedMembersLeft(t *testing.T) {
	a := newAccount(t)
	network := a.mustCreate(vpc, object{"region": "fra1"})
	id := a.mustCreate(database, object{
		"engine": "pg", "nodeCount": 1, "region": "fra1", "size": "db-s-1vcpu-1gb", "privateNetworkUuid": network,
	})
	require.ErrorContains(t, a.remove(vpc, network, 0), "409")
	require.NoError(t, a.remove(database, id, 0))
	require.ErrorContains(t, a.remove(vpc, network, 0), "409", "the default timeout of two minutes is too short")
	require.NoError(t, a.remove(vpc, network, halfAnHour))
	assert.Empty(t, a.ids("digitalocean:leaving/member:Member"))
}

func TestDeleteRefusesTheFirstVPCOfAFreshAccountBecauseItIsTheDefault(t *testing.T) {
	const lookup = "digitalocean:index/getVpc:getVpc"
	a := newAccount(t)
	found, err := a.invoke(lookup, object{"region": "fra1"})
	require.NoError(t, err)
	assert.Equal(t, "default-fra1", found["name"], "an account that is not fresh has a default VPC")

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

// clusterIn returns the inputs of a cluster in a VPC.
func clusterIn(network, version string) object {
	return object{"region": "fra1", "name": "c", "version": version, "vpcUuid": network, "nodePool": object{"size": "s-2vcpu-4gb", "nodeCount": 1}}
}

func TestClustersTakeOnlyOfferedVersionsAndKeepTheirOwn(t *testing.T) {
	a := newAccount(t)
	network := a.mustCreate(vpc, object{"region": "fra1"})
	_, err := a.create(cluster, clusterIn(network, "1.20.0-do.0"))
	require.ErrorContains(t, err, `invalid version slug "1.20.0-do.0"`)
	a.mustCreate(cluster, clusterIn(network, "1.34.8-do.0"))
	require.NoError(t, a.cloud.Put(cloud.TokenOffer, "kubernetes", cloud.Object{Inputs: object{"versions": []any{"1.36.1-do.0"}}}))
	update := func(version string) error {
		_, err := a.provider(cluster).Update(t.Context(), plugin.UpdateRequest{
			Type: tokens.Type(cluster), ID: idOf(a.ids(cluster)), NewInputs: props(clusterIn(network, version)),
		})
		return err
	}
	require.NoError(t, update("1.34.8-do.0"), "the cluster has that version already")
	require.ErrorContains(t, update("1.35.6-do.0"), "invalid version slug")
	require.NoError(t, update("1.36.1-do.0"))
	assert.Empty(t, a.diff(cluster, object{"version": "1.35.6-do.0"}, object{"version": "1.36.1-do.0"}).ReplaceKeys)
	down := a.diff(cluster, object{"version": "1.36.1-do.0"}, object{"version": "1.35.6-do.0"})
	assert.NotEmpty(t, down.ReplaceKeys, "an older version replaces the cluster")
	assert.True(t, down.DeleteBeforeReplace)
}

func TestDatabasesAndVolumesGrowButNeverShrink(t *testing.T) {
	a := newAccount(t)
	network := a.mustCreate(vpc, object{"region": "fra1"})
	db := func(size, version string) object {
		return object{"engine": "pg", "nodeCount": 1, "region": "fra1", "size": size, "version": version, "privateNetworkUuid": network}
	}
	a.mustCreate(database, db("db-s-1vcpu-1gb", "17"))
	disk := func(storage string) object {
		return appObject("PersistentVolumeClaim", "data", object{"spec": object{
			"accessModes": []any{"ReadWriteOnce"}, "resources": object{"requests": object{"storage": storage}},
		}})
	}
	a.mustCreate("kubernetes:core/v1:Namespace", object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": "app"}})
	a.mustCreate(claim, disk("5Gi"))
	update := func(token string, inputs object) error {
		_, err := a.provider(token).Update(t.Context(), plugin.UpdateRequest{Type: tokens.Type(token), ID: idOf(a.ids(token)), NewInputs: props(inputs)})
		return err
	}
	require.NoError(t, update(database, db("db-s-1vcpu-2gb", "18")))
	require.ErrorContains(t, update(database, db("db-s-1vcpu-1gb", "18")), "422")
	require.ErrorContains(t, update(database, db("db-s-1vcpu-2gb", "17")), "422")
	require.NoError(t, update(database, db("db-s-1vcpu-2gb", "18")))
	require.NoError(t, update(claim, disk("10Gi")))
	require.ErrorContains(t, update(claim, disk("9216Mi")), "Forbidden: field can not be less than status.capacity")
}

func TestCreateOfAFirewallRefusesMissingClustersAndInvalidAddresses(t *testing.T) {
	a := newAccount(t)
	network := a.mustCreate(vpc, object{"region": "fra1"})
	kubernetes := a.mustCreate(cluster, clusterIn(network, "1.36.1-do.0"))
	db := a.mustCreate(database, object{"engine": "pg", "nodeCount": 1, "region": "fra1", "size": "db-s-1vcpu-1gb", "privateNetworkUuid": network})
	rules := func(of ...any) object { return object{"clusterId": db, "rules": of} }
	rule := func(kind, value string) object { return object{"type": kind, "value": value} }
	_, err := a.create(firewall, rules(rule("k8s", "no-such"), rule("ip_addr", "10.100.0.0/33")))
	require.ErrorContains(t, err, "404")
	require.ErrorContains(t, err, `invalid ip_addr "10.100.0.0/33"`)
	a.mustCreate(firewall, rules(rule("k8s", kubernetes), rule("ip_addr", "10.100.0.0/16"), rule("ip_addr", "192.0.2.1")))
}

// appObject returns an object of the core API in the namespace "app".
func appObject(kind, name string, more object) object {
	out := object{"apiVersion": "v1", "kind": kind, "metadata": object{"name": name, "namespace": "app"}}
	for key, value := range more {
		out[key] = value
	}
	return out
}

func TestDiffReplacesSecretsAndConfigMapsForChangedDataUnlessTheyAreMutable(t *testing.T) {
	a := newAccount(t)
	for _, token := range []string{secret, configMap} {
		kind := token[len("kubernetes:core/v1:"):]
		before, after := appObject(kind, "x", object{"data": object{"a": "1"}}), appObject(kind, "x", object{"data": object{"a": "2"}})
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

// existingCluster is the kubeconfig of a cluster that is not in the simulated cloud.
const existingCluster = `{"clusters":[{"cluster":{"server":"https://192.0.2.1"}}],"users":[{"user":{"token":"t"}}]}`

func TestDiffOfASecretAlwaysFindsAnEmptyStringDataChanged(t *testing.T) {
	a := newAccount(t)
	empty, none := appObject("Secret", "x", object{"stringData": object{}}), appObject("Secret", "x", nil)
	assert.Equal(t, plugin.DiffSome, a.diff(secret, empty, empty).Changes)
	assert.Equal(t, plugin.DiffNone, a.diff(secret, none, none).Changes)
}

func TestCreateAdoptsAnExistingObjectOnlyWithUpsert(t *testing.T) {
	a := newAccount(t)
	a.mustCreate(namespace, restricted("app"))
	a.mustCreate(configMap, appObject("ConfigMap", "x", nil))
	_, err := a.create(configMap, appObject("ConfigMap", "x", nil))
	require.ErrorContains(t, err, "already exists")

	adopting := a.provider(configMap)
	_, err = adopting.Configure(t.Context(), plugin.ConfigureRequest{Inputs: props(object{"upsertExistingObjects": true, "kubeconfig": existingCluster})})
	require.NoError(t, err)
	_, err = adopting.Create(t.Context(), plugin.CreateRequest{
		Name: "x", Type: tokens.Type(configMap), Properties: props(appObject("ConfigMap", "x", nil)),
	})
	require.NoError(t, err)
}

func TestCreateOfAReleaseFailsWhileHelmsRecordExists(t *testing.T) {
	a := newAccount(t)
	a.mustCreate(namespace, restricted("cert-manager"))
	install := object{"chart": "cert-manager", "name": "cert-manager", "namespace": "cert-manager"}
	id := a.mustCreate(release, install)
	_, err := a.create(release, install)
	require.EqualError(t, err, "cannot re-use a name that is still in use")
	require.NoError(t, a.cloud.Delete(secret, "cert-manager/sh.helm.release.v1.cert-manager.v1"))
	read, err := a.provider(release).Read(t.Context(), plugin.ReadRequest{Type: tokens.Type(release), ID: idOf([]string{id})})
	require.NoError(t, err)
	assert.Empty(t, read.ID, "without Helm's record the release does not exist")
	a.mustCreate(release, install)
	require.NoError(t, a.remove(release, id, 0))
	assert.Empty(t, a.ids(secret))
}

// createAssociated creates a Service with a load balancer and a claim with a volume of a
// storage class.
func (a account) createAssociated(class string) {
	a.t.Helper()
	a.mustCreate(namespace, restricted("app"))
	a.mustCreate(service, appObject("Service", "web", object{"spec": object{"type": "LoadBalancer"}}))
	a.mustCreate(claim, appObject("PersistentVolumeClaim", "data", object{"spec": object{
		"storageClassName": class, "resources": object{"requests": object{"storage": "5Gi"}},
	}}))
}

func TestDeleteOfANamespaceDeletesItsVolumesUnlessTheirClassRetainsThem(t *testing.T) {
	for class, left := range map[string]int{"do-block-storage": 0, "do-block-storage-retain": 1} {
		a := newAccount(t)
		a.createAssociated(class)
		require.NoError(t, a.remove(namespace, "app", 0))
		assert.Len(t, a.ids(disk), left, class)
		assert.Empty(t, a.ids(balancer), "the namespace's Service is deleted, and its load balancer with it")
		assert.Empty(t, a.ids(claim))
	}
}

func TestDeleteOfAClusterDeletesAssociatedResourcesOnlyIfSetTo(t *testing.T) {
	for all, left := range map[bool]int{true: 0, false: 1} {
		a := newAccount(t)
		network := a.mustCreate(vpc, object{"region": "fra1"})
		inputs := clusterIn(network, "1.36.1-do.0")
		inputs["destroyAllAssociatedResources"] = all
		id := a.mustCreate(cluster, inputs)
		a.createAssociated("do-block-storage")
		require.NoError(t, a.remove(cluster, id, 0))
		assert.Empty(t, a.ids(service), "the cluster's objects are deleted in both cases")
		assert.Len(t, a.ids(balancer), left)
		assert.Len(t, a.ids(disk), left)
	}
}

func TestDatabaseSettingsNeedValuesInRangeAndAnExistingCluster(t *testing.T) {
	const config = "digitalocean:index/databasePostgresqlConfig:DatabasePostgresqlConfig"
	a := newAccount(t)
	assert.Empty(t, a.check(config, object{"clusterId": "d", "tempFileLimit": 1 << 20, "idleInTransactionSessionTimeout": 60000}))
	assert.Contains(t, a.check(config, object{"clusterId": "d", "tempFileLimit": -2}), "tempFileLimit: -2 is not between -1 and 2147483647")
	_, err := a.create(config, object{"clusterId": "d", "tempFileLimit": 1 << 20})
	require.ErrorContains(t, err, "404")
	assert.True(t, a.diff(config, object{"clusterId": "d"}, object{"clusterId": "e"}).Replace())
}
