package build

import (
	"io"
	"path/filepath"
)

// AppPrograms are the paths of the programs with which the app contract is tested.
type AppPrograms struct {
	// AgentHQ is the default of app.image. Podinfo knows nothing of the platform.
	AgentHQ, Podinfo string
}

// Apps builds the programs of AppPrograms. The first build takes about two minutes on two cores.
func Apps(root string, progress io.Writer) (AppPrograms, error) {
	folder := filepath.Join(root, ".sandbox", "bin")
	apps := AppPrograms{AgentHQ: filepath.Join(folder, "agenthq"), Podinfo: filepath.Join(folder, "podinfo")}
	b := builder{root: root, progress: progress}
	b.goBuild(filepath.Join(root, "showcase"), apps.AgentHQ, "AgentHQ", "-ldflags=-s", "./cmd/agenthq")
	b.goBuild(filepath.Join(root, "tools", "podinfo"), apps.Podinfo, "podinfo (the first time about two minutes)",
		"-ldflags=-s", "github.com/stefanprodan/podinfo/cmd/podinfo")
	return apps, b.err
}
