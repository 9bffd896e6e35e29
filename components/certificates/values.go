package certificates

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/workload"
)

// webhookTimeoutSeconds is how long the API server waits for cert-manager's webhook.
const webhookTimeoutSeconds = 10

// values returns the values of the chart. We set every resource value; chart defaults would
// not be counted by the sizing.
func (a Args) values() pulumi.Map {
	return pulumi.Map{
		// Helm deletes the CRDs with the release: no other release in the cluster uses them.
		"crds": pulumi.Map{"enabled": pulumi.Bool(true), "keep": pulumi.Bool(false)},
		"global": pulumi.Map{"leaderElection": pulumi.Map{
			"namespace": pulumi.String(workload.CertManagerNamespace),
		}},
		"replicaCount": pulumi.Int(a.CertManager.Replicas),
		"resources":    resources(a.CertManager),
		"strategy":     strategy(a.CertManager),
		"webhook": pulumi.Map{
			"replicaCount": pulumi.Int(a.Webhook.Replicas), "resources": resources(a.Webhook), "strategy": strategy(a.Webhook),
			// The chart's default is 30. DigitalOcean upgrades no cluster that has a
			// webhook with more than 29 (digitalocean/clusterlint#167).
			"timeoutSeconds": pulumi.Int(webhookTimeoutSeconds),
		},
		"cainjector": pulumi.Map{
			"replicaCount": pulumi.Int(a.CAInjector.Replicas), "resources": resources(a.CAInjector), "strategy": strategy(a.CAInjector),
		},
		"startupapicheck": pulumi.Map{"timeout": pulumi.String("5m"), "resources": resources(a.Webhook)},
		// DNS over HTTPS needs port 443 only, which the network policy allows. The
		// cluster's own DNS might delay an order with an old answer from its cache.
		"dns01RecursiveNameserversOnly": pulumi.Bool(true),
		"dns01RecursiveNameservers":     pulumi.String("https://1.1.1.1/dns-query,https://8.8.8.8/dns-query"),
		"prometheus":                    pulumi.Map{"enabled": pulumi.Bool(true), "servicemonitor": pulumi.Map{"enabled": pulumi.Bool(false)}},
	}
}

// strategy returns how an update replaces the single Pod of a Deployment: with the surge that the
// sizing counted, or after it has stopped the old Pod.
func strategy(pods components.Pods) pulumi.Map {
	if pods.Surge == 0 {
		return pulumi.Map{"type": pulumi.String("Recreate")}
	}
	return pulumi.Map{"type": pulumi.String("RollingUpdate"), "rollingUpdate": pulumi.Map{"maxSurge": pulumi.Int(pods.Surge), "maxUnavailable": pulumi.Int(0)}}
}

func resources(pods components.Pods) pulumi.Map {
	return pulumi.Map{
		"requests": pulumi.Map{"cpu": pulumi.String(pods.Request.CPU()), "memory": pulumi.String(pods.Request.Memory())},
		"limits":   pulumi.Map{"memory": pulumi.String(pods.Limit.Memory())},
	}
}
