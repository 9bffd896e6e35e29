package pulumitest

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// extra is a resource that costs money and is not in the bill.
type extra struct {
	token  string
	inputs pulumi.Map
	opts   []pulumi.ResourceOption
	// transform is registered for the stack after the program, and so after the meter.
	transform pulumi.ResourceTransform
}

// Late is the resource that a transform after the meter makes expensive. The mock runs no
// transforms, so Extras does not have it.
const Late = "late transform"

var metaExtra = pulumi.Map{"name": pulumi.String("extra"), "namespace": pulumi.String("app")}

// extras are resources that the meter must refuse, each for another reason.
var extras = map[string]extra{
	"droplet": {token: "digitalocean:index/droplet:Droplet", inputs: pulumi.Map{
		"image": pulumi.String("debian-12-x64"), "region": pulumi.String("fra1"), "size": pulumi.String("s-1vcpu-2gb"),
	}},
	"volume": {token: "digitalocean:index/volume:Volume", inputs: pulumi.Map{
		"region": pulumi.String("fra1"), "size": pulumi.Int(100),
	}},
	"pool": {token: "digitalocean:index/kubernetesNodePool:KubernetesNodePool", inputs: pulumi.Map{
		"clusterId": pulumi.String("x"), "size": pulumi.String("s-4vcpu-8gb"), "autoScale": pulumi.Bool(true),
		"minNodes": pulumi.Int(1), "maxNodes": pulumi.Int(5),
	}},
	"load balancer": {token: "kubernetes:core/v1:Service", inputs: service("LoadBalancer")},
	"ignored input": {
		token: "kubernetes:core/v1:Service", inputs: service("ClusterIP"), opts: []pulumi.ResourceOption{pulumi.IgnoreChanges([]string{"spec.type"})},
	},
	Late: {token: "kubernetes:core/v1:Service", inputs: service("ClusterIP"), transform: func(_ context.Context, args *pulumi.ResourceTransformArgs) *pulumi.ResourceTransformResult {
		if args.Name != "extra" || args.Type != "kubernetes:core/v1:Service" {
			return nil
		}
		return &pulumi.ResourceTransformResult{Props: service("LoadBalancer"), Opts: args.Opts}
	}},
	"ephemeral disk": {token: "kubernetes:apps/v1:Deployment", inputs: pulumi.Map{
		"apiVersion": pulumi.String("apps/v1"), "kind": pulumi.String("Deployment"), "metadata": metaExtra,
		"spec": pulumi.Map{"template": pulumi.Map{"spec": pulumi.Map{"volumes": pulumi.Array{pulumi.Map{
			"name": pulumi.String("data"), "ephemeral": pulumi.Map{"volumeClaimTemplate": pulumi.Map{}},
		}}}}},
	}},
	"claim": {token: "kubernetes:core/v1:PersistentVolumeClaim", inputs: pulumi.Map{
		"apiVersion": pulumi.String("v1"), "kind": pulumi.String("PersistentVolumeClaim"), "metadata": metaExtra,
		"spec": pulumi.Map{
			"accessModes": pulumi.Array{pulumi.String("ReadWriteOnce")},
			"resources":   pulumi.Map{"requests": pulumi.Map{"storage": pulumi.String("100Gi")}},
		},
	}},
	"uptime check": {token: "digitalocean:index/uptimeCheck:UptimeCheck", inputs: pulumi.Map{
		"name": pulumi.String("extra"), "target": pulumi.String("https://genericcorp.com"),
	}},
	"unknown type": {token: "digitalocean:index/gradientAgent:GradientAgent", inputs: pulumi.Map{"name": pulumi.String("extra")}},
}

func service(kind string) pulumi.Map {
	return pulumi.Map{
		"apiVersion": pulumi.String("v1"), "kind": pulumi.String("Service"), "metadata": metaExtra,
		"spec": pulumi.Map{"type": pulumi.String(kind), "ports": pulumi.Array{pulumi.Map{"port": pulumi.Int(80)}}},
	}
}

// Extras returns the names of the resources that WithExtra can add, sorted.
// Late is not among them.
func Extras() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(extras)), func(name string) bool { return name == Late })
}

// WithExtra returns the program with one more resource, whose name is from Extras.
func WithExtra(program pulumi.RunFunc, name string) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		if err := program(ctx); err != nil {
			return err
		}
		more, ok := extras[name]
		if !ok {
			return fmt.Errorf("there is no extra resource %q; one of %q and %q", name, Extras(), Late)
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
		if more.transform != nil {
			if err := ctx.RegisterResourceTransform(more.transform); err != nil { //nolint:forbidigo // the meter must notice it
				return err
			}
		}
		var r anyResource
		return ctx.RegisterResource(more.token, "extra", more.inputs, &r, append(more.opts, pulumi.Provider(&p))...)
	}
}

type anyResource struct{ pulumi.CustomResourceState }

// kubeconfig is that of a cluster outside the simulated cloud.
const kubeconfig = `{"clusters":[{"cluster":{"server":"https://192.0.2.1"}}],"users":[{"user":{"token":"extra"}}]}`
