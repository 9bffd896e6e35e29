package catalog

// SystemPod is a Pod that DigitalOcean Kubernetes runs on the customer's nodes.
type SystemPod struct {
	Name          string
	MilliCPU, MiB int
	// PerNode Pods run on every node; the others Replicas times in the cluster.
	PerNode  bool
	Replicas int
}

// SystemPods are the requests of DigitalOcean's own Pods, as `kubectl describe
// node` showed them on 1.2x clusters from 2023-08 to 2024-01. Memory given in MB is
// rounded up to MiB. The last three run on clusters of 2026 (lists of Pods of
// 2026-05); the telemetry's Pod is BestEffort there, and Hubble's chart asks for
// nothing by default. Hubble cannot be turned off by the API.
func SystemPods() []SystemPod {
	return []SystemPod{
		{Name: "cilium", MilliCPU: 300, MiB: 300, PerNode: true},
		{Name: "cpc-bridge-proxy", MilliCPU: 100, MiB: 75, PerNode: true},
		{Name: "do-node-agent", MilliCPU: 102, MiB: 80, PerNode: true},
		{Name: "kube-proxy", MilliCPU: 0, MiB: 125, PerNode: true},
		{Name: "csi-do-node", PerNode: true},
		{Name: "konnectivity-agent", PerNode: true},
		{Name: "coredns", MilliCPU: 100, MiB: 144, Replicas: 2},
		{Name: "cilium-operator", MilliCPU: 100, MiB: 144, Replicas: 1},
		{Name: "doks-telemetry-config-reloader", PerNode: true},
		{Name: "hubble-relay", Replicas: 1},
		{Name: "hubble-ui", Replicas: 1},
	}
}
