package fakecloud

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	issuerKind      = schema.GroupVersionResource{Group: "cert-manager.io", Version: "v1", Resource: "clusterissuers"}
	certificateKind = schema.GroupVersionResource{Group: "cert-manager.io", Version: "v1", Resource: "certificates"}
)

// certificates issues a certificate for each Certificate and sets it and each
// ClusterIssuer ready. It does nothing until the types of cert-manager exist.
func (c *Controller) certificates(ctx context.Context) error {
	var errs []error
	for _, kind := range []schema.GroupVersionResource{issuerKind, certificateKind} {
		list, err := c.dynamic.Resource(kind).List(ctx, metav1.ListOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		for i := range list.Items {
			item := &list.Items[i]
			if conditions, _, _ := unstructured.NestedSlice(item.Object, "status", "conditions"); len(conditions) > 0 {
				continue
			}
			if kind == certificateKind {
				if err := c.issue(ctx, item); err != nil && !transient(err) {
					return err
				}
			}
			errs = append(errs, c.setReady(ctx, kind, item))
		}
	}
	return withoutTransient(errs)
}

// issue creates the Secret of a certificate.
func (c *Controller) issue(ctx context.Context, certificate *unstructured.Unstructured) error {
	names, _, _ := unstructured.NestedStringSlice(certificate.Object, "spec", "dnsNames")
	secret, _, _ := unstructured.NestedString(certificate.Object, "spec", "secretName")
	if len(names) == 0 {
		return nil // cert-manager does not issue a certificate without names
	}
	signed, key, err := c.issuer.Issue(names...)
	if err != nil {
		return err
	}
	_, err = c.client.CoreV1().Secrets(certificate.GetNamespace()).Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: secret}, Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{corev1.TLSCertKey: signed, corev1.TLSPrivateKeyKey: key},
	}, metav1.CreateOptions{})
	return err
}

// setReady sets the condition Ready of an object.
func (c *Controller) setReady(ctx context.Context, kind schema.GroupVersionResource, item *unstructured.Unstructured) error {
	condition := map[string]any{
		"type": "Ready", "status": "True", "reason": "Simulated", "message": "signed by the sandbox",
		"lastTransitionTime": time.Now().UTC().Format(time.RFC3339),
	}
	if err := unstructured.SetNestedSlice(item.Object, []any{condition}, "status", "conditions"); err != nil {
		return err
	}
	_, err := c.dynamic.Resource(kind).Namespace(item.GetNamespace()).UpdateStatus(ctx, item, metav1.UpdateOptions{})
	return err
}
