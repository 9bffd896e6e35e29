package demo

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/genericcorp/platform/internal/workload"
	"github.com/genericcorp/platform/sandbox/apiserver"
)

// Grafana is a Grafana that runs with Docker beside the demo. Its user is "admin".
type Grafana struct{ URL, Password string }

// grafanaPort is Grafana's TCP port on 127.0.0.1.
const grafanaPort = 3000

// declared is what the stack declares for Grafana.
type declared struct {
	deployment appsv1.Deployment
	config     corev1.ConfigMap
	admin      corev1.Secret
}

// CheckDocker returns an error if this machine has no Docker for Grafana.
func CheckDocker() error {
	if out, err := exec.Command("docker", "version").CombinedOutput(); err != nil {
		return fmt.Errorf("GRAFANA=docker needs Docker Engine on this machine: docker version: %w: %s", err, out)
	}
	return nil
}

// StartGrafana starts Grafana from the image that the stack names, with the stack's data source
// and dashboards. It reads the demo's VictoriaMetrics. The first start downloads the image.
func (d *Demo) StartGrafana() error {
	client, err := apiserver.New(d.Kubeconfig())
	if err != nil {
		return err
	}
	var s declared
	of := workload.Grafana
	if err := errors.Join(
		client.Read("/apis/apps/v1/namespaces/"+of.Namespace+"/deployments/"+of.Name, &s.deployment),
		client.Read("/api/v1/namespaces/"+of.Namespace+"/configmaps/"+of.Name, &s.config),
		client.Read("/api/v1/namespaces/"+of.Namespace+"/secrets/grafana-admin", &s.admin),
	); err != nil {
		return fmt.Errorf("read what the stack declares for Grafana: %w", err)
	}
	// A changed dashboard needs a new container.
	if err := d.stopGrafana(); err != nil {
		return err
	}
	if err := portFault(grafanaPort); err != nil {
		return fmt.Errorf("the port of Grafana: %w", err)
	}
	mounts, err := d.writeGrafana(s)
	if err != nil {
		return err
	}
	if out, err := exec.Command("docker", d.grafanaArgs(s, mounts)...).CombinedOutput(); err != nil {
		return fmt.Errorf("docker run: %w: %s", err, out)
	}
	d.Grafana = &Grafana{URL: fmt.Sprintf("http://localhost:%d", grafanaPort), Password: string(s.admin.Data["password"])}
	return nil
}

func (d *Demo) grafanaFolder() string    { return filepath.Join(d.Folder, "grafana") }
func (d *Demo) grafanaContainer() string { return "platform-grafana-" + d.Name }

// stopGrafana removes the container that StartGrafana has started, if it has.
func (d *Demo) stopGrafana() error {
	if _, err := os.Stat(d.grafanaFolder()); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if out, err := exec.Command("docker", "rm", "--force", d.grafanaContainer()).CombinedOutput(); err != nil {
		return fmt.Errorf("docker rm: %w: %s", err, out)
	}
	return os.RemoveAll(d.grafanaFolder())
}

// inCluster matches the address of VictoriaMetrics in the data source.
var inCluster = regexp.MustCompile(`http://` + regexp.QuoteMeta(workload.VictoriaMetrics.Name+"."+workload.MonitoringNamespace) + `\.svc\.cluster\.local:\d+`)

// writeGrafana writes the files of Grafana's volumes, and returns the folder of each by its path in
// the container. The data source has the address of VictoriaMetrics on this machine.
func (d *Demo) writeGrafana(s declared) (map[string]string, error) {
	pod := s.deployment.Spec.Template.Spec
	mounts := map[string]string{}
	for _, mount := range pod.Containers[0].VolumeMounts {
		files := map[string]string{}
		for _, volume := range pod.Volumes {
			switch {
			case volume.Name != mount.Name:
			case volume.ConfigMap != nil:
				for _, item := range volume.ConfigMap.Items {
					files[item.Path] = inCluster.ReplaceAllString(s.config.Data[item.Key], fmt.Sprintf("http://127.0.0.1:%d", d.ports.Metrics))
				}
			case volume.Secret != nil:
				for key, value := range s.admin.Data {
					files[key] = string(value)
				}
			}
		}
		if len(files) == 0 {
			continue // the image has these folders
		}
		folder := filepath.Join(d.grafanaFolder(), mount.Name)
		mounts[mount.MountPath] = folder
		if err := writeFiles(folder, files); err != nil {
			return nil, err
		}
	}
	return mounts, nil
}

// writeFiles writes files that Grafana's user can read. Other users of this machine cannot,
// because the demo's folder is not theirs.
func writeFiles(folder string, files map[string]string) error {
	for name, content := range files {
		file := filepath.Join(folder, filepath.FromSlash(path.Clean(name)))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(content), 0o644)); err != nil {
			return err
		}
	}
	return nil
}

// grafanaArgs returns the arguments of docker for the container of the stack's Deployment, in the
// network of this machine, because VictoriaMetrics listens on 127.0.0.1.
func (d *Demo) grafanaArgs(s declared, mounts map[string]string) []string {
	container := s.deployment.Spec.Template.Spec.Containers[0]
	args := []string{"run", "--detach", "--name", d.grafanaContainer(), "--network", "host"}
	for _, mount := range container.VolumeMounts {
		if folder := mounts[mount.MountPath]; folder != "" {
			args = append(args, "--volume", folder+":"+mount.MountPath+":ro")
		}
	}
	for _, env := range container.Env {
		args = append(args, "--env", env.Name+"="+env.Value)
	}
	// The last one counts. Without TLS a browser sends no secure cookie.
	return append(args,
		"--env", "GF_SERVER_HTTP_ADDR=127.0.0.1", "--env", fmt.Sprintf("GF_SERVER_HTTP_PORT=%d", grafanaPort),
		"--env", fmt.Sprintf("GF_SERVER_ROOT_URL=http://localhost:%d/", grafanaPort), "--env", "GF_SECURITY_COOKIE_SECURE=false",
		container.Image)
}
