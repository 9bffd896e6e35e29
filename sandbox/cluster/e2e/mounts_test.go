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

// mounts are the volumes of a Pod's container as folders on this machine.
type mounts struct {
	// pairs are paths in the container, each followed by its path on this machine. Longer
	// paths come first.
	pairs []string
}

// localPath returns a text with the container's paths replaced by those on this machine.
func (m mounts) localPath(text string) string { return strings.NewReplacer(m.pairs...).Replace(text) }

// mountVolumes writes the volumes of a Pod's first container to temporary folders, as the
// kubelet would.
func (s liveStack) mountVolumes(t *testing.T, pod corev1.Pod) mounts {
	t.Helper()
	folders := map[string]string{}
	for _, volume := range pod.Spec.Volumes {
		folders[volume.Name] = s.writeVolume(t, pod.Namespace, volume)
	}
	list := slices.Clone(pod.Spec.Containers[0].VolumeMounts)
	slices.SortFunc(list, func(a, b corev1.VolumeMount) int { return cmp.Compare(len(b.MountPath), len(a.MountPath)) })
	var m mounts
	for _, mounted := range list {
		m.pairs = append(m.pairs, mounted.MountPath, folders[mounted.Name])
	}
	return m
}

// writeVolume writes a volume to a temporary folder, and returns the folder. Volumes that are
// neither configuration nor a secret are empty. A host path is used as it is.
func (s liveStack) writeVolume(t *testing.T, namespace string, v corev1.Volume) string {
	t.Helper()
	if v.HostPath != nil {
		return v.HostPath.Path
	}
	folder := t.TempDir()
	switch {
	case v.ConfigMap != nil:
		s.writeConfigMap(t, folder, namespace, v.ConfigMap.Name, v.ConfigMap.Items)
	case v.Secret != nil:
		s.writeSecret(t, folder, namespace, v.Secret.SecretName, v.Secret.Items)
	case v.Projected != nil:
		for _, source := range v.Projected.Sources {
			if source.ConfigMap != nil {
				s.writeConfigMap(t, folder, namespace, source.ConfigMap.Name, source.ConfigMap.Items)
			}
			if source.Secret != nil {
				s.writeSecret(t, folder, namespace, source.Secret.Name, source.Secret.Items)
			}
		}
	}
	return folder
}

func (s liveStack) writeConfigMap(t *testing.T, folder, namespace, name string, items []corev1.KeyToPath) {
	t.Helper()
	object, err := s.client.CoreV1().ConfigMaps(namespace).Get(t.Context(), name, metav1.GetOptions{})
	require.NoError(t, err)
	data := map[string][]byte{}
	for key, text := range object.Data {
		data[key] = []byte(text)
	}
	writeItems(t, folder, data, items)
}

func (s liveStack) writeSecret(t *testing.T, folder, namespace, name string, items []corev1.KeyToPath) {
	t.Helper()
	object, err := s.client.CoreV1().Secrets(namespace).Get(t.Context(), name, metav1.GetOptions{})
	require.NoError(t, err)
	writeItems(t, folder, object.Data, items)
}

// writeItems writes the named items of data to a folder, or all if none are named.
func writeItems(t *testing.T, folder string, data map[string][]byte, items []corev1.KeyToPath) {
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
