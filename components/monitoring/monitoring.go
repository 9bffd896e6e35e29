// Package monitoring declares the stack's monitoring. kube-state-metrics and node-exporter
// export metrics, VictoriaMetrics scrapes and stores them, Grafana shows them, and vmalert and
// Alertmanager tell people when something breaks.
package monitoring

import (
	"errors"
	"fmt"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/workload"
)

const typeToken = "platform:monitoring:Monitoring"

// Args are the arguments of New.
type Args struct {
	// Host is Grafana's host name. Domain is the stack's domain, below which tenants have their
	// hosts. Both are required.
	Host, Domain string
	// VictoriaMetrics, Grafana, KubeStateMetrics and NodeExporter are the sizes of the four
	// workloads. VictoriaMetrics needs a volume (VolumeGiB). Memory: Grafana 13 was killed
	// with limits of 300 to 400 MiB (grafana#123017).
	VictoriaMetrics, Grafana, KubeStateMetrics, NodeExporter components.Pods
	// RetentionDays is how many days metrics are kept, at least 1.
	RetentionDays int
	// StorageClass is the class of the volume; empty is the cluster's default.
	StorageClass string
	// Alerts are the rules' objectives, and who is told. VMAlert is the size of the Pod
	// with vmalert and, as its sidecar, Alertmanager.
	Alerts  Alerts
	VMAlert components.Pods
	// PlannedNodes is the number of nodes on the bill. 0 means that the nodes are not on the
	// bill.
	PlannedNodes int
	// Costs is the bill.
	Costs Costs
	// OAuth is how people sign in to Grafana, beside the user "admin". It may be empty.
	OAuth OAuth
	// IngressNamespace is the namespace of the ingress controller, in which Grafana's route
	// is created (ingress.Ingress.Namespace). Required.
	IngressNamespace pulumi.StringInput
	// Quotas limits what the component's namespaces may request. Nil sets no limits.
	Quotas components.Quotas
}

// Monitoring holds the outputs that other components use.
type Monitoring struct {
	pulumi.ResourceState

	// Password is the password of Grafana's user "admin". Secret.
	Password pulumi.StringOutput `pulumi:"password"`
}

// New declares the monitoring. If args are invalid it returns all faults and registers
// nothing. The caller passes providers for Kubernetes and for random.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*Monitoring, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("monitoring %q: %w", name, err)
	}
	m := &Monitoring{}
	if err := ctx.RegisterComponentResourceV2(typeToken, name, args.inputs(), m, opts...); err != nil {
		return nil, fmt.Errorf("monitoring %q: register: %w", name, err)
	}
	namespace, err := kube.Namespace(ctx, workload.MonitoringNamespace, kube.Restricted, args.Quotas, pulumi.Parent(m))
	if err != nil {
		return nil, fmt.Errorf("monitoring %q: %w", name, err)
	}
	// node-exporter reads the host's /proc, /sys and disks. Only the standard "privileged"
	// allows that, so node-exporter has its own namespace.
	hosts, err := kube.Namespace(ctx, workload.NodeMetricsNamespace, kube.Privileged, args.Quotas, pulumi.Parent(m))
	if err != nil {
		return nil, fmt.Errorf("monitoring %q: %w", name, err)
	}
	inside := kube.After([]pulumi.ResourceOption{pulumi.Parent(m)}, slices.Concat(namespace.Ready, hosts.Ready)...)
	allowed, err := kube.RegisterPolicies(ctx, args.policies(), inside...)
	if err != nil {
		return nil, fmt.Errorf("monitoring %q: %w", name, err)
	}
	inside = kube.After(inside, allowed...)
	for _, declare := range []func(*pulumi.Context, ...pulumi.ResourceOption) error{
		args.store, args.stateMetrics, args.nodeExporter, args.alerting,
	} {
		if err := declare(ctx, inside...); err != nil {
			return nil, fmt.Errorf("monitoring %q: %w", name, err)
		}
	}
	if m.Password, err = args.grafana(ctx, name, inside...); err != nil {
		return nil, fmt.Errorf("monitoring %q: grafana: %w", name, err)
	}
	return m, ctx.RegisterResourceOutputs(m, pulumi.Map{"password": m.Password})
}

func (a Args) validate() error {
	var errs []error
	if a.Host == "" {
		errs = append(errs, errors.New("host: is missing"))
	}
	if a.Domain == "" {
		errs = append(errs, errors.New("domain: is missing"))
	}
	if a.RetentionDays < 1 {
		errs = append(errs, fmt.Errorf("retentionDays: %d is less than 1", a.RetentionDays))
	}
	if a.VictoriaMetrics.VolumeGiB < 1 {
		errs = append(errs, errors.New("victoriaMetrics: has no volume; set VolumeGiB to 1 or more"))
	}
	errs = append(errs, a.Alerts.validate(), a.OAuth.validate(), kube.Required("ingressNamespace", a.IngressNamespace))
	return errors.Join(errs...)
}

func (a Args) inputs() pulumi.Map {
	return pulumi.Map{"host": pulumi.String(a.Host), "retentionDays": pulumi.Int(a.RetentionDays)}
}

// policies returns the network policies. The metrics store may connect to every scraped
// namespace. Grafana, vmalert and the Job that counts usage may connect to the metrics store, and
// the ingress controller to Grafana.
func (a Args) policies() []kube.Policy {
	store := func(port int) kube.Peer { return kube.PeerOf(workload.VictoriaMetrics, port) }
	scraped := []kube.Peer{kube.APIServer, kube.Kubelet}
	for _, namespace := range workload.ScrapedNamespaces() {
		scraped = append(scraped, kube.Peer{Namespace: namespace})
	}
	in := workload.MonitoringNamespace
	return []kube.Policy{
		{Namespace: in, Name: "allow-store", App: workload.VictoriaMetrics.Name, To: scraped,
			From: []kube.Peer{kube.PeerOf(workload.Grafana, portStore), kube.PeerOf(workload.VMAlert, portStore), kube.PeerOf(workload.Usage, portStore), store(portStore)}},
		{Namespace: in, Name: "allow-vmalert", App: workload.VMAlert.Name, To: a.Alerts.peers(),
			From: []kube.Peer{store(portAlertmanager)}},
		{Namespace: in, Name: "allow-grafana", App: workload.Grafana.Name, To: append([]kube.Peer{store(portStore)}, a.OAuth.peers()...),
			From: []kube.Peer{kube.PeerOf(workload.Traefik, portGrafana), store(portGrafana)}},
		{Namespace: in, Name: "allow-state-metrics", App: workload.KubeStateMetrics.Name, To: []kube.Peer{kube.APIServer},
			From: []kube.Peer{store(portState)}},
		{Namespace: workload.NodeMetricsNamespace, Name: "allow-store", App: workload.NodeExporter.Name,
			From: []kube.Peer{store(portNode)}},
	}
}
