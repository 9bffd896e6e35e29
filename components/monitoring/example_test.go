package monitoring_test

import (
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/components/monitoring"
)

// Metrics of 30 days on a volume of 5 GiB, and alerts to Slack. The namespace is an output of the ingress component.
func Example() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		store := components.Pods{
			Replicas: 1, VolumeGiB: 5,
			Request: components.Resources{MilliCPU: 100, MiB: 256}, Limit: components.Resources{MiB: 512},
		}
		grafana := components.Pods{
			Replicas: 1,
			Request:  components.Resources{MilliCPU: 50, MiB: 512}, Limit: components.Resources{MiB: 768},
		}
		exporter := components.Pods{
			Replicas: 1, Surge: 1,
			Request: components.Resources{MilliCPU: 10, MiB: 64}, Limit: components.Resources{MiB: 128},
		}
		alerts := components.Pods{
			Replicas: 1,
			Request:  components.Resources{MilliCPU: 15, MiB: 88}, Limit: components.Resources{MiB: 176},
			Sidecar: components.Share{Request: components.Resources{MilliCPU: 5, MiB: 56}, Limit: components.Resources{MiB: 112}},
		}
		shop, err := monitoring.New(ctx, "shop", monitoring.Args{
			Host: "grafana.shop.example.com", Domain: "shop.example.com", RetentionDays: 30, PlannedNodes: 2,
			VictoriaMetrics: store, Grafana: grafana, KubeStateMetrics: exporter, NodeExporter: exporter,
			VMAlert: alerts,
			Alerts: monitoring.Alerts{
				AvailabilityPercent: 99.5, LatencyMillis: 1000,
				Webhook: "slack", WebhookURL: pulumi.ToSecret(pulumi.String(os.Getenv("ALERT_WEBHOOK_URL"))).(pulumi.StringOutput),
			},
			IngressNamespace: pulumi.String("ingress"),
		})
		if err != nil {
			return err
		}
		ctx.Export("grafanaPassword", shop.Password)
		return nil
	})
}
