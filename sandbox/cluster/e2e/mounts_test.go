package e2e_test

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// mounts are the files of a Pod, laid out on this machine.
type mounts struct {
	// pairs are paths in the container and here, longer ones first.
	pairs []string
}

// here is a text in which the container's paths lead to this machine's.
func (m mounts) here(text string) string { return strings.NewReplacer(m.pairs...).Replace(text) }

// mount lays out the volumes of a Pod's container, as the kubelet would.
func (s stage) mount(t *testing.T, pod corev1.Pod) mounts {
	t.Helper()
	folders := map[string]string{}
	for _, volume := range pod.Spec.Volumes {
		folders[volume.Name] = s.volume(t, pod.Namespace, volume)
	}
	list := slices.Clone(pod.Spec.Containers[0].VolumeMounts)
	slices.SortFunc(list, func(a, b corev1.VolumeMount) int { return cmp.Compare(len(b.MountPath), len(a.MountPath)) })
	var m mounts
	for _, mounted := range list {
		m.pairs = append(m.pairs, mounted.MountPath, folders[mounted.Name])
	}
	return m
}

// volume is the folder of one: what it is filled from, or empty.
func (s stage) volume(t *testing.T, namespace string, v corev1.Volume) string {
	t.Helper()
	if v.HostPath != nil {
		return v.HostPath.Path
	}
	folder := t.TempDir()
	switch {
	case v.ConfigMap != nil:
		s.fillConfig(t, folder, namespace, v.ConfigMap.Name, v.ConfigMap.Items)
	case v.Secret != nil:
		s.fillSecret(t, folder, namespace, v.Secret.SecretName, v.Secret.Items)
	case v.Projected != nil:
		for _, source := range v.Projected.Sources {
			if source.ConfigMap != nil {
				s.fillConfig(t, folder, namespace, source.ConfigMap.Name, source.ConfigMap.Items)
			}
			if source.Secret != nil {
				s.fillSecret(t, folder, namespace, source.Secret.Name, source.Secret.Items)
			}
		}
	}
	return folder
}

func (s stage) fillConfig(t *testing.T, folder, namespace, name string, items []corev1.KeyToPath) {
	t.Helper()
	object, err := s.client.CoreV1().ConfigMaps(namespace).Get(t.Context(), name, metav1.GetOptions{})
	require.NoError(t, err)
	data := map[string][]byte{}
	for key, text := range object.Data {
		data[key] = []byte(text)
	}
	fill(t, folder, data, items)
}

func (s stage) fillSecret(t *testing.T, folder, namespace, name string, items []corev1.KeyToPath) {
	t.Helper()
	object, err := s.client.CoreV1().Secrets(namespace).Get(t.Context(), name, metav1.GetOptions{})
	require.NoError(t, err)
	fill(t, folder, object.Data, items)
}

// fill writes the items that are named, or all.
func fill(t *testing.T, folder string, data map[string][]byte, items []corev1.KeyToPath) {
	t.Helper()
	if len(items) == 0 {
		for key := range data {
			items = append(items, corev1.KeyToPath{Key: key, Path: key})
		}
	}
	for _, item := range items {
		require.Contains(t, data, item.Key)
		path := filepath.Join(folder, item.Path)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, data[item.Key], 0o600))
	}
}
