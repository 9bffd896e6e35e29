package build

import (
	"io"
	"path/filepath"
)

// images are the platform's container images that can be built from Go modules, by the
// names of their containers. Those of Grafana, PostgreSQL and PgBouncer are not among them.
var images = []struct{ name, from string }{
	{"kube-state-metrics", "k8s.io/kube-state-metrics/v2"},
	{"node-exporter", "github.com/prometheus/node_exporter"},
	{"victoria-metrics", "github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics"},
	{"vmalert", "github.com/VictoriaMetrics/VictoriaMetrics/app/vmalert"},
}

// Images builds the programs in container images, so that tests run on this machine what
// runs in the cluster. It returns the folder of the programs, which have the names of their
// workloads or containers. The first build of Traefik takes about five minutes, of the others one or two.
func Images(root string, progress io.Writer) (string, error) {
	folder := filepath.Join(root, ".sandbox", "bin")
	b := builder{root: root, progress: progress}
	for _, image := range images {
		b.goBuild(filepath.Join(root, "tools", "images"), filepath.Join(folder, image.name),
			image.name+" (the first time a minute or two)", "-ldflags=-s", image.from)
	}
	b.traefik(filepath.Join(folder, "traefik"))
	b.alertmanager(filepath.Join(folder, "alertmanager"))
	return folder, b.err
}
