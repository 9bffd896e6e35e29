package kube

import (
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/workload"
)

// Volume is the name of a volume of a Pod. At and WritableAt mount it in a container; the
// other methods say what it holds. The type keeps names apart from paths and from the names of
// Secrets and claims.
type Volume string

// Scratch returns a volume on the node's disk that is deleted with its Pod, for programs that
// must write files. sizeLimit is a Kubernetes quantity, for example "64Mi"; a Pod above it is
// evicted.
func (v Volume) Scratch(sizeLimit string) *corev1.VolumeArgs {
	return &corev1.VolumeArgs{
		Name:     pulumi.String(v),
		EmptyDir: &corev1.EmptyDirVolumeSourceArgs{SizeLimit: pulumi.String(sizeLimit)},
	}
}

// FromConfigMap returns a volume with a file for each key of a ConfigMap.
func (v Volume) FromConfigMap(configMap string) *corev1.VolumeArgs {
	return &corev1.VolumeArgs{
		Name:      pulumi.String(v),
		ConfigMap: &corev1.ConfigMapVolumeSourceArgs{Name: pulumi.String(configMap)},
	}
}

// FromSecret returns a volume with a file for each of the given keys of a Secret; without
// keys, for all of them.
func (v Volume) FromSecret(secret string, keys ...string) *corev1.VolumeArgs {
	source := &corev1.SecretVolumeSourceArgs{SecretName: pulumi.String(secret)}
	if len(keys) > 0 {
		var items corev1.KeyToPathArray
		for _, key := range keys {
			items = append(items, &corev1.KeyToPathArgs{Key: pulumi.String(key), Path: pulumi.String(key)})
		}
		source.Items = items
	}
	return &corev1.VolumeArgs{Name: pulumi.String(v), Secret: source}
}

// FromClaim returns a volume with the disk of a claim.
func (v Volume) FromClaim(claim string) *corev1.VolumeArgs {
	return &corev1.VolumeArgs{
		Name:                  pulumi.String(v),
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSourceArgs{ClaimName: pulumi.String(claim)},
	}
}

// At returns a read-only mount of the volume at a path.
func (v Volume) At(path string) *corev1.VolumeMountArgs {
	mount := v.WritableAt(path)
	mount.ReadOnly = pulumi.Bool(true)
	return mount
}

// WritableAt returns a mount of the volume at a path.
func (v Volume) WritableAt(path string) *corev1.VolumeMountArgs {
	return &corev1.VolumeMountArgs{Name: pulumi.String(v), MountPath: pulumi.String(path)}
}

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
