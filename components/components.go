// Package components has the types that the Args of several components share. It imports
// nothing, so that another program can construct every Args; examples/one-component does.
package components

import "fmt"

// Resources are the requests or the limits of a container.
type Resources struct {
	// MilliCPU is CPU in thousandths of a core. As a limit, 0 means none.
	MilliCPU int
	// MiB is memory in mebibytes.
	MiB int
}

// CPU returns the amount in Kubernetes notation, for example "100m".
func (r Resources) CPU() string { return fmt.Sprintf("%dm", r.MilliCPU) }

// Memory returns the amount in Kubernetes notation, for example "128Mi".
func (r Resources) Memory() string { return fmt.Sprintf("%dMi", r.MiB) }

// Plus returns the sum of both.
func (r Resources) Plus(o Resources) Resources {
	return Resources{MilliCPU: r.MilliCPU + o.MilliCPU, MiB: r.MiB + o.MiB}
}

func (r Resources) minus(o Resources) Resources {
	return Resources{MilliCPU: r.MilliCPU - o.MilliCPU, MiB: r.MiB - o.MiB}
}

// Share is what one container of a Pod gets.
type Share struct{ Request, Limit Resources }

// Pods says how many Pods of a workload run, and what each of them gets.
type Pods struct {
	// Replicas is how many Pods run. A DaemonSet ignores it: it has one on every node.
	Replicas int
	// Surge is how many Pods a rolling update adds while it runs. With 0, several
	// replicas are replaced in place one by one, and a single one is stopped first.
	Surge int
	// Spread keeps the replicas evenly over the nodes, at most one apart.
	Spread bool
	// Request is what the scheduler reserves for a Pod. Limit is where the kernel stops it.
	Request, Limit Resources
	// Sidecar is the share of a second container in Request and Limit.
	Sidecar Share
	// VolumeGiB is the block storage that each replica claims, in GiB; 0 means none.
	VolumeGiB int
}

// Main returns the share of a Pod's first container.
func (p Pods) Main() Share {
	return Share{Request: p.Request.minus(p.Sidecar.Request), Limit: p.Limit.minus(p.Sidecar.Limit)}
}

// Tenant is a customer with a host, a database role and a schema. The fields are those of
// an entry of the stack file: docs/settings.md describes them, with their defaults.
type Tenant struct {
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
	// Life counts the tenants that had this name, from 1; 0 means 1. Each life has
	// another password.
	Life int
}
