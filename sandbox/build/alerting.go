package build

import (
	"io"
	"path/filepath"
)

// AlertingTools are the paths of the programs that deliver alerts, those of their images.
type AlertingTools struct {
	VictoriaMetrics, VMAlert, Alertmanager string
}

// Alerting builds the programs of AlertingTools. The first build takes about three minutes on two
// cores.
func Alerting(root string, progress io.Writer) (AlertingTools, error) {
	b := builder{root: root, progress: progress}
	tools := AlertingTools{
		VictoriaMetrics: b.victoriaMetrics("victoria-metrics"), VMAlert: b.victoriaMetrics("vmalert"),
		Alertmanager: filepath.Join(root, ".sandbox", "bin", "alertmanager"),
	}
	b.alertmanager(tools.Alertmanager)
	return tools, b.err
}

// VMAlertTool builds vmalert-tool, which runs the unit tests of rules, and returns its path. The
// first build takes about a minute on two cores.
func VMAlertTool(root string, progress io.Writer) (string, error) {
	b := builder{root: root, progress: progress}
	return b.victoriaMetrics("vmalert-tool"), b.err
}

// victoriaMetrics builds a program of VictoriaMetrics' module, and returns its path.
func (b *builder) victoriaMetrics(name string) string {
	program := filepath.Join(b.root, ".sandbox", "bin", name)
	b.goBuild(filepath.Join(b.root, "tools", "images"), program, name+" (the first time a minute or less)",
		"-ldflags=-s", "github.com/VictoriaMetrics/VictoriaMetrics/app/"+name)
	return program
}

// Metrics builds VictoriaMetrics and vmalert, and returns their paths.
func Metrics(root string, progress io.Writer) (store, vmalert string, err error) {
	b := builder{root: root, progress: progress}
	store, vmalert = b.victoriaMetrics("victoria-metrics"), b.victoriaMetrics("vmalert")
	return store, vmalert, b.err
}
