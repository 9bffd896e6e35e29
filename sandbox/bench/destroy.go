package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/genericcorp/platform/sandbox/cloud"
	"github.com/genericcorp/platform/sandbox/engine"
)

// destroyed is the result of a destroy of demo.
type destroyed struct {
	// deletes is the number of resources that a provider is asked to delete.
	deletes int
	took    time.Duration
}

// destroy measures two ways to destroy demo. In the first, objects are deleted together with
// their cluster (DeletedWith). In the second, the engine deletes each object.
func (b bench) destroy() error {
	with, err := b.destroyDemo("destroy-with", false)
	if err != nil {
		return err
	}
	without, err := b.destroyDemo("destroy-without", true)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, `Each delete takes %s longer than the sandbox needs, as a cloud's would. One run each.

| destroy | deletes | time | of the first |
| --- | --- | --- | --- |
| objects end with their cluster (DeletedWith) | %d | %.1f s | 1.0× |
| every object is visited | %d | %.1f s | %.1f× |
`, "60 ms", with.deletes, with.took.Seconds(), without.deletes, without.took.Seconds(), without.took.Seconds()/with.took.Seconds())
	return nil
}

func (b bench) destroyDemo(folder string, visit bool) (destroyed, error) {
	faults := filepath.Join(b.folder, folder+"-faults")
	if err := os.MkdirAll(faults, 0o700); err != nil {
		return destroyed{}, err
	}
	s := engine.Stack{Name: "demo", Root: b.root, Folder: filepath.Join(b.folder, folder), Tools: b.tools, Env: []string{cloud.EnvFaults + "=" + faults}}
	if err := s.Prepare(); err != nil {
		return destroyed{}, err
	}
	if _, err := measure(s.Command("up", "--yes", "--skip-preview")); err != nil {
		return destroyed{}, err
	}
	deletes, err := rewriteState(s, visit)
	if err != nil {
		return destroyed{}, err
	}
	// The fault "slow" only delays each call (provider.FaultSlow).
	if err := os.WriteFile(filepath.Join(faults, "delete"), []byte("slow"), 0o600); err != nil {
		return destroyed{}, err
	}
	took, err := measure(s.Command("destroy", "--yes", "--skip-preview"))
	return destroyed{deletes, took.took}, err
}

// rewriteState removes DeletedWith from the state if visit is set. It returns how many resources
// a destroy asks a provider to delete.
func rewriteState(s engine.Stack, visit bool) (int, error) {
	text, err := s.Output("stack", "export")
	if err != nil {
		return 0, fmt.Errorf("export: %w", err)
	}
	var state map[string]any
	if err := json.Unmarshal([]byte(text), &state); err != nil {
		return 0, err
	}
	deployment, _ := state["deployment"].(map[string]any)
	resources, _ := deployment["resources"].([]any)
	deletes := 0
	for _, r := range resources {
		r, _ := r.(map[string]any)
		if visit {
			delete(r, "deletedWith")
		}
		token, _ := r["type"].(string)
		if r["custom"] == true && r["external"] != true && r["deletedWith"] == nil && !strings.HasPrefix(token, "pulumi:providers:") {
			deletes++
		}
	}
	data, err := json.Marshal(state)
	if err != nil {
		return 0, err
	}
	path := filepath.Join(s.Folder, "state.json")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return 0, err
	}
	if out, err := s.Output("stack", "import", "--file", path); err != nil {
		return 0, fmt.Errorf("import: %w: %s", err, out)
	}
	return deletes, nil
}
