package build

import (
	"io"
	"path/filepath"
)

// AlertingTools are the paths of the programs with which alerts are tested.
type AlertingTools struct {
	// VMAlertTool runs the unit tests of rules.
	VMAlertTool string
}

// Alerting builds the programs of AlertingTools. The first build takes about a minute on two
// cores.
func Alerting(root string, progress io.Writer) (AlertingTools, error) {
	folder := filepath.Join(root, ".sandbox", "bin")
	tools := AlertingTools{VMAlertTool: filepath.Join(folder, "vmalert-tool")}
	b := builder{root: root, progress: progress}
	b.goBuild(filepath.Join(root, "tools", "images"), tools.VMAlertTool, "vmalert-tool (the first time about a minute)",
		"-ldflags=-s", "github.com/VictoriaMetrics/VictoriaMetrics/app/vmalert-tool")
	return tools, b.err
}
