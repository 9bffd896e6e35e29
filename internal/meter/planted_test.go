package meter_test

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/genericcorp/platform/internal/meter"
)

// planted is a resource that costs more than the bill has, and what the refusal must say.
type planted struct {
	meter.Resource
	want string
}

func plant(token string, in object, want string) planted {
	return planted{meter.Resource{Type: token, Inputs: in}, want}
}

func TestRegisterRefusesAndDoesNotCountWhatTheBillLacks(t *testing.T) {
	for _, group := range []map[string]planted{machines(), services(), disks(), podVolumes(), types(), releases(), options()} {
		for name, p := range group {
			m := meter.New(bill(t), own)
			err := m.Register(p.Resource)
			if assert.Error(t, err, name) {
				assert.Contains(t, err.Error(), p.want, name)
			}
			assert.Zero(t, m.Total(), "%s: a refused resource must not count", name)
		}
	}
}

// with returns the inputs with more of them.
func with(in, more object) object {
	out := maps.Clone(in)
	maps.Copy(out, more)
	return out
}

func machines() map[string]planted {
	doks := object{"ha": false, "nodePool": nodes(nil)}
	of := func(pool object) object { return with(doks, object{"nodePool": pool}) }
	pg := object{"engine": "pg", "size": "db-s-1vcpu-1gb", "nodeCount": 1}
	const larger = "exceeds the line"
	return map[string]planted{
		"no value for ha":             plant(cluster, object{"nodePool": nodes(nil)}, "not on the bill"),
		"an unknown value for ha":     plant(cluster, with(doks, object{"ha": meter.Unknown{}}), "ha: is an output"),
		"a container registry":        plant(cluster, with(doks, object{"registryIntegration": true}), "registryIntegration: has no price"),
		"a plugin":                    plant(cluster, with(doks, object{"nvidiaGpuDevicePlugin": object{}}), "nvidiaGpuDevicePlugin: has no price"),
		"a larger node":               plant(cluster, of(object{"size": "s-4vcpu-8gb", "nodeCount": 2}), larger),
		"more nodes":                  plant(cluster, of(nodes(object{"nodeCount": 3})), larger),
		"half a node":                 plant(cluster, of(nodes(object{"nodeCount": 1.5})), "not a whole number"),
		"fewer than no nodes":         plant(cluster, of(nodes(object{"nodeCount": -1.0})), "not a whole number"),
		"nodes without end":           plant(cluster, of(nodes(object{"nodeCount": 1e30})), "not a whole number"),
		"a number of nodes in quotes": plant(cluster, of(nodes(object{"nodeCount": "2"})), "not a value"),
		"a count that is not known":   plant(cluster, of(nodes(object{"nodeCount": meter.Unknown{}})), "nodeCount: is an output"),
		"a pool that grows":           plant(cluster, of(nodes(object{"autoScale": true, "minNodes": 2, "maxNodes": 2})), "nodePool.autoScale"),
		"a size without a price":      plant(cluster, of(object{"size": "gpu-h100", "nodeCount": 1}), "gpu-h100"),
		"a size that is not known":    plant(cluster, of(object{"size": meter.Unknown{}, "nodeCount": 1}), "size: is an output"),
		"a pool that is not known":    plant(cluster, with(doks, object{"nodePool": meter.Unknown{}}), "nodePool: is an output"),
		"a larger database":           plant(database, with(pg, object{"size": "db-s-1vcpu-2gb"}), larger),
		"a standby node":              plant(database, with(pg, object{"nodeCount": 2}), larger),
		"more storage":                plant(database, with(pg, object{"storageSizeMib": "30720"}), "storageSizeMib: has no price"),
		"storage that grows":          plant(database, with(pg, object{"storageAutoscale": object{"enabled": true}}), "storageAutoscale: has no price"),
		"another engine":              plant(database, with(pg, object{"engine": "kafka"}), `engine: "kafka" has no price`),
		"no engine":                   plant(database, object{"size": "db-s-1vcpu-1gb", "nodeCount": 1}, "engine:"),
		"an engine that is not known": plant(database, with(pg, object{"engine": meter.Unknown{}}), "engine: is an output"),
		"a copy of a backup":          plant(database, with(pg, object{"backupRestore": object{}}), "backupRestore: has no price"),
	}
}

func services() map[string]planted {
	annotated := func(key, value string) object {
		in := loadBalancer(object{"type": "REGIONAL"})
		in["metadata"].(object)["annotations"].(object)[key] = value
		return in
	}
	return map[string]planted{
		"a network load balancer":            plant(service, loadBalancer(nil), "exceeds the line"),
		"a larger load balancer":             plant(service, loadBalancer(object{"type": "REGIONAL", "size-unit": "2"}), "exceeds the line"),
		"a negative load balancer":           plant(service, loadBalancer(object{"type": "REGIONAL", "size-unit": "-3"}), "size-unit: \"-3\" is not a whole number"),
		"a load balancer of no size":         plant(service, loadBalancer(object{"type": "REGIONAL", "size-unit": "0"}), "size-unit: \"0\" is not"),
		"a global load balancer":             plant(service, loadBalancer(object{"type": "GLOBAL"}), "has no price"),
		"a size of the old kind":             plant(service, loadBalancer(object{"type": "REGIONAL", "size-slug": "lb-large"}), "size-slug: has no price"),
		"an annotation that is not known":    plant(service, loadBalancer(object{"type": "REGIONAL", "network": "INTERNAL"}), "network: has no price"),
		"a load balancer that is disowned":   plant(service, annotated("service.kubernetes.io/do-loadbalancer-disown", "true"), "disown: has no price"),
		"the load balancer of another":       plant(service, annotated("kubernetes.digitalocean.com/load-balancer-id", "x"), "load-balancer-id: has no price"),
		"annotations that are not known":     plant(service, object{"spec": object{"type": "LoadBalancer"}, "metadata": object{"annotations": meter.Unknown{}}}, "annotations: is an output"),
		"a Service that is not known":        plant(service, object{"spec": meter.Unknown{}}, "spec: is an output"),
		"a type that is not known":           plant(service, object{"spec": object{"type": meter.Unknown{}}}, "type: is an output"),
		"a type that does not exist":         plant(service, object{"spec": object{"type": "Loadbalancer"}}, "is not a type of Service"),
		"a load balancer of another class":   plant(service, object{"spec": object{"type": "LoadBalancer", "loadBalancerClass": "x"}}, "loadBalancerClass"),
		"a load balancer beside the cluster": plant("digitalocean:index/loadBalancer:LoadBalancer", object{"size": "lb-large", "sizeUnit": 1}, "has no price here"),
	}
}

func disks() map[string]planted {
	of := func(key string, value any) object {
		in := storage("1Gi")
		in["spec"].(object)[key] = value
		return in
	}
	set := func(replicas, size any) object {
		return object{"spec": object{"replicas": replicas, "volumeClaimTemplates": []any{storage(size)}}}
	}
	const size = "is not a size from 1Gi"
	return map[string]planted{
		"a larger claim":                  plant(claim, storage("11Gi"), "exceeds the line"),
		"a claim of a fraction more":      plant(claim, storage("10.1Gi"), "exceeds the line"),
		"a claim in other units":          plant(claim, storage("11e9"), "exceeds the line"),
		"a claim of any size":             plant(claim, storage(meter.Unknown{}), "storage: is an output"),
		"a claim without a size":          plant(claim, object{"spec": object{}}, size),
		"a negative claim":                plant(claim, storage("-100Gi"), size),
		"a claim of nothing":              plant(claim, storage("0"), size),
		"a claim that no disk has":        plant(claim, storage("8Ei"), size),
		"a claim that is text":            plant(claim, storage("lots"), size),
		"a disk that outlives its claim":  plant(claim, of("storageClassName", "do-block-storage-retain"), "only a protected stack"),
		"a class that is not known here":  plant(claim, of("storageClassName", "premium"), `"premium" has no price`),
		"a class that is not known yet":   plant(claim, of("storageClassName", meter.Unknown{}), "storageClassName: is an output"),
		"a class of attributes":           plant(claim, of("volumeAttributesClassName", "fast"), "volumeAttributesClassName: has no price"),
		"a copy of a snapshot":            plant(claim, of("dataSource", object{"kind": "VolumeSnapshot"}), "dataSource: has no price"),
		"claims of a set":                 plant(statefulSet, set(3, "5Gi"), "exceeds the line"),
		"a negative set":                  plant(statefulSet, set(-5, "5Gi"), "replicas: -5 is not a whole number"),
		"negative claims of a set":        plant(statefulSet, set(1, "-5Gi"), "volumeClaimTemplates[0].spec.resources"),
		"a set that is not known":         plant(statefulSet, set(meter.Unknown{}, "1Gi"), "replicas: is an output"),
		"claims of a set, not known":      plant(statefulSet, object{"spec": object{"volumeClaimTemplates": meter.Unknown{}}}, "volumeClaimTemplates: is an output"),
		"one claim of a set, not known":   plant(statefulSet, object{"spec": object{"volumeClaimTemplates": []any{meter.Unknown{}}}}, "volumeClaimTemplates[0]: is an output"),
		"a volume beside the cluster":     plant("digitalocean:index/volume:Volume", object{"size": 1}, "has no price here"),
		"a disk that the cluster has not": plant("kubernetes:core/v1:PersistentVolume", object{}, "has no price here"),
	}
}

// pod returns the spec of an object with a Pod that has volumes.
func pod(volumes ...any) object {
	return object{"template": object{"spec": object{"volumes": volumes}}}
}

// podsOf has the path to the Pod in the types that have one.
func podsOf(spec object) map[string]object {
	of := object{"spec": spec}
	return map[string]object{
		deployment: of, statefulSet: of, "kubernetes:apps/v1:DaemonSet": of, "kubernetes:apps/v1:ReplicaSet": of,
		"kubernetes:batch/v1:Job": of, "kubernetes:core/v1:ReplicationController": of,
		"kubernetes:batch/v1:CronJob":    {"spec": object{"jobTemplate": of}},
		"kubernetes:core/v1:Pod":         {"spec": spec["template"].(object)["spec"]},
		"kubernetes:core/v1:PodTemplate": spec,
	}
}

func podVolumes() map[string]planted {
	out := map[string]planted{}
	for name, c := range map[string]struct {
		spec object
		want string
	}{
		"an ephemeral disk":          {pod(object{"name": "x", "ephemeral": object{"volumeClaimTemplate": storage("500Gi")}}), "volumes[0].ephemeral: makes a disk for each Pod"},
		"a second volume":            {pod(object{"name": "x", "emptyDir": object{}}, object{"name": "y", "ephemeral": object{}}), "volumes[1].ephemeral"},
		"a driver's own volume":      {pod(object{"name": "x", "csi": object{"driver": "dobs.csi.digitalocean.com"}}), "volumes[0].csi: has no price"},
		"a volume that is not known": {pod(meter.Unknown{}), "volumes[0]: is an output"},
		"volumes that are not known": {object{"template": object{"spec": object{"volumes": meter.Unknown{}}}}, "volumes: is an output"},
	} {
		for token, in := range podsOf(c.spec) {
			out[name+" of "+token] = plant(token, in, c.want)
		}
	}
	for token, in := range podsOf(object{"template": object{"spec": meter.Unknown{}}}) {
		out["a Pod that is not known of "+token] = plant(token, in, "spec: is an output")
	}
	return out
}

func types() map[string]planted {
	out := map[string]planted{
		"a droplet":                     plant("digitalocean:index/droplet:Droplet", object{"size": "s-1vcpu-2gb"}, "has no price here"),
		"a second pool":                 plant(pool, nodes(nil), "has no price here"),
		"an unknown type":               plant("digitalocean:index/app:App", nil, "internal/meter/free.go"),
		"a cloud that is not known":     plant("aws:ec2/instance:Instance", nil, "has no price here"),
		"an object of the platform":     plant("platform:app:App", nil, "has no price here"),
		"a stack of a provider":         plant("pulumi:pulumi:Stack", nil, "has no price here"),
		"a component of others":         {meter.Resource{Type: "kubernetes:helm.sh/v4:Chart", Component: true}, "has no price here"},
		"a component with a free type":  {meter.Resource{Type: "kubernetes:core/v1:ConfigMap", Component: true}, "has no price here"},
		"a priced type as a component":  {meter.Resource{Type: deployment, Component: true}, "has no price here"},
		"a Service that is a ConfigMap": plant("kubernetes:core/v1:ConfigMap", object{"kind": "Service"}, "kind: Service is not ConfigMap"),
		"a kind that is not known":      plant("kubernetes:core/v1:ConfigMap", object{"kind": meter.Unknown{}}, "is not ConfigMap"),
		"a group that is another":       plant("kubernetes:core/v1:Secret", object{"apiVersion": "apps/v1"}, "apiVersion: apps/v1 is not v1"),
		"an issuer whose solver has Pods": plant("kubernetes:cert-manager.io/v1:ClusterIssuer", object{"spec": object{"acme": object{
			"solvers": []any{object{"http01": object{"ingress": object{}}}},
		}}}, "spec.acme.solvers[0].http01: has no price"),
	}
	for _, kind := range []string{"core/v1:List", "apps/v1:DeploymentList", "core/v1:ServiceList", "core/v1:PersistentVolumeClaimList"} {
		out[kind] = plant("kubernetes:"+kind, nil, "declare each object as a resource")
	}
	for _, kind := range []string{"apps/v1:DeploymentPatch", "core/v1:ServicePatch", "core/v1:PersistentVolumeClaimPatch"} {
		out[kind] = plant("kubernetes:"+kind, nil, "declare the whole object")
	}
	return out
}

func releases() map[string]planted {
	of := func(more object) object { return with(own.Release, more) }
	return map[string]planted{
		"another chart":           plant(release, of(object{"chart": "ingress-nginx"}), `must be "oci://quay.io/jetstack/charts/cert-manager"`),
		"a chart of another":      plant(release, of(object{"chart": "oci://evil.example.com/cert-manager"}), "chart: is oci://evil"),
		"a chart, not known":      plant(release, of(object{"chart": meter.Unknown{}}), "chart: is"),
		"another version":         plant(release, of(object{"version": "v1.0.0"}), `version: is v1.0.0 and must be "v1.21.2"`),
		"no version":              plant(release, object{"chart": own.Release["chart"], "values": own.Release["values"]}, "version: is"),
		"another repository":      plant(release, of(object{"repositoryOpts": object{"repo": "https://evil.example.com"}}), "repositoryOpts: has no price"),
		"files with values":       plant(release, of(object{"valueYamlFiles": []any{"x"}}), "valueYamlFiles: has no price"),
		"more replicas":           plant(release, of(object{"values": object{"replicaCount": 50}}), "values: is not what"),
		"values, not known":       plant(release, of(object{"values": meter.Unknown{}}), "values: is"),
		"a load balancer":         plant(release, of(object{"values": object{"webhook": object{"serviceType": "LoadBalancer"}}}), "values.webhook.serviceType: has no price"),
		"more objects":            plant(release, of(object{"values": object{"extraObjects": []any{"x"}}}), "values.extraObjects: has no price"),
		"a volume":                plant(release, of(object{"values": object{"volumes": []any{object{}}}}), "values.volumes: has no price"),
		"the values of a release": plant(release, object{"values": own.Release["values"]}, "chart: is"),
	}
}

func options() map[string]planted {
	ignoring := func(token string, in object, paths ...string) planted {
		return planted{meter.Resource{Type: token, Inputs: in, IgnoreChanges: paths}, "ignoreChanges: " + paths[len(paths)-1] + " could keep a value"}
	}
	doks := object{"ha": false, "nodePool": nodes(nil)}
	return map[string]planted{
		"the old number of nodes":     ignoring(cluster, doks, "nodePool.size", "nodePool.nodeCount"),
		"the old pool":                ignoring(cluster, doks, "nodePool"),
		"everything of the cluster":   ignoring(cluster, doks, "*"),
		"the old database":            ignoring(database, object{"engine": "pg", "size": "db-s-1vcpu-1gb", "nodeCount": 1}, "size"),
		"the old load balancer":       ignoring(service, loadBalancer(object{"type": "REGIONAL"}), "metadata.annotations"),
		"the old size of a claim":     ignoring(claim, storage("1Gi"), "spec.resources.requests.storage"),
		"the old number of Pods":      ignoring(deployment, object{"spec": pod()}, "spec.replicas"),
		"the old values of a release": ignoring(release, own.Release, "values"),
	}
}
