package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/genericcorp/platform/sandbox/engine"
)

// variant is the program without a change, or with one more import. Each has its own build
// cache, so that no build uses the results of the other variant.
type variant struct {
	name, folder, root string
	// added is the text of a file of package main. It exists only in the overlay, because the
	// linter forbids its import.
	added string
	stack engine.Stack
}

const helmImport = `package main

import _ "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/helm/v3"
`

// build builds the variant. If edited is not empty, it is the path of a file that replaces
// stacks/program.go.
func (v variant) build(edited string) (cost, error) {
	replace := map[string]string{}
	if edited != "" {
		replace[filepath.Join(v.root, "stacks", "program.go")] = edited
	}
	if v.added != "" {
		path := filepath.Join(v.folder, "added.go")
		if err := os.WriteFile(path, []byte(v.added), 0o600); err != nil {
			return cost{}, err
		}
		replace[filepath.Join(v.root, "added.go")] = path
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return cost{}, err
	}
	overlay := filepath.Join(v.folder, "overlay.json")
	if err := os.WriteFile(overlay, data, 0o600); err != nil {
		return cost{}, err
	}
	cmd := exec.Command("go", "build", "-overlay", overlay, "-ldflags=-s", "-o", v.stack.Tools.Program, ".")
	cmd.Dir = v.root
	cmd.Env = append(os.Environ(), "GOCACHE="+filepath.Join(v.folder, "go-build"))
	return measure(cmd)
}

const buildsHead = `The program against itself with the Kubernetes SDK's ` + "`helm/v3`" + ` imported. Cold is an empty build cache with the modules
there. The edit is one line more in ` + "`stacks/`" + `, median of %d, in turns. The goal from edit to preview is 15 s.

| step | program | largest process | with helm/v3 | largest process | helm/v3 takes |
| --- | --- | --- | --- | --- | --- |
`

// builds compares the program with the same program that imports helm/v3. It measures a build
// with an empty build cache, and a build after an edit of the package that all components need.
func (b bench) builds() error {
	demo, err := os.ReadFile(filepath.Join(b.root, "Pulumi.demo.yaml"))
	if err != nil {
		return err
	}
	variants := []variant{{name: "program"}, {name: "with helm/v3", added: helmImport}}
	cold := make([]cost, len(variants))
	for i := range variants {
		v := &variants[i]
		v.root, v.folder = b.root, filepath.Join(b.folder, fmt.Sprintf("variant-%d", i))
		if v.stack, err = b.stack(fmt.Sprintf("built%d", i), string(demo), filepath.Join(v.folder, "program")); err != nil {
			return err
		}
		if err := os.MkdirAll(v.folder, 0o700); err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "  %s, from an empty build cache\n", v.name)
		if cold[i], err = v.build(""); err != nil {
			return err
		}
	}
	built, shown, err := b.edits(variants)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, buildsHead, rounds)
	row := func(step string, of []cost) {
		fmt.Fprintf(b.out, "| %s | %.1f s | %d MiB | %.1f s | %d MiB | %.1f× |\n", step, of[0].took.Seconds(), of[0].peak,
			of[1].took.Seconds(), of[1].peak, of[1].took.Seconds()/of[0].took.Seconds())
	}
	row("cold build", cold)
	row("build after an edit", built)
	row("its preview", shown)
	together := make([]cost, len(variants))
	for i := range variants {
		together[i] = cost{built[i].took + shown[i].took, max(built[i].peak, shown[i].peak)}
	}
	row("edit to preview", together)
	return nil
}

// edits adds a line, builds both variants in turns, and runs a preview with each. It returns the
// median costs of each variant.
func (b bench) edits(variants []variant) (built, shown []cost, err error) {
	data, err := os.ReadFile(filepath.Join(b.root, "stacks", "program.go"))
	if err != nil {
		return nil, nil, err
	}
	builds, previews := make([][]cost, len(variants)), make([][]cost, len(variants))
	edited := filepath.Join(b.folder, "program.go")
	for range rounds {
		line := fmt.Appendf(nil, "\nvar edited = %d\n", time.Now().UnixNano())
		if err := os.WriteFile(edited, append(data, line...), 0o600); err != nil {
			return nil, nil, err
		}
		for i, v := range variants {
			c, err := v.build(edited)
			if err != nil {
				return nil, nil, err
			}
			builds[i] = append(builds[i], c)
			if c, err = measure(v.stack.Command("preview")); err != nil {
				return nil, nil, err
			}
			previews[i] = append(previews[i], c)
		}
	}
	return medians(builds), medians(previews), nil
}
