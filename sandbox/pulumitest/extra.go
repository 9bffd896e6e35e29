package pulumitest

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// extra is a resource that costs money and is not in the bill.
type extra struct {
	token  string
	inputs pulumi.Map
}

var metaExtra = pulumi.Map{"name": pulumi.String("extra"), "namespace": pulumi.String("app")}

// extras are resources that the meter must refuse, each for another reason.
var extras = map[string]extra{
	"droplet": {"digitalocean:index/droplet:Droplet", pulumi.Map{
		"image": pulumi.String("debian-12-x64"), "region": pulumi.String("fra1"), "size": pulumi.String("s-1vcpu-2gb"),
	}},
	"volume": {"digitalocean:index/volume:Volume", pulumi.Map{
		"region": pulumi.String("fra1"), "size": pulumi.Int(100),
	}},
	"pool": {"digitalocean:index/kubernetesNodePool:KubernetesNodePool", pulumi.Map{
		"clusterId": pulumi.String("x"), "size": pulumi.String("s-4vcpu-8gb"), "autoScale": pulumi.Bool(true),
		"minNodes": pulumi.Int(1), "maxNodes": pulumi.Int(5),
	}},
	"load balancer": {"kubernetes:core/v1:Service", pulumi.Map{
		"apiVersion": pulumi.String("v1"), "kind": pulumi.String("Service"), "metadata": metaExtra,
		"spec": pulumi.Map{"type": pulumi.String("LoadBalancer"), "ports": pulumi.Array{pulumi.Map{"port": pulumi.Int(80)}}},
	}},
	"claim": {"kubernetes:core/v1:PersistentVolumeClaim", pulumi.Map{
		"apiVersion": pulumi.String("v1"), "kind": pulumi.String("PersistentVolumeClaim"), "metadata": metaExtra,
		"spec": pulumi.Map{
			"accessModes": pulumi.Array{pulumi.String("ReadWriteOnce")},
			"resources":   pulumi.Map{"requests": pulumi.Map{"storage": pulumi.String("100Gi")}},
		},
	}},
	"uptime check": {"digitalocean:index/uptimeCheck:UptimeCheck", pulumi.Map{
		"name": pulumi.String("extra"), "target": pulumi.String("https://genericcorp.com"),
	}},
	"unknown type": {"digitalocean:index/gradientAgent:GradientAgent", pulumi.Map{"name": pulumi.String("extra")}},
}

// Extras returns the names of the resources that WithExtra can add, sorted.
func Extras() []string { return slices.Sorted(maps.Keys(extras)) }

// WithExtra returns the program with one more resource, whose name is from Extras.
func WithExtra(program pulumi.RunFunc, name string) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		if err := program(ctx); err != nil {
			return err
		}
		more, ok := extras[name]
		if !ok {
			return fmt.Errorf("there is no extra resource %q; one of %q", name, Extras())
		}
		var p anyProvider
		pkg := more.token[:len("digitalocean")]
		inputs := pulumi.Map{"token": pulumi.String("extra")}
		if pkg != "digitalocean" {
			pkg = "kubernetes"
			inputs = pulumi.Map{"kubeconfig": pulumi.String(kubeconfig)}
		}
		if err := ctx.RegisterResource("pulumi:providers:"+pkg, "extra", inputs, &p); err != nil {
			return err
		}
		var r anyResource
		return ctx.RegisterResource(more.token, "extra", more.inputs, &r, pulumi.Provider(&p))
	}
}

type anyResource struct{ pulumi.CustomResourceState }

// kubeconfig is that of a cluster outside the simulated cloud.
const kubeconfig = `{"clusters":[{"cluster":{"server":"https://192.0.2.1"}}],"users":[{"user":{"token":"extra"}}]}`
