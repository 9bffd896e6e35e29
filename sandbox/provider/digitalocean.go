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
		compute:   computeCluster, secrets: []string{"kubeConfigs"},
		// The credential is a new one each time it is asked for, and dies in a week.
		onRead: func(o *cloud.Object) {
			if configs, ok := o.Computed["kubeConfigs"].([]any); ok && len(configs) > 0 {
				configs[0].(map[string]any)["token"] = "dop_v1_" + secretText(64)
			}
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

func (d *digitalOcean) databaseKind() *kind {
	return &kind{
		inputs: []string{
			"backupRestore", "engine", "evictionPolicy", "maintenanceWindows", "name", "nodeCount", "privateNetworkUuid",
			"projectId", "region", "size", "sqlMode", "storageAutoscale", "storageSizeMib", "tags", "version",
		},
		required: []string{"engine", "nodeCount", "region", "size"}, uniqueName: true,
		replaceOn: []string{"engine", "name"},
		check:     checkDatabase,
		admit:     func(in resource.PropertyMap) error { return d.exists(tokenVPC, text(in, "privateNetworkUuid")) },
		id:        uuid(tokenDatabase),
		unknown: []string{
			"clusterUrn", "database", "host", "metricsEndpoints", "password", "port", "privateHost", "privateUri", "uri", "user",
		},
		compute: computeDatabase, secrets: []string{"password", "privateUri", "uri"},
	}
}

func checkDatabase(name string, in resource.PropertyMap) []plugin.CheckFailure {
	failures := checkRegion(name, in)
	in = open(in)
	size, err := catalog.DatabaseBySize(text(in, "size"))
	if err != nil {
		failures = append(failures, plugin.CheckFailure{Property: "size", Reason: err.Error()})
	} else if nodes := in["nodeCount"]; nodes.IsNumber() && int(nodes.NumberValue()) > size.MaxNodes {
		failures = append(failures, plugin.CheckFailure{Property: "nodeCount", Reason: "the size has no standby nodes"})
	}
	return failures
}

func computeDatabase(id string, in resource.PropertyMap) map[string]any {
	host, password := text(in, "name")+"-do-user-1-0.db.ondigitalocean.com", "AVNS_"+secretText(20)
	uri := func(host string) string {
		return fmt.Sprintf("postgresql://doadmin:%s@%s:25060/defaultdb?sslmode=require", password, host)
	}
	return map[string]any{
		"clusterUrn": "do:dbaas:" + id, "database": "defaultdb", "host": host, "metricsEndpoints": []any{},
		"password": password, "port": 25060, "privateHost": "private-" + host,
		"privateUri": uri("private-" + host), "uri": uri(host), "user": "doadmin",
	}
}

func (d *digitalOcean) inDatabase(in resource.PropertyMap) error {
	return d.exists(tokenDatabase, text(in, "clusterId"))
}

func (d *digitalOcean) databaseDbKind() *kind {
	return &kind{
		inputs: []string{"clusterId", "name"}, required: []string{"clusterId"}, replaceOn: []string{"clusterId", "name"},
		admit: d.inDatabase,
		id: func(_ string, in resource.PropertyMap) string {
			return text(in, "clusterId") + "/database/" + text(in, "name")
		},
	}
}

func (d *digitalOcean) databaseUserKind() *kind {
	return &kind{
		inputs: []string{"clusterId", "mysqlAuthPlugin", "name", "settings"}, required: []string{"clusterId"},
		replaceOn: []string{"clusterId", "name"}, admit: d.inDatabase,
		id: func(_ string, in resource.PropertyMap) string {
			return text(in, "clusterId") + "/user/" + text(in, "name")
		},
		unknown: []string{"password", "role", "accessCert", "accessKey"}, secrets: []string{"password", "accessKey"},
		compute: func(string, resource.PropertyMap) map[string]any {
			return map[string]any{"password": "AVNS_" + secretText(20), "role": "normal", "accessCert": "", "accessKey": ""}
		},
	}
}

func (d *digitalOcean) firewallKind() *kind {
	return &kind{
		inputs: []string{"clusterId", "rules"}, required: []string{"clusterId", "rules"}, replaceOn: []string{"clusterId"},
		check: checkFirewall,
		admit: func(in resource.PropertyMap) error {
			return errors.Join(d.inDatabase(in), d.exists(tokenCluster, firewalled(in)))
		},
		id: func(_ string, in resource.PropertyMap) string { return text(in, "clusterId") + "-firewall" },
	}
}

// firewalled is the Kubernetes cluster that the first rule admits.
func firewalled(in resource.PropertyMap) string {
	rules := in["rules"]
	if !rules.IsArray() || len(rules.ArrayValue()) == 0 || !rules.ArrayValue()[0].IsObject() {
		return ""
	}
	return text(rules.ArrayValue()[0].ObjectValue(), "value")
}

func checkFirewall(_ string, in resource.PropertyMap) []plugin.CheckFailure {
	rules := open(in)["rules"]
	if rules.IsArray() && len(rules.ArrayValue()) == 0 {
		return []plugin.CheckFailure{{Property: "rules", Reason: "without a rule the database is open to the Internet"}}
	}
	return nil
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
