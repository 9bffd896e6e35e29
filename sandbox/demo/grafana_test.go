package demo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// ofStack is like what components/monitoring declares. The test of the running demo compares the two.
func ofStack() declared {
	volume := func(name string, source corev1.VolumeSource) corev1.Volume {
		return corev1.Volume{Name: name, VolumeSource: source}
	}
	return declared{
		deployment: appsv1.Deployment{Spec: appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			Containers: []corev1.Container{{
				Image: "docker.io/grafana/grafana:13.2.0",
				Env:   []corev1.EnvVar{{Name: "GF_SERVER_ROOT_URL", Value: "https://grafana.demo.localhost/"}, {Name: "GF_PATHS_PROVISIONING", Value: "/etc/platform/provisioning"}},
				VolumeMounts: []corev1.VolumeMount{
					{Name: "config", MountPath: "/etc/platform"}, {Name: "admin", MountPath: "/etc/grafana-admin"}, {Name: "data", MountPath: "/var/lib/grafana"},
				},
			}},
			Volumes: []corev1.Volume{
				volume("config", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{Items: []corev1.KeyToPath{
					{Key: "datasource.yaml", Path: "provisioning/datasources/metrics.yaml"}, {Key: "platform.json", Path: "dashboards/platform.json"},
				}}}),
				volume("admin", corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "grafana-admin"}}),
				volume("data", corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}),
			},
		}}}},
		config: corev1.ConfigMap{Data: map[string]string{
			"datasource.yaml": "    url: http://victoria-metrics.monitoring.svc.cluster.local:8428\n    isDefault: true\n", "platform.json": `{"title": "Platform"}`,
		}},
		admin: corev1.Secret{Data: map[string][]byte{"password": []byte("hunter3")}},
	}
}

func TestGrafanaHasTheFilesOfTheStackAndTheDemosMetrics(t *testing.T) {
	d := withPorts(t.TempDir(), Ports{Metrics: 9428})
	mounts, err := d.writeGrafana(ofStack())
	require.NoError(t, err)
	folder := d.grafanaFolder()
	assert.Equal(t, map[string]string{"/etc/platform": filepath.Join(folder, "config"), "/etc/grafana-admin": filepath.Join(folder, "admin")}, mounts)
	for path, want := range map[string]string{
		"config/provisioning/datasources/metrics.yaml": "    url: http://127.0.0.1:9428\n    isDefault: true\n",
		"config/dashboards/platform.json":              `{"title": "Platform"}`,
		"admin/password":                               "hunter3",
	} {
		data, err := os.ReadFile(filepath.Join(folder, path))
		require.NoError(t, err)
		assert.Equal(t, want, string(data), path)
	}
}

func TestGrafanaRunsTheImageOfTheStackOnThisMachinesNetwork(t *testing.T) {
	d := withPorts(t.TempDir(), Ports{Metrics: 9428})
	args := strings.Join(d.grafanaArgs(ofStack(), map[string]string{"/etc/platform": "/demo/config", "/etc/grafana-admin": "/demo/admin"}), " ")
	assert.Equal(t, "run --detach --name platform-grafana-demo --network host"+
		" --volume /demo/config:/etc/platform:ro --volume /demo/admin:/etc/grafana-admin:ro"+
		" --env GF_SERVER_ROOT_URL=https://grafana.demo.localhost/ --env GF_PATHS_PROVISIONING=/etc/platform/provisioning"+
		" --env GF_SERVER_HTTP_ADDR=127.0.0.1 --env GF_SERVER_HTTP_PORT=3000"+
		" --env GF_SERVER_ROOT_URL=http://localhost:3000/ --env GF_SECURITY_COOKIE_SECURE=false"+
		" docker.io/grafana/grafana:13.2.0", args)
}

// docker makes a program on PATH that writes its arguments to a file, and returns the file.
func docker(t *testing.T, exit string) string {
	t.Helper()
	folder := t.TempDir()
	calls := filepath.Join(folder, "calls")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "docker"), []byte("#!/bin/sh\necho \"$*\" >>"+calls+"\nexit "+exit+"\n"), 0o755))
	t.Setenv("PATH", folder+":"+os.Getenv("PATH"))
	return calls
}

func TestDownRemovesTheContainerOfGrafanaOnlyIfTheDemoHasStartedIt(t *testing.T) {
	calls := docker(t, "0")
	d := withPorts(filepath.Join(t.TempDir(), "demo"), Ports{})
	require.NoError(t, d.Down())
	assert.NoFileExists(t, calls)
	require.NoError(t, os.MkdirAll(d.grafanaFolder(), 0o700))
	require.NoError(t, d.Down())
	data, err := os.ReadFile(calls)
	require.NoError(t, err)
	assert.Equal(t, "rm --force platform-grafana-demo\n", string(data))
}

func TestCheckDockerWantsADockerThatRuns(t *testing.T) {
	docker(t, "0")
	assert.NoError(t, CheckDocker())
	docker(t, "1")
	assert.ErrorContains(t, CheckDocker(), "GRAFANA=docker needs Docker Engine")
}
