package ingress

import (
	"fmt"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/routes"
	"github.com/genericcorp/platform/internal/workload"
)

func class() *networkingv1.IngressClassArgs {
	return &networkingv1.IngressClassArgs{
		Metadata: kube.ClusterMeta(workload.Traefik, routes.Class),
		Spec:     &networkingv1.IngressClassSpecArgs{Controller: pulumi.String("traefik.io/ingress-controller")},
	}
}

func (a Args) service(name string) *corev1.ServiceArgs {
	meta := kube.Meta(workload.Traefik, workload.Traefik.Name)
	serviceType := "LoadBalancer"
	switch {
	case a.Address != "":
		serviceType = "NodePort"
	case a.TrustedRange != "":
		meta.Annotations = doAnnotations(name)
	}
	return &corev1.ServiceArgs{
		Metadata: meta,
		Spec: &corev1.ServiceSpecArgs{
			Type:     pulumi.String(serviceType),
			Selector: kube.Selector(workload.Traefik),
			Ports:    corev1.ServicePortArray{servicePort("web", 80), servicePort("websecure", 443)},
		},
	}
}

// doAnnotations returns the annotations that ask DigitalOcean for its regional load balancer.
// From Kubernetes 1.33 on, a Service without them gets a network load balancer, which costs
// more (internal/catalog).
func doAnnotations(name string) pulumi.StringMap {
	const prefix = catalog.BalancerAnnotations
	return pulumi.StringMap{
		prefix + "type":                  pulumi.String(catalog.BalancerType),
		prefix + "size-unit":             pulumi.String("1"),
		prefix + "name":                  pulumi.String(name),
		prefix + "enable-proxy-protocol": pulumi.String("true"),
	}
}

func servicePort(name string, port int) *corev1.ServicePortArgs {
	return &corev1.ServicePortArgs{Name: pulumi.String(name), Port: pulumi.Int(port), TargetPort: pulumi.String(name)}
}

// address returns a.Address, or else the IPv4 address that the load balancer gets.
func (a Args) address(service *corev1.Service) pulumi.StringOutput {
	if a.Address != "" {
		return pulumi.String(a.Address).ToStringOutput()
	}
	return service.Status.ApplyT(func(status *corev1.ServiceStatus) (string, error) {
		if status == nil || status.LoadBalancer == nil || len(status.LoadBalancer.Ingress) == 0 || status.LoadBalancer.Ingress[0].Ip == nil {
			return "", fmt.Errorf("the Service %s has no IPv4 address; where the cluster has no load balancers, set settings.ingress.address", workload.Traefik.Name)
		}
		return *status.LoadBalancer.Ingress[0].Ip, nil
	}).(pulumi.StringOutput)
}
