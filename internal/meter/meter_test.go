package meter_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/meter"
)

type object = map[string]any

func bill(t *testing.T) budget.Bill {
	t.Helper()
	node, err := catalog.NodeBySize("s-2vcpu-4gb")
	require.NoError(t, err)
	smallest, err := catalog.DatabaseBySize("db-s-1vcpu-1gb")
	require.NoError(t, err)
	return budget.Bill{
		node.Line(budget.ItemNodes, 2), smallest.Line(budget.ItemDatabase, 1),
		catalog.LoadBalancer.Line(budget.ItemLoadBalancer, 1), catalog.BlockStorage.Line(budget.ItemVolumes, 10),
	}
}

const (
	cluster     = "digitalocean:index/kubernetesCluster:KubernetesCluster"
	pool        = "digitalocean:index/kubernetesNodePool:KubernetesNodePool"
	database    = "digitalocean:index/databaseCluster:DatabaseCluster"
	uptimeCheck = "digitalocean:index/uptimeCheck:UptimeCheck"
	service     = "kubernetes:core/v1:Service"
	claim       = "kubernetes:core/v1:PersistentVolumeClaim"
	statefulSet = "kubernetes:apps/v1:StatefulSet"
	deployment  = "kubernetes:apps/v1:Deployment"
	release     = "kubernetes:helm.sh/v3:Release"
)

// own is a stack on DigitalOcean whose release is installed from the official address.
var own = meter.Stack{OwnNodes: true, Release: object{
	"chart": "oci://quay.io/jetstack/charts/cert-manager", "version": "v1.21.2", "values": object{"replicaCount": 1},
}}

func nodes(extra object) object {
	out := object{"size": "s-2vcpu-4gb", "nodeCount": 2.0}
	for k, v := range extra {
		out[k] = v
	}
	return out
}

func loadBalancer(annotations object) object {
	const prefix = "service.beta.kubernetes.io/do-loadbalancer-"
	full := object{}
	for k, v := range annotations {
		full[prefix+k] = v
	}
	return object{"spec": object{"type": "LoadBalancer"}, "metadata": object{"annotations": full}}
}

func storage(size any) object {
	return object{"spec": object{"resources": object{"requests": object{"storage": size}}}}
}

func TestRegisterAcceptsResourcesThatAreOnTheBill(t *testing.T) {
	m := meter.New(bill(t), own)
	for _, r := range []meter.Resource{
		{Type: cluster, Inputs: object{"ha": false, "nodePool": nodes(nil)}},
		{Type: database, Inputs: object{"engine": "pg", "size": "db-s-1vcpu-1gb", "nodeCount": 1}},
		{Type: service, Inputs: loadBalancer(object{"type": "REGIONAL"})},
		{Type: claim, Inputs: storage("10Gi")},
		{Type: release, Inputs: own.Release},
		{Type: "kubernetes:core/v1:ConfigMap"}, {Type: "platform:app:App", Component: true}, {Type: "pulumi:providers:random"},
		{Type: "pulumi:pulumi:Stack", Component: true},
		{Type: deployment, Inputs: object{"apiVersion": "apps/v1", "kind": "Deployment", "spec": pod(object{"name": "x", "emptyDir": object{}})}},
		{Type: statefulSet, Inputs: object{"spec": object{"replicas": 0, "volumeClaimTemplates": []any{storage("5Gi")}}}},
	} {
		require.NoError(t, m.Register(r), r.Type)
	}
	assert.Equal(t, bill(t).Total(), m.Total())
}

func TestRegisterRefusesASecondResourceForAUsedLine(t *testing.T) {
	m := meter.New(bill(t), own)
	one := meter.Resource{Type: service, Inputs: loadBalancer(object{"type": "REGIONAL"})}
	require.NoError(t, m.Register(one))
	require.ErrorContains(t, m.Register(one), fmt.Sprintf(`exceeds the line "load balancer" of %[1]s, of which %[1]s are used`, catalog.LoadBalancer.Unit))
}

func TestRegisterCountsEachUptimeCheckAndRefusesAnInputWithoutAPrice(t *testing.T) {
	m := meter.New(budget.Bill{catalog.UptimeCheck.Line(budget.ItemUptime, 2)}, own)
	one := object{"name": "x", "target": "https://genericcorp.com", "type": "https", "regions": []any{"eu_west"}}
	require.NoError(t, m.Register(meter.Resource{Type: uptimeCheck, Inputs: one}))
	for range 3 { // alerts cost nothing
		require.NoError(t, m.Register(meter.Resource{Type: "digitalocean:index/uptimeAlert:UptimeAlert"}))
		require.NoError(t, m.Register(meter.Resource{Type: "digitalocean:index/monitorAlert:MonitorAlert"}))
	}
	assert.Equal(t, catalog.UptimeCheck.Unit, m.Total())
	require.EqualError(t, m.Register(meter.Resource{Type: uptimeCheck, Inputs: object{"target": "x", "interval": "10s"}}), "interval: has no price here; leave it out, or add its price in internal/meter")
	require.NoError(t, m.Register(meter.Resource{Type: uptimeCheck, Inputs: one}))
	require.ErrorContains(t, m.Register(meter.Resource{Type: uptimeCheck, Inputs: one}), `exceeds the line "uptime checks"`)
	assert.Equal(t, 2*catalog.UptimeCheck.Unit, m.Total())
}

func TestRegisterOnAnExistingClusterBillsNoServicesAndClaims(t *testing.T) {
	m := meter.New(nil, meter.Stack{})
	require.NoError(t, m.Register(meter.Resource{Type: service, Inputs: loadBalancer(nil)}))
	require.NoError(t, m.Register(meter.Resource{Type: claim, Inputs: storage("100Gi")}))
	require.Error(t, m.Register(meter.Resource{Type: cluster, Inputs: object{"ha": false, "nodePool": nodes(nil)}}))
}

func TestRegisterMayBeCalledConcurrently(t *testing.T) {
	m := meter.New(bill(t), own)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { _ = m.Register(meter.Resource{Type: claim, Inputs: storage("1Gi")}) })
	}
	wg.Wait()
	assert.Equal(t, 10*catalog.BlockStorage.Unit, m.Total(), "the bill has a line for ten of them")
}

func TestConfirmRefusesInputsThatChangedAfterTheyWerePriced(t *testing.T) {
	clusterIP := object{"spec": object{"type": "ClusterIP"}}
	for name, c := range map[string]struct {
		token         string
		priced, final object
		want          string
	}{
		"the same":              {service, loadBalancer(object{"type": "REGIONAL"}), loadBalancer(object{"type": "REGIONAL"}), ""},
		"a default of a cloud":  {cluster, object{"ha": false, "nodePool": nodes(nil)}, object{"ha": false, "registryIntegration": false, "nodePool": nodes(object{"autoScale": false})}, ""},
		"a load balancer":       {service, clusterIP, loadBalancer(object{"type": "REGIONAL"}), "now it costs $12.00 a month"},
		"more nodes":            {cluster, object{"ha": false, "nodePool": nodes(nil)}, object{"ha": false, "nodePool": nodes(object{"nodeCount": 5.0})}, "now it costs $120.00 a month"},
		"an ephemeral disk":     {deployment, object{"spec": pod()}, object{"spec": pod(object{"ephemeral": object{}})}, "ephemeral: makes a disk"},
		"no price":              {service, clusterIP, object{"spec": object{"type": meter.Unknown{}}}, "type: is an output"},
		"another kind of input": {service, clusterIP, object{"spec": object{"type": "LoadBalancer"}, "metadata": object{"annotations": 1}}, "annotations"},
	} {
		m := meter.New(bill(t), own)
		require.NoError(t, m.Register(meter.Resource{Type: c.token, Name: "x", Inputs: c.priced}), name)
		err := m.Confirm(meter.Resource{Type: c.token, Name: "x", Inputs: c.final})
		if c.want == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, c.want, name)
		require.ErrorContains(t, err, "its inputs changed after it was priced", name)
	}
	m := meter.New(bill(t), own)
	doks := func(size string, count float64) object {
		return object{"ha": false, "nodePool": object{"size": size, "nodeCount": count}}
	}
	require.NoError(t, m.Register(meter.Resource{Type: cluster, Name: "x", Inputs: doks("s-2vcpu-4gb", 2), IgnoreChanges: []string{"nodePool.size"}}))
	require.NoError(t, m.Confirm(meter.Resource{Type: cluster, Name: "x", Inputs: doks("s-4vcpu-8gb", 2)}), "the state has the size before a resize")
	require.ErrorContains(t, m.Confirm(meter.Resource{Type: cluster, Name: "x", Inputs: doks("s-4vcpu-8gb", 3)}), "$72.00")
	require.Error(t, meter.New(bill(t), own).Confirm(meter.Resource{Type: claim, Name: "x", Inputs: storage("1Gi")}), "it was never priced")
}

func TestAProtectedStackMayKeepDisksWithoutTheirClaims(t *testing.T) {
	retained := own
	retained.RetainedVolumes = true
	in := storage("1Gi")
	in["spec"].(object)["storageClassName"] = catalog.RetainedStorageClass
	require.NoError(t, meter.New(bill(t), retained).Register(meter.Resource{Type: claim, Inputs: in}))
}

func TestAClaimKeepsItsClassWhenTheStackBecomesProtectedAndBack(t *testing.T) {
	m := meter.New(bill(t), own)
	ignored := []string{"spec.storageClassName"}
	require.NoError(t, m.Register(meter.Resource{Type: claim, Name: "x", Inputs: storage("1Gi"), IgnoreChanges: ignored}))
	kept := storage("1Gi")
	kept["spec"].(object)["storageClassName"] = catalog.RetainedStorageClass
	require.NoError(t, m.Confirm(meter.Resource{Type: claim, Name: "x", Inputs: kept}), "the engine keeps the old class")
}

func TestTheClusterMayKeepItsNodeSizeAndVersion(t *testing.T) {
	// cluster.New compares the size with that of the running cluster.
	require.NoError(t, meter.New(bill(t), own).Register(meter.Resource{
		Type: cluster, Inputs: object{"ha": false, "nodePool": nodes(nil)}, IgnoreChanges: []string{"nodePool.size", "version"},
	}))
}
