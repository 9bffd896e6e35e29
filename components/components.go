// Package components has the types that the Args of several components share. It imports
// nothing of this module, so that a program of another module can construct every Args.
// examples/one-component is such a program.
package components

import "fmt"

// Resources is an amount of CPU and memory: a request or a limit, of a container or a Pod.
type Resources struct {
	// MilliCPU is CPU in thousandths of a core. As a limit, 0 means no limit.
	MilliCPU int
	// MiB is memory in mebibytes.
	MiB int
}

// CPU returns the CPU in Kubernetes notation, for example "100m".
func (r Resources) CPU() string { return fmt.Sprintf("%dm", r.MilliCPU) }

// Memory returns the memory in Kubernetes notation, for example "128Mi".
func (r Resources) Memory() string { return fmt.Sprintf("%dMi", r.MiB) }

// Plus returns the sum of r and o.
func (r Resources) Plus(o Resources) Resources {
	return Resources{MilliCPU: r.MilliCPU + o.MilliCPU, MiB: r.MiB + o.MiB}
}

func (r Resources) minus(o Resources) Resources {
	return Resources{MilliCPU: r.MilliCPU - o.MilliCPU, MiB: r.MiB - o.MiB}
}

// Share is the request and the limit of one container of a Pod.
type Share struct{ Request, Limit Resources }

// Pods says how many Pods of a workload run, and the resources of each Pod.
type Pods struct {
	// Replicas is the number of Pods. A DaemonSet ignores it and runs one Pod on each node.
	Replicas int
	// Surge is the number of Pods that a rolling update adds while it runs. With 0, a
	// single replica is stopped before its successor starts, and several replicas are
	// replaced one at a time.
	Surge int
	// Spread makes the scheduler prefer the nodes with the fewest replicas.
	Spread bool
	// Request is what the scheduler reserves for each Pod, all containers together. The
	// kernel kills a container above its memory limit and slows it down above its CPU limit.
	Request, Limit Resources
	// Sidecar is the part of Request and Limit that the second container gets; zero when
	// the Pod has one container.
	Sidecar Share
	// VolumeGiB is the size of the volume that each replica claims, in GiB; 0 means none.
	VolumeGiB int
}

// Main returns the request and limit of a Pod's first container: those of the Pod without
// the sidecar's.
func (p Pods) Main() Share {
	return Share{Request: p.Request.minus(p.Sidecar.Request), Limit: p.Limit.minus(p.Sidecar.Limit)}
}

// Quota limits what everything in a namespace may request together.
type Quota struct {
	// Request is the limit of the requests of all Pods that have not ended.
	Request Resources
	// Claims is the number of volume claims. VolumeGiB is their size together, in GiB.
	Claims, VolumeGiB int
	// LoadBalancers is the number of Services with a load balancer. NodePorts is the number of
	// ports that Services open on every node.
	LoadBalancers, NodePorts int
}

// Quotas has the quota of each namespace, by its name. A namespace without an entry has no
// limits.
type Quotas map[string]Quota

// Tenant is a customer with a host, a database role and a schema. The fields are those of
// an entry of the stack file; docs/settings.md describes them with their defaults. An empty
// Plan is the smallest tier, an empty State is "active".
type Tenant struct {
	// Name is the tenant's subdomain. Its role and its schema have the name too.
	Name            string
	Plan            string
	State           string
	SampleData      bool
	Restore         bool
	Fresh           bool
	ConfirmPurge    string
	PasswordVersion int
	OwnsSchema      bool
	RenamedFrom     string
	RedirectOldHost bool
	// Life counts the tenants that had this name, from 1; 0 means 1. A tenant that is
	// created again after a purge has the next number, and so another password.
	Life int
}
