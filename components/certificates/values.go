package certificates

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/workload"
)

// webhookTimeoutSeconds is how long the API server waits for cert-manager's webhook.
const webhookTimeoutSeconds = 10

// values are the chart's. We set every resource value; chart defaults would not be
// counted by the sizing.
func (a Args) values() pulumi.Map {
	return pulumi.Map{
		// The CRDs go with the release: on a cluster of its own nobody else has them.
		"crds": pulumi.Map{"enabled": pulumi.Bool(true), "keep": pulumi.Bool(false)},
		"global": pulumi.Map{"leaderElection": pulumi.Map{
			"namespace": pulumi.String(workload.CertManagerNamespace),
		}},
		"replicaCount": pulumi.Int(a.CertManager.Replicas),
		"resources":    resources(a.CertManager),
		"webhook": pulumi.Map{
			"replicaCount": pulumi.Int(a.Webhook.Replicas), "resources": resources(a.Webhook),
			// The chart's 30 is above the 29 that DigitalOcean's upgrade check admits: it
			// would not upgrade the cluster (digitalocean/clusterlint#167).
			"timeoutSeconds": pulumi.Int(webhookTimeoutSeconds),
		},
		"cainjector": pulumi.Map{
			"replicaCount": pulumi.Int(a.CAInjector.Replicas), "resources": resources(a.CAInjector),
		},
		"startupapicheck": pulumi.Map{"timeout": pulumi.String("5m"), "resources": resources(a.Webhook)},
		// Asked over HTTPS, the resolvers need no way out but port 443, and no cached
		// answer of the cluster's own DNS delays an order.
		"dns01RecursiveNameserversOnly": pulumi.Bool(true),
		"dns01RecursiveNameservers":     pulumi.String("https://1.1.1.1/dns-query,https://8.8.8.8/dns-query"),
		"prometheus":                    pulumi.Map{"enabled": pulumi.Bool(true), "servicemonitor": pulumi.Map{"enabled": pulumi.Bool(false)}},
	}
}

func resources(pods components.Pods) pulumi.Map {
	return pulumi.Map{
		"requests": pulumi.Map{"cpu": pulumi.String(pods.Request.CPU()), "memory": pulumi.String(pods.Request.Memory())},
		"limits":   pulumi.Map{"memory": pulumi.String(pods.Limit.Memory())},
	}
}
