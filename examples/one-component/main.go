// Command shop shows how a program of its own uses components of the platform: managed
// PostgreSQL, certificates and the app, behind the platform's ingress controller. The
// Kubernetes cluster exists already. There is no stack file with settings, no budget and
// no tenant: this program chooses the sizes.
package main

import (
	"fmt"
	"os"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/components/app"
	"github.com/genericcorp/platform/components/certificates"
	"github.com/genericcorp/platform/components/ingress"
	"github.com/genericcorp/platform/components/postgres"
)

// The networks of the cluster that exists.
const (
	vpcRange = "10.20.0.0/20"
	podRange = "10.120.0.0/16"
)

func main() { pulumi.Run(program) }

func program(ctx *pulumi.Context) error {
	cfg := config.New(ctx, "")
	cloud, err := digitalocean.NewProvider(ctx, "digitalocean", &digitalocean.ProviderArgs{})
	if err != nil {
		return err
	}
	kubeconfig, err := os.ReadFile(os.Getenv("KUBECONFIG"))
	if err != nil {
		return fmt.Errorf("KUBECONFIG has to name the kubeconfig of the cluster: %w", err)
	}
	cluster, err := kubernetes.NewProvider(ctx, "kubernetes", &kubernetes.ProviderArgs{Kubeconfig: pulumi.String(kubeconfig)})
	if err != nil {
		return err
	}
	database, err := declareDatabase(ctx, cfg, cloud)
	if err != nil {
		return err
	}
	return declareApp(ctx, cfg, database, pulumi.Provider(cluster))
}

// declareDatabase declares the smallest managed PostgreSQL in the cluster's network.
func declareDatabase(ctx *pulumi.Context, cfg *config.Config, cloud pulumi.ProviderResource) (*postgres.Postgres, error) {
	return postgres.New(ctx, "shop", postgres.Args{
		Region: cfg.Require("region"), Version: "17", Size: "db-s-1vcpu-1gb", Nodes: 1,
		MaintenanceDay: "sunday", MaintenanceHour: "03:00",
		VPC: pulumi.String(cfg.Require("vpc")), Cluster: pulumi.String(cfg.Require("cluster")), PodRange: podRange,
	}, pulumi.Provider(cloud))
}

// declareApp declares the app with its certificate, behind the ingress controller.
func declareApp(ctx *pulumi.Context, cfg *config.Config, database *postgres.Postgres, inside pulumi.ResourceOption) error {
	pods := components.Pods{
		Replicas: 2, Surge: 1,
		Request: components.Resources{MilliCPU: 50, MiB: 96}, Limit: components.Resources{MiB: 192},
	}
	domain := cfg.Require("domain")
	in, err := ingress.New(ctx, "shop", ingress.Args{Pods: pods, TrustedRange: vpcRange}, inside)
	if err != nil {
		return err
	}
	_, err = certificates.New(ctx, "shop", certificates.Args{
		Domain: domain, Email: cfg.Require("email"), Issuer: "staging", Chart: "oci://quay.io/jetstack/charts/cert-manager",
		CertManager: pods, CAInjector: pods, Webhook: pods,
		CloudflareToken: pulumi.String(os.Getenv("CLOUDFLARE_API_TOKEN")), Namespace: in.Namespace,
	}, inside)
	if err != nil {
		return err
	}
	_, err = app.New(ctx, "shop", app.Args{
		Image: "ghcr.io/stefanprodan/podinfo:6.9.2", Port: 9898,
		HealthPath: "/healthz", ReadyPath: "/readyz", MetricsPath: "/metrics",
		Domain: domain, Pods: pods, IngressNamespace: in.Namespace,
		DatabaseURL: database.URL, DatabaseCA: database.CA, DatabaseRange: vpcRange, DatabasePort: 25060,
	}, inside)
	ctx.Export("url", pulumi.String("https://"+domain))
	return err
}
