// Package build compiles the programs that the sandbox and the tests run: the Pulumi
// engine, the platform's program, the simulated providers, a Kubernetes control plane, and
// the programs of container images. It needs Go and nothing else.
//
// Every function builds only what is missing or out of date. It writes two lines to
// progress for each build that takes more than three seconds: one when it starts and one
// when it is done. Programs whose build takes minutes are stored in the user's cache
// folder, under platform-sandbox, and shared by all checkouts. The root that functions take
// is the folder of the checkout.
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

// PulumiVersion is the version of the Pulumi engine, equal to the one in
// tools/pulumi/go.mod.
const PulumiVersion = "3.259.0"

// Tools are the paths of the programs that a run of the engine needs.
type Tools struct {
	// Pulumi is the engine's command.
	Pulumi string
	// Plugin runs every simulated provider.
	Plugin string
	// Program is the platform's Pulumi program.
	Program string
}

// Engine builds the programs of Tools. It uses a pulumi on PATH instead of building one, if
// that has PulumiVersion or a newer one.
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
	// -s omits the symbol table, which saves a third of the link's time and memory.
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

// Ops builds the operators' commands, cmd/ops, and returns the path of the program.
func Ops(root string, progress io.Writer) (string, error) {
	program := filepath.Join(root, ".sandbox", "bin", "ops")
	b := builder{root: root, progress: progress}
	b.goBuild(root, program, "the operators' commands", "./cmd/ops")
	return program, b.err
}

// K6Version is the version of k6, equal to the one in tools/k6/go.mod.
const K6Version = "1.8.1"

// K6 builds k6, which makes the requests of a load test, and returns the path of the
// program. The first build takes about three minutes on two cores.
func K6(root string, progress io.Writer) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	program := filepath.Join(cache, "platform-sandbox", "k6-"+K6Version)
	b := builder{root: root, progress: progress}
	b.once(program, "tools/k6", "k6 (about three minutes, once)", "-ldflags=-s", "go.k6.io/k6")
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

// languageHost writes the Go language host to path, beside the engine, where the engine
// looks for it first. It is a script, because the newest host that can be built from Go
// modules takes the program as a flag, and the engine passes it in a request.
func (b *builder) languageHost(path string) {
	if b.err != nil {
		return
	}
	script := "#!/bin/sh\nexec \"$(dirname \"$0\")/go-language-host\" -binary \"$" + EnvProgram + "\" \"$@\"\n"
	b.err = os.WriteFile(path, []byte(script), 0o755)
}

// EnvProgram is an environment variable with the path of Tools.Program, which the language
// host runs. Set it for every run of the engine.
const EnvProgram = "SANDBOX_PROGRAM"

// installed returns the path of the pulumi on PATH, and whether it has PulumiVersion or a
// newer one.
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

// builder runs go build. After the first error it does nothing more.
type builder struct {
	root     string
	progress io.Writer
	err      error
}

// once builds target in a module of the checkout, unless the file exists. what names it in
// messages.
func (b *builder) once(target, module, what string, args ...string) {
	if _, err := os.Stat(target); err == nil {
		return
	}
	b.goBuild(filepath.Join(b.root, filepath.FromSlash(module)), target, what, args...)
}

// goBuild runs go build in a folder. what names the target in messages.
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
	// go build is safe for a program that runs: it writes a new file and renames it. It
	// does nothing if the target is up to date.
	cmd := exec.Command("go", append([]string{"build", "-o", target}, args...)...)
	cmd.Dir, cmd.Stderr = folder, b.progress
	// The programs of containers need no library then. All others are built alike, so that they
	// share packages, and so does the Makefile.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if err := cmd.Run(); err != nil {
		b.err = fmt.Errorf("build %s: %w", what, err)
		return
	}
	if !slow.Stop() {
		fmt.Fprintf(b.progress, "built %s in %s\n", filepath.Base(target), time.Since(started).Round(time.Second))
	}
}
