package kube

import (
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/workload"
)

// Claim returns the volume claim of a workload, with the workload's name and the size of
// pods.VolumeGiB. class is its storage class; empty is the cluster's default.
func Claim(of workload.Ref, pods components.Pods, class string) *corev1.PersistentVolumeClaimArgs {
	meta := Meta(of, of.Name)
	// Pulumi must not wait for the claim: some storage classes bind a volume only when its
	// first Pod exists, and the Pod comes after the claim.
	meta.Annotations = pulumi.StringMap{"pulumi.com/skipAwait": pulumi.String("true")}
	spec := &corev1.PersistentVolumeClaimSpecArgs{
		AccessModes: pulumi.ToStringArray([]string{"ReadWriteOnce"}),
		Resources: &corev1.VolumeResourceRequirementsArgs{Requests: pulumi.StringMap{
			"storage": pulumi.Sprintf("%dGi", pods.VolumeGiB),
		}},
	}
	if class != "" {
		spec.StorageClassName = pulumi.String(class)
	}
	return &corev1.PersistentVolumeClaimArgs{Metadata: meta, Spec: spec}
}

// ClaimVolume returns a volume with the disk of a claim.
func ClaimVolume(name, claim string) *corev1.VolumeArgs {
	return &corev1.VolumeArgs{
		Name:                  pulumi.String(name),
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSourceArgs{ClaimName: pulumi.String(claim)},
	}
}

// SecretVolume returns a volume with a file for each of the given keys of a Secret; without
// keys, for all of them.
func SecretVolume(name, secret string, keys ...string) *corev1.VolumeArgs {
	source := &corev1.SecretVolumeSourceArgs{SecretName: pulumi.String(secret)}
	if len(keys) > 0 {
		var items corev1.KeyToPathArray
		for _, key := range keys {
			items = append(items, &corev1.KeyToPathArgs{Key: pulumi.String(key), Path: pulumi.String(key)})
		}
		source.Items = items
	}
	return &corev1.VolumeArgs{Name: pulumi.String(name), Secret: source}
}
