// Package build builds what the sandbox and the tests run and do not install: the
// Pulumi engine, the platform's program, the simulated providers, a Kubernetes control
// plane, and the programs of container images. Every function builds only what is
// missing or out of date, and writes a line to progress for each build that takes more
// than three seconds. Programs that take minutes are kept in the user's cache folder,
// under platform-sandbox, for all checkouts.
package build

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/blang/semver"
)

// PulumiVersion is the engine's, as tools/pulumi/go.mod pins it.
const PulumiVersion = "3.259.0"

// Tools are the programs that a run needs.
type Tools struct {
	// Pulumi is the engine's command.
	Pulumi string
	// Plugin serves every simulated provider.
	Plugin string
	// Program is the platform's own binary.
	Program string
}

// Engine builds what a run of the Pulumi engine needs. Root is the checkout.
func Engine(root string, progress io.Writer) (Tools, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return Tools{}, err
	}
	cache = filepath.Join(cache, "platform-sandbox")
	b := builder{root: root, progress: progress}
	tools := Tools{
		Program: filepath.Join(root, "bin", "platform"),
		Plugin:  filepath.Join(root, ".sandbox", "bin", "plugin"),
	}
	// Without a symbol table the link takes two thirds of its time and memory.
	b.goBuild(root, tools.Program, "the platform program (the first time up to seven minutes, then seconds)", "-ldflags=-s", ".")
	b.goBuild(root, tools.Plugin, "the simulated providers", "./sandbox/plugin")
	if found, ok := installed(); ok {
		tools.Pulumi = found
		return tools, b.err
	}
	folder := filepath.Join(cache, "pulumi-"+PulumiVersion)
	b.once(filepath.Join(folder, "go-language-host"), "tools/language-host",
		"the Go language host (about half a minute, once)", "github.com/pulumi/pulumi/sdk/v3/go/pulumi-language-go")
	tools.Pulumi = filepath.Join(folder, "pulumi")
	b.once(tools.Pulumi, "tools/pulumi", "the Pulumi engine (about five minutes, once)",
		"-ldflags", "-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v"+PulumiVersion,
		"github.com/pulumi/pulumi/pkg/v3/cmd/pulumi")
	b.languageHost(filepath.Join(folder, "pulumi-language-go"))
	return tools, b.err
}

// Ops builds the operators' commands, cmd/ops, and returns the program.
func Ops(root string, progress io.Writer) (string, error) {
	program := filepath.Join(root, ".sandbox", "bin", "ops")
	b := builder{root: root, progress: progress}
	b.goBuild(root, program, "the operators' commands", "./cmd/ops")
	return program, b.err
}

// Program builds the program of another module of the checkout, such as an example, and
// returns its path. The module is a path below root, with slashes.
func Program(root, module string, progress io.Writer) (string, error) {
	program := filepath.Join(root, ".sandbox", "bin", path.Base(module))
	b := builder{root: root, progress: progress}
	b.goBuild(filepath.Join(root, filepath.FromSlash(module)), program, module, "-ldflags=-s", ".")
	return program, b.err
}

// languageHost puts the language host where the engine looks first, beside
// itself. The engine tells a host of today by request which binary to run; the
// last one that builds from modules wants it as a flag.
func (b *builder) languageHost(path string) {
	if b.err != nil {
		return
	}
	script := "#!/bin/sh\nexec \"$(dirname \"$0\")/go-language-host\" -binary \"$" + EnvProgram + "\" \"$@\"\n"
	b.err = os.WriteFile(path, []byte(script), 0o755)
}

// EnvProgram names the platform's binary to the language host.
const EnvProgram = "SANDBOX_PROGRAM"

// installed finds a pulumi on PATH that is at least ours.
func installed() (string, bool) {
	path, err := exec.LookPath("pulumi")
	if err != nil {
		return "", false
	}
	out, err := exec.Command(path, "version").Output()
	if err != nil {
		return "", false
	}
	version, err := semver.ParseTolerant(strings.TrimSpace(string(out)))
	return path, err == nil && version.GE(semver.MustParse(PulumiVersion))
}

// builder runs go build and stops at the first failure.
type builder struct {
	root     string
	progress io.Writer
	err      error
}

// once builds a tool from its own module unless it is there.
func (b *builder) once(target, module, what string, args ...string) {
	if _, err := os.Stat(target); err == nil {
		return
	}
	b.goBuild(filepath.Join(b.root, filepath.FromSlash(module)), target, what, args...)
}

func (b *builder) goBuild(folder, target, what string, args ...string) {
	if b.err != nil {
		return
	}
	started := time.Now()
	slow := time.AfterFunc(3*time.Second, func() { fmt.Fprintf(b.progress, "building %s ...\n", what) })
	defer slow.Stop()
	if b.err = os.MkdirAll(filepath.Dir(target), 0o755); b.err != nil {
		return
	}
	// go build links beside the target and moves it into place, and does neither
	// when the target is up to date.
	cmd := exec.Command("go", append([]string{"build", "-o", target}, args...)...)
	cmd.Dir, cmd.Stderr = folder, b.progress
	if err := cmd.Run(); err != nil {
		b.err = fmt.Errorf("building %s: %w", what, err)
		return
	}
	if !slow.Stop() {
		fmt.Fprintf(b.progress, "built %s in %s\n", filepath.Base(target), time.Since(started).Round(time.Second))
	}
}
