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
	release     = "kubernetes:helm.sh/v3:Release"
)

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
	m := meter.New(bill(t), true)
	for _, r := range []meter.Resource{
		{Type: cluster, Inputs: object{"ha": false, "nodePool": nodes(nil)}},
		{Type: database, Inputs: object{"size": "db-s-1vcpu-1gb", "nodeCount": 1}},
		{Type: service, Inputs: loadBalancer(object{"type": "REGIONAL"})},
		{Type: claim, Inputs: storage("10Gi")},
		{Type: release, Inputs: object{"chart": "oci://quay.io/jetstack/charts/cert-manager"}},
		{Type: "kubernetes:core/v1:ConfigMap"}, {Type: "platform:app:App"}, {Type: "pulumi:providers:random"},
	} {
		require.NoError(t, m.Register(r), r.Type)
	}
	assert.Equal(t, bill(t).Total(), m.Total())
}

func TestRegisterRefusesAndDoesNotCountWhatTheBillLacks(t *testing.T) {
	for name, r := range map[string]meter.Resource{
		"no value for ha":             {Type: cluster, Inputs: object{"nodePool": nodes(nil)}},
		"a larger node":               {Type: cluster, Inputs: object{"ha": false, "nodePool": object{"size": "s-4vcpu-8gb", "nodeCount": 2}}},
		"more nodes":                  {Type: cluster, Inputs: object{"ha": false, "nodePool": nodes(object{"nodeCount": 3})}},
		"a pool that grows":           {Type: cluster, Inputs: object{"ha": false, "nodePool": nodes(object{"autoScale": true, "minNodes": 2, "maxNodes": 3})}},
		"a pool without a maximum":    {Type: pool, Inputs: nodes(object{"autoScale": true})},
		"a size without a price":      {Type: pool, Inputs: object{"size": "gpu-h100", "nodeCount": 1}},
		"a size that is not known":    {Type: pool, Inputs: object{"size": meter.Unknown{}, "nodeCount": 1}},
		"a count that is not known":   {Type: pool, Inputs: object{"size": "s-2vcpu-4gb", "nodeCount": meter.Unknown{}}},
		"a larger database":           {Type: database, Inputs: object{"size": "db-s-1vcpu-2gb", "nodeCount": 1}},
		"more storage":                {Type: database, Inputs: object{"size": "db-s-1vcpu-1gb", "nodeCount": 1, "storageSizeMib": "30720"}},
		"a network load balancer":     {Type: service, Inputs: loadBalancer(nil)},
		"a larger load balancer":      {Type: service, Inputs: loadBalancer(object{"type": "REGIONAL", "size-unit": "2"})},
		"a load balancer of any kind": {Type: service, Inputs: object{"spec": object{"type": meter.Unknown{}}}},
		"a larger claim":              {Type: claim, Inputs: storage("11Gi")},
		"a claim of any size":         {Type: claim, Inputs: storage(meter.Unknown{})},
		"claims of a set":             {Type: statefulSet, Inputs: object{"spec": object{"replicas": 3, "volumeClaimTemplates": []any{storage("5Gi")}}}},
		"a droplet":                   {Type: "digitalocean:index/droplet:Droplet", Inputs: object{"size": "s-1vcpu-2gb"}},
		"a volume":                    {Type: "digitalocean:index/volume:Volume", Inputs: object{"size": 100}},
		"a load balancer":             {Type: "digitalocean:index/loadBalancer:LoadBalancer", Inputs: object{"type": "REGIONAL", "sizeUnit": 2}},
		"an uptime check":             {Type: uptimeCheck, Inputs: object{"name": "x", "target": "https://genericcorp.com"}},
		"another chart":               {Type: release, Inputs: object{"chart": "ingress-nginx"}},
		"an unknown type":             {Type: "digitalocean:index/app:App"},
		"a cloud that is not known":   {Type: "aws:ec2/instance:Instance"},
	} {
		m := meter.New(bill(t), true)
		assert.Error(t, m.Register(r), name)
		assert.Zero(t, m.Total(), "%s: a refused resource must not count", name)
	}
}

func TestRegisterRefusesASecondResourceForAUsedLine(t *testing.T) {
	m := meter.New(bill(t), true)
	one := meter.Resource{Type: service, Inputs: loadBalancer(object{"type": "REGIONAL"})}
	require.NoError(t, m.Register(one))
	require.ErrorContains(t, m.Register(one), fmt.Sprintf(`exceeds the line "load balancer" of %[1]s, of which %[1]s are used`, catalog.LoadBalancer.Unit))
}

func TestRegisterCountsEachUptimeCheckAndRefusesAnInputWithoutAPrice(t *testing.T) {
	m := meter.New(budget.Bill{catalog.UptimeCheck.Line(budget.ItemUptime, 2)}, true)
	one := object{"name": "x", "target": "https://genericcorp.com", "type": "https", "regions": []any{"eu_west"}}
	require.NoError(t, m.Register(meter.Resource{Type: uptimeCheck, Inputs: one}))
	for range 3 { // alerts cost nothing
		require.NoError(t, m.Register(meter.Resource{Type: "digitalocean:index/uptimeAlert:UptimeAlert"}))
		require.NoError(t, m.Register(meter.Resource{Type: "digitalocean:index/monitorAlert:MonitorAlert"}))
	}
	assert.Equal(t, catalog.UptimeCheck.Unit, m.Total())
	require.EqualError(t, m.Register(meter.Resource{Type: uptimeCheck, Inputs: object{"target": "x", "interval": "10s"}}), "interval: has no price here; leave it out")
	require.NoError(t, m.Register(meter.Resource{Type: uptimeCheck, Inputs: one}))
	require.ErrorContains(t, m.Register(meter.Resource{Type: uptimeCheck, Inputs: one}), `exceeds the line "uptime checks"`)
	assert.Equal(t, 2*catalog.UptimeCheck.Unit, m.Total())
}

func TestRegisterOnAnExistingClusterBillsNoServicesAndClaims(t *testing.T) {
	m := meter.New(nil, false)
	require.NoError(t, m.Register(meter.Resource{Type: service, Inputs: loadBalancer(nil)}))
	require.NoError(t, m.Register(meter.Resource{Type: claim, Inputs: storage("100Gi")}))
	require.Error(t, m.Register(meter.Resource{Type: cluster, Inputs: object{"ha": false, "nodePool": nodes(nil)}}))
}

func TestRegisterMayBeCalledConcurrently(t *testing.T) {
	m := meter.New(bill(t), true)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { _ = m.Register(meter.Resource{Type: claim, Inputs: storage("1Gi")}) })
	}
	wg.Wait()
	assert.Equal(t, 10*catalog.BlockStorage.Unit, m.Total(), "the bill has a line for ten of them")
}
