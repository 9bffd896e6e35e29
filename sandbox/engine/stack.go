// Package engine runs a stack with the real Pulumi engine against the simulated providers
// of the sandbox. It needs no account and no network. Everything of a stack, its state and
// its simulated cloud included, is in one folder.
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

// Credentials of every run. They are not valid anywhere. Tests check that they appear in no
// output and no state.
const (
	DigitalOceanToken = "sandbox-digitalocean-token-3f9c"
	CloudflareToken   = "sandbox-cloudflare-token-8a1d"
)

// Stack is one stack in the sandbox. Call Prepare before the first run, and again after a
// change of the stack file.
type Stack struct {
	// Name of the stack, as in Pulumi.<name>.yaml.
	Name string
	// Root is the folder with Pulumi.yaml and the stack file, which are only read. Folder
	// is where all files of the stack are written.
	Root, Folder string
	// Tools are from build.Engine.
	Tools build.Tools
	// Env is added to the environment of the engine, as "NAME=value".
	Env []string
	// Out and Err get the output of Pulumi; nil discards it.
	Out, Err io.Writer
}

// CloudFolder returns the folder of the simulated cloud.
func (s Stack) CloudFolder() string { return filepath.Join(s.Folder, "cloud") }

func (s Stack) project() string { return filepath.Join(s.Folder, "project") }

// Prepare writes the project that the engine runs, and creates and selects the stack. It
// copies the stack file unchanged. The copy of Pulumi.yaml has one difference: it runs
// Tools.Program instead of building the program.
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
		return fmt.Errorf("there is no stack %q: %s has no file %s", s.Name, s.Root, name)
	}
	if err != nil {
		return err
	}
	if err := s.writeStackFile(name, file); err != nil {
		return err
	}
	return s.quietly("stack", "select", "--create", s.Name)
}

// installPlugins links the simulated providers into the engine's plugin folder, with the
// versions that the program asks for.
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

// writeStackFile writes the stack file to the project. It keeps the encryption salt that
// the engine added to the copy of an earlier run: without it the engine cannot decrypt the
// secrets in the state.
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
		return fmt.Errorf("Pulumi.yaml: %w", err) //nolint:staticcheck // a file's name
	}
	project["runtime"] = map[string]any{"name": "go", "options": map[string]any{"binary": s.Tools.Program}}
	if data, err = yaml.Marshal(project); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.project(), "Pulumi.yaml"), data, 0o600)
}

// Pulumi runs the pulumi command on this stack, with its output to Out and Err.
func (s Stack) Pulumi(args ...string) error { return s.run(s.Out, s.Err, args...) }

// Output runs the pulumi command on this stack and returns its output, stderr included.
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

// Command returns the pulumi command on this stack. The caller starts it.
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

// Remove deletes all files of the stack, without a run of the engine. Stop its cluster
// first.
func (s Stack) Remove() error { return os.RemoveAll(s.Folder) }
