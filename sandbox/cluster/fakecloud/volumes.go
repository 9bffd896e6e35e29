package fakecloud

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// volumes creates a volume for each pending claim, and deletes volumes whose claim was
// deleted.
func (c *Controller) volumes(ctx context.Context) error {
	claims, err := c.client.CoreV1().PersistentVolumeClaims("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	var errs []error
	for i := range claims.Items {
		claim := &claims.Items[i]
		if claim.Status.Phase != corev1.ClaimPending || claim.Spec.VolumeName != "" {
			continue
		}
		source, err := c.volumeSource(claim)
		if err != nil {
			return err
		}
		_, err = c.client.CoreV1().PersistentVolumes().Create(ctx, &corev1.PersistentVolume{
			ObjectMeta: metav1.ObjectMeta{Name: "pvc-" + string(claim.UID)},
			Spec: corev1.PersistentVolumeSpec{
				Capacity: claim.Spec.Resources.Requests, AccessModes: claim.Spec.AccessModes, StorageClassName: storageClass,
				PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimDelete,
				ClaimRef: &corev1.ObjectReference{
					APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
				},
				PersistentVolumeSource: source,
			},
		}, metav1.CreateOptions{})
		errs = append(errs, err)
	}
	volumes, err := c.client.CoreV1().PersistentVolumes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range volumes.Items {
		// Kubernetes sets a volume that it cannot delete itself, such as a folder, to Failed.
		if phase := volumes.Items[i].Status.Phase; phase == corev1.VolumeReleased || phase == corev1.VolumeFailed {
			errs = append(errs, c.client.CoreV1().PersistentVolumes().Delete(ctx, volumes.Items[i].Name, metav1.DeleteOptions{}))
		}
	}
	return withoutTransient(errs)
}

// volumeSource returns a volume of DigitalOcean's driver, which does not run here, or a folder
// of this machine for a real node.
func (c *Controller) volumeSource(claim *corev1.PersistentVolumeClaim) (corev1.PersistentVolumeSource, error) {
	if c.machines == nil {
		return corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{
			Driver: "dobs.csi.digitalocean.com", VolumeHandle: string(claim.UID),
		}}, nil
	}
	folder, err := c.machines.VolumeFolder(claim)
	return corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: folder}}, err
}
