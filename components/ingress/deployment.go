package ingress

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/routes"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/workload"
)

const (
	image = "docker.io/library/traefik:v3.7.11@sha256:5203c3f39ca70de6790d964624e042463ffbd57715bc82be155cf224c0dd5144"
	uid   = 65532

	portHTTP    = 8000
	portHTTPS   = 8443
	portMetrics = 8082

	configVolume kube.Volume = "config"
	tmpVolume    kube.Volume = "tmp"
)

// dynamic returns the part of Traefik's configuration that has no flag: the HSTS header (two
// years), the 503 for suspended tenants, the rate limits of the tiers, and the redirects.
// Each replica counts requests separately, so each gets its share of a limit.
func (a Args) dynamic() string {
	var b strings.Builder
	fmt.Fprintf(&b, `tls:
  options:
    default:
      minVersion: VersionTLS12
http:
  middlewares:
    hsts:
      headers:
        stsSeconds: 63072000
        stsIncludeSubdomains: %t
    %s:
      ipAllowList:
        sourceRange: [255.255.255.255/32]
        rejectStatusCode: 503
`, a.HSTSIncludeSubdomains, routes.Suspended)
	for _, tier := range settings.Tiers {
		fmt.Fprintf(&b, `    %s:
      rateLimit:
        average: %d
        burst: %d
        sourceCriterion:
          requestHost: true
`, routes.TierLimit(tier.Name), a.share(tier.RequestsPerSecond), a.share(tier.Burst))
	}
	a.redirects(&b)
	return b.String()
}

// redirects writes the middlewares for old hosts of tenants. Traefik answers a GET with 301
// and other methods with 308, so that a client keeps its method
// (pkg/middlewares/redirect of v3.7.11).
func (a Args) redirects(b *strings.Builder) {
	if len(a.Redirects) == 0 {
		return
	}
	fmt.Fprintf(b, `    %s:
      headers:
        customResponseHeaders:
          Cache-Control: max-age=300
`, routes.Briefly)
	for _, r := range a.Redirects {
		names := routes.Redirect(r.Tenant)
		fmt.Fprintf(b, `    %s:
      redirectRegex:
        regex: '^https://%s(:[0-9]+)?/(.*)$'
        replacement: 'https://%s/${2}'
        permanent: true
`, names[len(names)-1], regexp.QuoteMeta(r.OldHost), r.NewHost)
	}
}

// share returns the part of a limit that each replica applies, rounded up.
func (a Args) share(limit int) int { return (limit + a.Pods.Replicas - 1) / a.Pods.Replicas }

func (a Args) configMap() *corev1.ConfigMapArgs {
	return &corev1.ConfigMapArgs{
		Metadata: kube.Meta(workload.Traefik, workload.Traefik.Name),
		Data:     pulumi.StringMap{"dynamic.yaml": pulumi.String(a.dynamic())},
	}
}

func (a Args) flags() []string {
	flags := []string{
		"--global.checkNewVersion=false",
		"--global.sendAnonymousUsage=false",
		"--log.level=INFO",
		"--ping=true",
		"--ping.entryPoint=metrics",
		fmt.Sprintf("--entryPoints.metrics.address=:%d", portMetrics),
		fmt.Sprintf("--entryPoints.web.address=:%d", portHTTP),
		"--entryPoints.web.http.redirections.entryPoint.to=:443",
		"--entryPoints.web.http.redirections.entryPoint.scheme=https",
		"--entryPoints.web.http.redirections.entryPoint.permanent=true",
		fmt.Sprintf("--entryPoints.websecure.address=:%d", portHTTPS),
		"--entryPoints.websecure.http.tls=true",
		"--entryPoints.websecure.http.middlewares=hsts@file",
		"--entryPoints.websecure.transport.lifeCycle.requestAcceptGraceTimeout=10s",
		"--entryPoints.websecure.transport.lifeCycle.graceTimeOut=20s",
		"--metrics.prometheus=true",
		"--metrics.prometheus.entryPoint=metrics",
		// The dashboard reads the usage of each host, and so of each tenant, by this label.
		"--metrics.prometheus.addRoutersLabels=true",
		"--metrics.prometheus.buckets=" + buckets(),
		"--providers.file.filename=/etc/traefik/dynamic.yaml",
		"--providers.kubernetesIngress=true",
		"--providers.kubernetesIngress.namespaces=" + workload.IngressNamespace,
		"--providers.kubernetesIngress.ingressClass=" + routes.Class,
		// A route names a Service of another namespace (type ExternalName). Only the
		// platform may create routes.
		"--providers.kubernetesIngress.allowExternalNameServices=true",
	}
	if a.TrustedRange != "" {
		flags = append(flags,
			"--entryPoints.web.proxyProtocol.trustedIPs="+a.TrustedRange,
			"--entryPoints.websecure.proxyProtocol.trustedIPs="+a.TrustedRange)
	}
	return flags
}

// buckets returns settings.Latencies in seconds.
func buckets() string {
	var out []string
	for _, ms := range settings.Latencies {
		out = append(out, strconv.FormatFloat(float64(ms)/1000, 'g', -1, 64))
	}
	return strings.Join(out, ",")
}

func (a Args) deployment() *appsv1.DeploymentArgs {
	pod := kube.Pod(workload.Traefik, uid)
	pod.AutomountServiceAccountToken = pulumi.Bool(true)
	pod.TerminationGracePeriodSeconds = pulumi.Int(45)
	pod.Containers = corev1.ContainerArray{a.container()}
	pod.Volumes = corev1.VolumeArray{configVolume.FromConfigMap(workload.Traefik.Name), tmpVolume.Scratch("16Mi")}
	return kube.Deployment(workload.Traefik, a.Pods, kube.WithChecksum(kube.Scraped(portMetrics, "/metrics"), a.dynamic()), pod)
}

func (a Args) container() *corev1.ContainerArgs {
	ping := kube.Endpoint{Path: "/ping", Port: "metrics"}
	return &corev1.ContainerArgs{
		Name:            pulumi.String(workload.Traefik.Name),
		Image:           pulumi.String(image),
		Args:            pulumi.ToStringArray(a.flags()),
		Ports:           corev1.ContainerPortArray{kube.Port("web", portHTTP), kube.Port("websecure", portHTTPS), kube.Port("metrics", portMetrics)},
		Resources:       kube.Resources(a.Pods),
		SecurityContext: kube.ContainerSecurity(),
		StartupProbe:    ping.StartupProbe(),
		ReadinessProbe:  ping.Probe(5),
		LivenessProbe:   ping.Probe(10),
		VolumeMounts:    corev1.VolumeMountArray{configVolume.At("/etc/traefik"), tmpVolume.WritableAt("/tmp")},
	}
}
