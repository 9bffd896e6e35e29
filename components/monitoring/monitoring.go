// Package monitoring declares what watches the stack: VictoriaMetrics, which
// scrapes and keeps figures, kube-state-metrics and node-exporter, which tell
// them, and Grafana, which shows them.
package monitoring

import (
	"errors"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/workload"
)

const typeToken = "platform:monitoring:Monitoring"

// Args size it and say where it is seen.
type Args struct {
	// Host is where Grafana answers.
	Host string
	// VictoriaMetrics, Grafana, KubeStateMetrics and NodeExporter say what each gets.
	VictoriaMetrics, Grafana, KubeStateMetrics, NodeExporter components.Pods
	// RetentionDays is how long figures are kept, on a volume of
	// VictoriaMetrics.VolumeGiB.
	RetentionDays int
	// StorageClass of that volume; empty takes the cluster's default.
	StorageClass string
	// PlannedNodes is what the budget pays for, shown beside what runs; zero where
	// the nodes are not ours.
	PlannedNodes int
	// IngressNamespace is where the route goes.
	IngressNamespace pulumi.StringInput
}

// Monitoring is what others need of it.
type Monitoring struct {
	pulumi.ResourceState

	// Password is Grafana's for the user "admin". Secret.
	Password pulumi.StringOutput `pulumi:"password"`
}

// New declares the monitoring; invalid args register nothing.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*Monitoring, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("monitoring %q: %w", name, err)
	}
	m := &Monitoring{}
	if err := ctx.RegisterComponentResourceV2(typeToken, name, args.inputs(), m, opts...); err != nil {
		return nil, fmt.Errorf("monitoring %q: register: %w", name, err)
	}
	ns, err := kube.Namespace(ctx, workload.MonitoringNamespace, kube.Restricted, pulumi.Parent(m))
	if err != nil {
		return nil, fmt.Errorf("monitoring %q: %w", name, err)
	}
	// node-exporter reads the host's /proc, /sys and disks, which no standard but
	// "privileged" admits; it has a namespace to itself, and no other right.
	hosts, err := kube.Namespace(ctx, workload.NodeMetricsNamespace, kube.Privileged, pulumi.Parent(m))
	if err != nil {
		return nil, fmt.Errorf("monitoring %q: %w", name, err)
	}
	inside := kube.After([]pulumi.ResourceOption{pulumi.Parent(m)}, ns, hosts)
	allowed, err := kube.RegisterPolicies(ctx, policies(), inside...)
	if err != nil {
		return nil, fmt.Errorf("monitoring %q: %w", name, err)
	}
	inside = kube.After(inside, allowed...)
	for _, part := range []func(*pulumi.Context, ...pulumi.ResourceOption) error{
		args.store, args.stateMetrics, args.nodeExporter,
	} {
		if err := part(ctx, inside...); err != nil {
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
	if a.RetentionDays < 1 {
		errs = append(errs, fmt.Errorf("retentionDays: %d is less than 1", a.RetentionDays))
	}
	if a.VictoriaMetrics.VolumeGiB < 1 {
		errs = append(errs, errors.New("victoriaMetrics: the metrics store has no volume"))
	}
	errs = append(errs, kube.Required("ingressNamespace", a.IngressNamespace))
	return errors.Join(errs...)
}

func (a Args) inputs() pulumi.Map {
	return pulumi.Map{"host": pulumi.String(a.Host), "retentionDays": pulumi.Int(a.RetentionDays)}
}

// policies: the store reads figures everywhere, Grafana reads the store, and
// Grafana is seen through the ingress controller.
func policies() []kube.Policy {
	store := func(port int) kube.Peer { return kube.PeerOf(workload.VictoriaMetrics, port) }
	scraped := []kube.Peer{kube.APIServer, kube.Kubelet}
	for _, namespace := range workload.ScrapedNamespaces() {
		scraped = append(scraped, kube.Peer{Namespace: namespace})
	}
	in := workload.MonitoringNamespace
	return []kube.Policy{
		{Namespace: in, Name: "allow-store", App: workload.VictoriaMetrics.Name, To: scraped,
			From: []kube.Peer{kube.PeerOf(workload.Grafana, portStore), store(portStore)}},
		{Namespace: in, Name: "allow-grafana", App: workload.Grafana.Name, To: []kube.Peer{store(portStore)},
			From: []kube.Peer{kube.PeerOf(workload.Traefik, portGrafana), store(portGrafana)}},
		{Namespace: in, Name: "allow-state-metrics", App: workload.KubeStateMetrics.Name, To: []kube.Peer{kube.APIServer},
			From: []kube.Peer{store(portState)}},
		{Namespace: workload.NodeMetricsNamespace, Name: "allow-store", App: workload.NodeExporter.Name,
			From: []kube.Peer{store(portNode)}},
	}
}
