package certificates

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/workload"
)

const (
	metricsPort = 9402
	webhookPort = 10250
)

// registerPolicies declares the network policies: cert-manager may connect to Let's
// Encrypt, Cloudflare and the API server, the API server to the webhook, and the metrics
// store to the metrics port.
func registerPolicies(ctx *pulumi.Context, opts []pulumi.ResourceOption) ([]pulumi.Resource, error) {
	namespace := workload.CertManagerNamespace
	// The API server is not a Pod, so no selector matches it: any source may connect.
	webhook := kube.Peer{Ports: []int{webhookPort}}
	return kube.RegisterPolicies(ctx, []kube.Policy{
		{Namespace: namespace, Name: "allow-api", To: []kube.Peer{kube.APIServer}},
		{Namespace: namespace, Name: "allow-metrics", From: []kube.Peer{kube.PeerOf(workload.VictoriaMetrics, metricsPort)}},
		{Namespace: namespace, Name: "allow-webhook", App: "webhook", From: []kube.Peer{webhook}},
	}, opts...)
}
