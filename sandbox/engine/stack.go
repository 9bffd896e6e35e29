// Package engine runs the real Pulumi engine on this machine against the
// sandbox's simulated providers: no account, no network, state in files.
package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/genericcorp/platform/sandbox/build"
	"github.com/genericcorp/platform/sandbox/cloud"
)

// Credentials that the sandbox hands out. They open nothing; a test looks for
// them wherever no credential may be.
const (
	DigitalOceanToken = "sandbox-digitalocean-token-3f9c"
	CloudflareToken   = "sandbox-cloudflare-token-8a1d"
)

// Stack is one stack in the sandbox.
type Stack struct {
	// Name of the stack, as in Pulumi.<name>.yaml.
	Name string
	// Root is the checkout whose stack files are run, Folder where everything of
	// this stack is kept.
	Root, Folder string
	Tools        build.Tools
	// Env is added to the environment.
	Env []string
	// Out and Err take what Pulumi prints.
	Out, Err io.Writer
}

// CloudFolder is where the simulated cloud is.
func (s Stack) CloudFolder() string { return filepath.Join(s.Folder, "cloud") }

func (s Stack) project() string { return filepath.Join(s.Folder, "project") }

// Prepare lays out the project as the engine will see it, and selects the stack.
// The stack file is copied unchanged; the project file differs in one thing, that
// the program is run and not built.
func (s Stack) Prepare() error {
	for _, folder := range []string{s.project(), s.CloudFolder(), filepath.Join(s.Folder, "state"), filepath.Join(s.Folder, "home")} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
	}
	if err := errors.Join(s.writeProject(), s.installPlugins()); err != nil {
		return err
	}
	name := "Pulumi." + s.Name + ".yaml"
	file, err := os.ReadFile(filepath.Join(s.Root, name))
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("there is no stack %q: %s is missing", s.Name, name)
	}
	if err != nil {
		return err
	}
	if err := s.writeStackFile(name, file); err != nil {
		return err
	}
	return s.quietly("stack", "select", "--create", s.Name)
}

// installPlugins puts the simulated providers where the engine keeps installed
// ones, under the versions that the program asks for.
func (s Stack) installPlugins() error {
	for name, version := range cloud.Providers {
		folder := filepath.Join(s.Folder, "home", "plugins", fmt.Sprintf("resource-%s-v%s", name, version))
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		link := filepath.Join(folder, "pulumi-resource-"+name)
		if err := os.Remove(link); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if err := os.Symlink(s.Tools.Plugin, link); err != nil {
			return err
		}
	}
	return nil
}

// writeStackFile copies the stack file, and keeps the salt that the engine wrote
// below the copy of an earlier run: with another salt no secret could be read.
func (s Stack) writeStackFile(name string, file []byte) error {
	target := filepath.Join(s.project(), name)
	if before, err := os.ReadFile(target); err == nil {
		for line := range strings.Lines(string(before)) {
			if strings.HasPrefix(line, "encryptionsalt:") && !bytes.Contains(file, []byte("encryptionsalt:")) {
				file = append(append(bytes.TrimRight(file, "\n"), '\n'), line...)
			}
		}
	}
	return os.WriteFile(target, file, 0o600)
}

func (s Stack) writeProject() error {
	data, err := os.ReadFile(filepath.Join(s.Root, "Pulumi.yaml"))
	if err != nil {
		return err
	}
	var project map[string]any
	if err := yaml.Unmarshal(data, &project); err != nil {
		return fmt.Errorf("project file Pulumi.yaml: %w", err)
	}
	project["runtime"] = map[string]any{"name": "go", "options": map[string]any{"binary": s.Tools.Program}}
	if data, err = yaml.Marshal(project); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.project(), "Pulumi.yaml"), data, 0o600)
}

// Pulumi runs the engine's command on this stack.
func (s Stack) Pulumi(args ...string) error { return s.run(s.Out, s.Err, args...) }

// Output runs the engine's command and returns what it prints.
func (s Stack) Output(args ...string) (string, error) {
	var out bytes.Buffer
	err := s.run(&out, &out, args...)
	return out.String(), err
}

func (s Stack) quietly(args ...string) error {
	if out, err := s.Output(args...); err != nil {
		return fmt.Errorf("pulumi %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

func (s Stack) run(out, errs io.Writer, args ...string) error {
	cmd := s.Command(args...)
	cmd.Stdout, cmd.Stderr = out, errs
	return cmd.Run()
}

// Command is the engine's command on this stack, ready to start.
func (s Stack) Command(args ...string) *exec.Cmd {
	cmd := exec.Command(s.Tools.Pulumi, append([]string{"--non-interactive", "--color=never"}, args...)...)
	cmd.Dir = s.project()
	cmd.Env = slices.Concat(os.Environ(), s.env(), s.Env)
	return cmd
}

func (s Stack) env() []string {
	return []string{
		build.EnvProgram + "=" + s.Tools.Program,
		"PULUMI_HOME=" + filepath.Join(s.Folder, "home"),
		"PULUMI_BACKEND_URL=file://" + filepath.ToSlash(filepath.Join(s.Folder, "state")),
		"PULUMI_CONFIG_PASSPHRASE=sandbox",
		"PULUMI_SKIP_UPDATE_CHECK=true",
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true",
		cloud.EnvFolder + "=" + s.CloudFolder(),
		"DIGITALOCEAN_TOKEN=",
		"DIGITALOCEAN_ACCESS_TOKEN=" + DigitalOceanToken,
		"CLOUDFLARE_API_TOKEN=" + CloudflareToken,
	}
}

// Remove deletes everything that is kept of the stack.
func (s Stack) Remove() error { return os.RemoveAll(s.Folder) }
