package monitoring

import (
	"fmt"
	"maps"
	"slices"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/dashboards"
	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/workload"
)

const configPath = "/etc/platform"

// file is a file that Grafana reads when it starts: its key in the ConfigMap, its path
// below configPath and its content.
type file struct{ key, path, content string }

type provisioning []file

func (a Args) provisioning() provisioning {
	out := provisioning{
		{"datasource.yaml", "provisioning/datasources/metrics.yaml", fmt.Sprintf(`apiVersion: 1
datasources:
  - name: Metrics
    uid: %s
    type: prometheus
    access: proxy
    url: http://%s.%s.svc.cluster.local:%d
    isDefault: true
    editable: false
    jsonData:
      httpMethod: POST
      timeInterval: 30s
`, dashboards.Datasource, workload.VictoriaMetrics.Name, workload.MonitoringNamespace, portStore)},
		{"dashboards.yaml", "provisioning/dashboards/platform.yaml", fmt.Sprintf(`apiVersion: 1
providers:
  - name: platform
    type: file
    disableDeletion: true
    allowUiUpdates: false
    options:
      path: %s/dashboards
`, configPath)},
	}
	files := dashboards.Files(a.rules())
	for _, name := range slices.Sorted(maps.Keys(files)) {
		out = append(out, file{name, "dashboards/" + name, files[name]})
	}
	return out
}

func (p provisioning) contents() []string {
	var out []string
	for _, f := range p {
		out = append(out, f.content)
	}
	return out
}

func (p provisioning) configMap() *corev1.ConfigMapArgs {
	data := pulumi.StringMap{}
	for _, f := range p {
		data[f.key] = pulumi.String(f.content)
	}
	return &corev1.ConfigMapArgs{Metadata: kube.Meta(workload.Grafana, workload.Grafana.Name), Data: data}
}

// volume returns a volume with the files in the folders in which Grafana looks for them.
func (p provisioning) volume() *corev1.VolumeArgs {
	volume := configVolume.FromConfigMap(workload.Grafana.Name)
	var items corev1.KeyToPathArray
	for _, f := range p {
		items = append(items, &corev1.KeyToPathArgs{Key: pulumi.String(f.key), Path: pulumi.String(f.path)})
	}
	volume.ConfigMap = &corev1.ConfigMapVolumeSourceArgs{Name: pulumi.String(workload.Grafana.Name), Items: items}
	return volume
}
