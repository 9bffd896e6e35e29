package catalog

// SystemPod is a Pod that DigitalOcean Kubernetes runs on the customer's nodes.
type SystemPod struct {
	Name string
	// MilliCPU (thousandths of a CPU) and MiB (memory) are its requests.
	MilliCPU, MiB int
	// PerNode is true for a Pod of a DaemonSet: one on each node.
	PerNode bool
	// Replicas is the number of Pods in the cluster when PerNode is false.
	Replicas int
}

// SystemPods returns DigitalOcean's own Pods and their requests. `kubectl describe
// node` showed the requests on 1.2x clusters from 2023-08 to 2024-01. In 2026 third parties
// observed more for cilium (500m, 410 MiB) and coredns (170 MiB); the table has the larger
// figures. Another one observed 602m and 625 MiB in all on each of two nodes, which is less
// than this table. Memory in MB is rounded up to MiB.
//
// The last three run on clusters of 2026 (lists of Pods of 2026-05). There the
// telemetry's Pod is BestEffort, and Hubble's chart requests nothing by default. The
// API has no switch that turns Hubble off.
func SystemPods() []SystemPod {
	return []SystemPod{
		{Name: "cilium", MilliCPU: 500, MiB: 410, PerNode: true},
		{Name: "cpc-bridge-proxy", MilliCPU: 100, MiB: 75, PerNode: true},
		{Name: "do-node-agent", MilliCPU: 102, MiB: 80, PerNode: true},
		{Name: "kube-proxy", MilliCPU: 0, MiB: 125, PerNode: true},
		{Name: "csi-do-node", PerNode: true},
		{Name: "konnectivity-agent", PerNode: true},
		{Name: "coredns", MilliCPU: 100, MiB: 170, Replicas: 2},
		{Name: "cilium-operator", MilliCPU: 100, MiB: 144, Replicas: 1},
		{Name: "doks-telemetry-config-reloader", PerNode: true},
		{Name: "hubble-relay", Replicas: 1},
		{Name: "hubble-ui", Replicas: 1},
	}
}
