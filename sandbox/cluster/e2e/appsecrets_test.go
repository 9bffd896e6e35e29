package e2e_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/genericcorp/platform/internal/workload"
)

// checkAppSecrets checks that a secret variable and a login for a registry reach every Pod of
// the app through Secrets, and that an update without them deletes the Secrets.
func (s liveStack) checkAppSecrets(t *testing.T) {
	for _, pair := range [][2]string{
		{"platform:appEnv.STRIPE_KEY", "sk-of-the-test"},
		{"platform:registry.server", "ghcr.io"}, {"platform:registry.username", "robot"}, {"platform:registry.password", "pull-of-the-test"},
	} {
		s.Succeeds(t, "config", "set", "--secret", "--path", pair[0], pair[1])
	}
	s.Up(t)
	s.waitForPods(t)
	secrets := s.client.CoreV1().Secrets(workload.AppNamespace)
	found := 0
	for _, pod := range s.pods(t) {
		if pod.Namespace != workload.AppNamespace {
			continue
		}
		found++
		require.Len(t, pod.Spec.ImagePullSecrets, 1)
		login, err := secrets.Get(t.Context(), pod.Spec.ImagePullSecrets[0].Name, metav1.GetOptions{})
		require.NoError(t, err)
		assert.Equal(t, corev1.SecretTypeDockerConfigJson, login.Type)
		assert.Contains(t, string(login.Data[corev1.DockerConfigJsonKey]), `"ghcr.io"`)
		env := pod.Spec.Containers[0].Env
		at := slices.IndexFunc(env, func(v corev1.EnvVar) bool { return v.Name == "STRIPE_KEY" })
		require.GreaterOrEqual(t, at, 0, "the Pod must have the variable")
		from := env[at].ValueFrom.SecretKeyRef
		secret, err := secrets.Get(t.Context(), from.Name, metav1.GetOptions{})
		require.NoError(t, err)
		assert.Equal(t, "sk-of-the-test", string(secret.Data[from.Key]))
	}
	assert.Equal(t, s.plan(t).Workload.App.Replicas, found)
	s.Succeeds(t, "preview", "--refresh", "--expect-no-changes")

	s.Succeeds(t, "config", "rm", "platform:appEnv")
	s.Succeeds(t, "config", "rm", "platform:registry")
	s.Up(t)
	for _, name := range []string{"env", "registry"} {
		_, err := secrets.Get(t.Context(), name, metav1.GetOptions{})
		assert.Error(t, err, name)
	}
}
