package kube

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/workload"
)

// quotaName is in the API server's refusals: "exceeded quota: budget".
const quotaName = "budget"

// quotaArgs returns the ResourceQuota of a namespace. With it, the API server refuses every
// Pod without requests, and everything while it has not counted the namespace yet.
//
// Pulumi waits until the limits for Services and claims are in force. It creates these objects
// itself and does not try again. The controllers that create Pods do.
func quotaArgs(namespace string, q components.Quota) *corev1.ResourceQuotaArgs {
	storage := "0"
	if q.VolumeGiB > 0 {
		storage = fmt.Sprintf("%dGi", q.VolumeGiB)
	}
	awaited := map[string]string{
		"persistentvolumeclaims": strconv.Itoa(q.Claims),
		"requests.storage":       storage,
		"services.loadbalancers": strconv.Itoa(q.LoadBalancers),
		"services.nodeports":     strconv.Itoa(q.NodePorts),
	}
	hard := pulumi.ToStringMap(awaited)
	hard["requests.cpu"], hard["requests.memory"] = pulumi.String(q.Request.CPU()), pulumi.String(q.Request.Memory())
	meta := Meta(workload.Ref{Namespace: namespace, Name: namespace}, quotaName)
	meta.Annotations = pulumi.StringMap{"pulumi.com/waitFor": pulumi.String(inForce(awaited))}
	return &corev1.ResourceQuotaArgs{Metadata: meta, Spec: &corev1.ResourceQuotaSpecArgs{Hard: hard}}
}

// inForce returns the conditions of the limits in the status, as Pulumi's annotation wants
// them: a JSON list of JSONPath expressions (RFC 9535) with values.
func inForce(limits map[string]string) string {
	var conditions []string
	for _, name := range slices.Sorted(maps.Keys(limits)) {
		conditions = append(conditions, fmt.Sprintf(`"jsonpath={.status.hard['%s']}=%s"`, name, limits[name]))
	}
	return "[" + strings.Join(conditions, ",") + "]"
}
