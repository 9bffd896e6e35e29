package provider

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/sandbox/cloud"
)

func (d *digitalOcean) clusterKind() *kind {
	return &kind{
		inputs: []string{
			"amdGpuDeviceMetricsExporterPlugin", "amdGpuDevicePlugin", "autoUpgrade", "clusterAutoscalerConfigurations",
			"clusterSubnet", "controlPlaneFirewall", "corednsAutoscaler", "destroyAllAssociatedResources", "ha",
			"kubeconfigExpireSeconds", "maintenancePolicy", "name", "nodePool", "nvidiaGpuDevicePlugin", "p2pOciRegistryPlugin",
			"rdmaSharedDevicePlugin", "region", "registryIntegration", "routingAgent", "serviceSubnet", "ssos", "surgeUpgrade",
			"tags", "version", "vpcUuid", "workerSubnetUuid",
		},
		required: []string{"nodePool", "region", "version"}, uniqueName: true, deleteFirst: true,
		// Another size of the default pool replaces the cluster. Users lost clusters to this.
		replaceOn: []string{"region", "vpcUuid", "clusterSubnet", "serviceSubnet", "nodePool.size"},
		replaces:  replacesVersion,
		check:     checkCluster, checkCloud: d.checkClusterInCloud,
		id:      uuid(tokenCluster),
		unknown: []string{"endpoint", "kubeConfigs", "ipv4Address", "status", "createdAt", "updatedAt", "clusterUrn"},
		compute: computeCluster, onWrite: applyNodePool, secrets: []string{"kubeConfigs"},
		// Each read returns a new credential, which expires after a week.
		onRead: func(o *cloud.Object) (bool, error) {
			if configs, ok := o.Computed["kubeConfigs"].([]any); ok && len(configs) > 0 {
				configs[0].(map[string]any)["token"] = "dop_v1_" + randomText(64)
			}
			return true, readNodePool(o)
		},
		afterDelete: func(id string, old cloud.Object) error {
			all, _ := old.Inputs["destroyAllAssociatedResources"].(bool)
			return errors.Join(d.startLeaving(id, old.Inputs["vpcUuid"]), deleteCluster(d.cloud, all))
		},
	}
}

// replacesVersion returns "version" if the new version is older than the old one: a
// downgrade replaces the cluster (resource_kubernetes_cluster.go, CustomizeDiff).
func replacesVersion(olds, news resource.PropertyMap) []string {
	before, err := semver.Parse(text(olds, "version"))
	if err != nil {
		return nil
	}
	after, err := semver.Parse(text(news, "version"))
	if err == nil && after.LT(before) {
		return []string{"version"}
	}
	return nil
}

func checkCluster(name string, in resource.PropertyMap) []plugin.CheckFailure {
	failures := checkRegion(name, in)
	if size := text(unwrap(in), "nodePool", "size"); size != "" {
		if _, err := catalog.NodeBySize(size); err != nil {
			failures = append(failures, plugin.CheckFailure{Property: "nodePool", Reason: err.Error()})
		}
	}
	return failures
}

// checkClusterInCloud returns an error if the VPC does not exist, if high availability
// would be disabled, or if the version is not offered. A cluster may keep its version
// when that is no longer offered.
func (d *digitalOcean) checkClusterInCloud(in resource.PropertyMap) error {
	err := d.exists(tokenVPC, text(in, "vpcUuid"))
	version := text(in, "version")
	_, live, found := d.clusterByName(text(in, "name"))
	if found && live.Inputs["ha"] == true && in["ha"].IsBool() && !in["ha"].BoolValue() {
		// openapi, kubernetes/models/cluster.yml: once enabled it cannot be disabled.
		err = errors.Join(err, errors.New("422: high availability cannot be disabled"))
	}
	if found && live.Inputs["version"] == version || slices.Contains(d.offered(), version) {
		return err
	}
	return errors.Join(err, fmt.Errorf("422: validation error: invalid version slug %q", version))
}

// clusterByName returns the ID and object of the cluster with a name, and whether there
// is one. Names are unique in an account.
func (d *digitalOcean) clusterByName(name string) (string, cloud.Object, bool) {
	ids, _ := d.cloud.IDs(tokenCluster) // a cloud that cannot be read has no cluster
	for _, id := range ids {
		if o, found, err := d.cloud.Get(tokenCluster, id); err == nil && found && o.Inputs["name"] == name {
			return id, o, true
		}
	}
	return "", cloud.Object{}, false
}

// lookupCluster is the data source of a cluster, by name
// (datasource_kubernetes_cluster.go).
func (d *digitalOcean) lookupCluster(args resource.PropertyMap) (resource.PropertyMap, error) {
	id, o, found := d.clusterByName(text(args, "name"))
	if !found {
		return nil, fmt.Errorf("Unable to find cluster with name: %s", text(args, "name")) //nolint:staticcheck // the provider's own words
	}
	pools, err := poolList(o)
	if err != nil {
		return nil, err
	}
	out := map[string]any{"id": id, "nodePools": pools}
	for _, key := range []string{"name", "region", "version", "vpcUuid", "clusterSubnet", "serviceSubnet", "ha", "tags"} {
		out[key] = o.Inputs[key]
	}
	return resource.NewPropertyMapFromMap(out), nil
}

// poolList returns a cluster's node pools in the form of the data source.
func poolList(o cloud.Object) ([]any, error) {
	pools, err := o.NodePools()
	var out []any
	for _, pool := range pools {
		tags := make([]any, len(pool.Tags))
		for i, tag := range pool.Tags {
			tags[i] = tag
		}
		out = append(out, map[string]any{
			"id": pool.ID, "name": pool.Name, "size": pool.Size, "nodeCount": pool.Count, "actualNodeCount": pool.Count, "tags": tags,
		})
	}
	return out, err
}

func computeCluster(id string, _ resource.PropertyMap) map[string]any {
	host := fmt.Sprintf("https://%s.k8s.ondigitalocean.com", id)
	ca := base64.StdEncoding.EncodeToString([]byte(fakeCertificate("the cluster")))
	return map[string]any{
		"endpoint": host, "ipv4Address": "203.0.113.1", "status": "running",
		"createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z", "clusterUrn": "do:kubernetes:" + id,
		"kubeConfigs": []any{map[string]any{
			"host": host, "clusterCaCertificate": ca, "token": "dop_v1_" + randomText(64),
			"expiresAt": "2026-01-08T00:00:00Z", "rawConfig": "",
		}},
	}
}

// offeredVersions are the Kubernetes versions that the simulated DigitalOcean offers,
// newest first, if the cloud has no object of type cloud.TokenOffer.
var offeredVersions = []string{"1.36.1-do.0", "1.35.6-do.0", "1.34.8-do.0"}

// offered returns the Kubernetes versions that the cloud offers, newest first.
func (d *digitalOcean) offered() []string {
	o, found, err := d.cloud.Get(cloud.TokenOffer, "kubernetes")
	list, _ := o.Inputs["versions"].([]any)
	if err != nil || !found {
		return offeredVersions
	}
	var out []string
	for _, version := range list {
		out = append(out, fmt.Sprint(version))
	}
	return out
}
