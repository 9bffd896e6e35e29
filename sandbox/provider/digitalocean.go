package provider

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/sandbox/cloud"
)

// digitalOcean simulates the DigitalOcean provider.
type digitalOcean struct{ cloud cloud.Cloud }

const (
	tokenCluster  = "digitalocean:index/kubernetesCluster:KubernetesCluster"
	tokenDatabase = "digitalocean:index/databaseCluster:DatabaseCluster"
	tokenVPC      = "digitalocean:index/vpc:Vpc"
)

func (*digitalOcean) configure(inputs resource.PropertyMap) error {
	if _, ok := inputs["token"]; !ok {
		return errors.New("digitalocean: no token")
	}
	return nil
}

func (d *digitalOcean) kind(token string) *kind {
	k := map[string]func() *kind{
		tokenVPC:      d.vpcKind,
		tokenCluster:  d.clusterKind,
		tokenDatabase: d.databaseKind,
		"digitalocean:index/databaseDb:DatabaseDb":             d.databaseDbKind,
		"digitalocean:index/databaseUser:DatabaseUser":         d.databaseUserKind,
		"digitalocean:index/databaseFirewall:DatabaseFirewall": d.firewallKind,
		"digitalocean:index/droplet:Droplet":                   dropletKind,
		"digitalocean:index/volume:Volume":                     volumeKind,
	}[token]
	if k == nil {
		return nil
	}
	return k()
}

func uuid(token string) func(string, resource.PropertyMap) string {
	return func(name string, _ resource.PropertyMap) string {
		h := hexID(token, name, secretText(8))
		return fmt.Sprintf("%s-%s-4%s-8%s-%s", h[0:8], h[8:12], h[13:16], h[17:20], h[20:32])
	}
}

func (d *digitalOcean) vpcKind() *kind {
	return &kind{
		inputs: []string{"description", "ipRange", "name", "region"}, required: []string{"region"},
		uniqueName: true,
		replaceOn:  []string{"ipRange", "region"}, check: checkRegion, id: uuid(tokenVPC),
		release: d.emptyVPC,
		unknown: []string{"vpcUrn", "createdAt", "default"},
		compute: func(id string, _ resource.PropertyMap) map[string]any {
			return map[string]any{"vpcUrn": "do:vpc:" + id, "createdAt": "2026-01-01T00:00:00Z", "default": false}
		},
	}
}

// emptyVPC refuses to delete a network that something is still in.
func (d *digitalOcean) emptyVPC(id string) error {
	for token, field := range map[string]string{tokenCluster: "vpcUuid", tokenDatabase: "privateNetworkUuid"} {
		members, err := d.cloud.IDs(token)
		if err != nil {
			return err
		}
		for _, member := range members {
			object, _, err := d.cloud.Get(token, member)
			if err != nil {
				return err
			}
			if object.Inputs[field] == id {
				return fmt.Errorf("409: the VPC still has %s %s as a member", token, member)
			}
		}
	}
	return nil
}

func (d *digitalOcean) clusterKind() *kind {
	return &kind{
		inputs: []string{
			"amdGpuDeviceMetricsExporterPlugin", "amdGpuDevicePlugin", "autoUpgrade", "clusterAutoscalerConfigurations",
			"clusterSubnet", "controlPlaneFirewall", "corednsAutoscaler", "destroyAllAssociatedResources", "ha",
			"kubeconfigExpireSeconds", "maintenancePolicy", "name", "nodePool", "nvidiaGpuDevicePlugin", "p2pOciRegistryPlugin",
			"rdmaSharedDevicePlugin", "region", "registryIntegration", "routingAgent", "serviceSubnet", "ssos", "surgeUpgrade",
			"tags", "version", "vpcUuid", "workerSubnetUuid",
		},
		required: []string{"nodePool", "region", "version"}, uniqueName: true,
		// A default pool of another size is another cluster: users lost theirs to it.
		replaceOn: []string{"region", "vpcUuid", "clusterSubnet", "serviceSubnet", "nodePool.size"},
		check:     checkCluster,
		admit:     func(in resource.PropertyMap) error { return d.exists(tokenVPC, text(in, "vpcUuid")) },
		id:        uuid(tokenCluster),
		unknown:   []string{"endpoint", "kubeConfigs", "ipv4Address", "status", "createdAt", "updatedAt", "clusterUrn"},
		compute:   computeCluster, onWrite: declareNodePool, secrets: []string{"kubeConfigs"},
		// The credential is a new one each time it is asked for, and dies in a week.
		onRead: func(o *cloud.Object) (bool, error) {
			if configs, ok := o.Computed["kubeConfigs"].([]any); ok && len(configs) > 0 {
				configs[0].(map[string]any)["token"] = "dop_v1_" + secretText(64)
			}
			return true, readNodePool(o)
		},
	}
}

func checkCluster(name string, in resource.PropertyMap) []plugin.CheckFailure {
	failures := checkRegion(name, in)
	in = open(in)
	if version := text(in, "version"); version != "" && !slices.Contains(offeredVersions, version) {
		failures = append(failures, plugin.CheckFailure{Property: "version", Reason: fmt.Sprintf("%q is not offered", version)})
	}
	if size := text(in, "nodePool", "size"); size != "" {
		if _, err := catalog.NodeBySize(size); err != nil {
			failures = append(failures, plugin.CheckFailure{Property: "nodePool", Reason: err.Error()})
		}
	}
	return failures
}

func computeCluster(id string, _ resource.PropertyMap) map[string]any {
	host := fmt.Sprintf("https://%s.k8s.ondigitalocean.com", id)
	ca := base64.StdEncoding.EncodeToString([]byte(certificate("the cluster")))
	return map[string]any{
		"endpoint": host, "ipv4Address": "203.0.113.1", "status": "running",
		"createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z", "clusterUrn": "do:kubernetes:" + id,
		"kubeConfigs": []any{map[string]any{
			"host": host, "clusterCaCertificate": ca, "token": "dop_v1_" + secretText(64),
			"expiresAt": "2026-01-08T00:00:00Z", "rawConfig": "",
		}},
	}
}

func dropletKind() *kind {
	return &kind{
		required: []string{"image", "region", "size"}, check: checkRegion, id: uuid("droplet"), unknown: []string{"ipv4Address"},
		compute: func(string, resource.PropertyMap) map[string]any { return map[string]any{"ipv4Address": "203.0.113.9"} },
	}
}

func volumeKind() *kind {
	return &kind{required: []string{"region", "size"}, check: checkRegion, id: uuid("volume")}
}

func checkRegion(_ string, in resource.PropertyMap) []plugin.CheckFailure {
	region := text(open(in), "region")
	if region == "" || slices.Contains(catalog.Regions, region) {
		return nil
	}
	return []plugin.CheckFailure{{Property: "region", Reason: fmt.Sprintf("%q is not a region", region)}}
}

func (d *digitalOcean) exists(token, id string) error {
	_, found, err := d.cloud.Get(token, id)
	if err == nil && !found {
		err = fmt.Errorf("404: no %s %q", token[strings.LastIndex(token, ":")+1:], id)
	}
	return err
}

// offeredVersions is what DigitalOcean is taken to offer, newest first.
var offeredVersions = []string{"1.36.1-do.0", "1.35.6-do.0", "1.34.8-do.0"}

func (d *digitalOcean) invoke(token string, args resource.PropertyMap) (resource.PropertyMap, error) {
	switch token {
	case "digitalocean:index/getKubernetesVersions:getKubernetesVersions":
		versions := make([]any, len(offeredVersions))
		for i, version := range offeredVersions {
			versions[i] = version
		}
		return resource.NewPropertyMapFromMap(map[string]any{
			"id": "versions", "latestVersion": offeredVersions[0], "validVersions": versions,
		}), nil
	case "digitalocean:index/getDatabaseCa:getDatabaseCa":
		id := text(args, "clusterId")
		return resource.NewPropertyMapFromMap(map[string]any{
			"id": id, "clusterId": id, "certificate": certificate("the database"),
		}), nil
	}
	return nil, fmt.Errorf("the sandbox does not simulate %s", token)
}

// certificate has the form of one.
func certificate(of string) string {
	body := base64.StdEncoding.EncodeToString([]byte("certificate authority of " + of))
	return "-----BEGIN CERTIFICATE-----\n" + body + "\n-----END CERTIFICATE-----\n"
}
