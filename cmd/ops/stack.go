package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/genericcorp/platform/internal/settings"
)

// stackFlags are the flags of a subcommand that works on one stack.
type stackFlags struct {
	// name is the name in Pulumi.<name>.yaml.
	name string
	// pulumi is the path of the pulumi command, default "pulumi".
	pulumi string
}

func (f *stackFlags) add(command *cobra.Command) {
	command.Flags().StringVarP(&f.name, "stack", "s", "", "the stack, as in Pulumi.<stack>.yaml (required)")
	command.Flags().StringVar(&f.pulumi, "pulumi", "pulumi", "path of the pulumi command")
}

// stack has the settings of a stack file and the name of the stack's resources.
type stack struct {
	settings.Settings
	// resource is <project>-<stack>, as in stacks/deploy.go.
	resource string
}

// load reads Pulumi.yaml and the stack file in the current folder.
func (f *stackFlags) load() (stack, error) {
	if f.name == "" {
		return stack{}, badInput(errors.New("--stack is missing; name a stack, such as --stack demo"))
	}
	project, err := projectName()
	if err != nil {
		return stack{}, badInput(err)
	}
	path := "Pulumi." + f.name + ".yaml"
	data, err := settings.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return stack{}, badInput(fmt.Errorf("%s does not exist in this folder, so there is no stack %s", path, f.name))
	}
	if err != nil {
		return stack{}, badInput(fmt.Errorf("%s: %w", path, err))
	}
	declared, err := settings.LoadStackFile(data)
	if err != nil {
		return stack{}, badInput(fmt.Errorf("%s: %w", path, err))
	}
	return stack{Settings: declared, resource: project + "-" + f.name}, nil
}

func projectName() (string, error) {
	data, err := os.ReadFile("Pulumi.yaml")
	if errors.Is(err, fs.ErrNotExist) {
		return "", errors.New("there is no Pulumi.yaml in this folder; run the command at the top of the checkout")
	}
	if err != nil {
		return "", err
	}
	var project struct {
		Name string `yaml:"name"`
	}
	if err := yaml.Unmarshal(data, &project); err != nil {
		return "", fmt.Errorf("project file Pulumi.yaml: %w", err)
	}
	return project.Name, nil
}

// export returns the state in JSON. Secrets in it are encrypted.
func (f *stackFlags) export(ctx context.Context) ([]byte, error) {
	command := exec.CommandContext(ctx, f.pulumi, "stack", "export", "-s", f.name, "--non-interactive")
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	if err := command.Run(); err != nil {
		return nil, fmt.Errorf("%s stack export -s %s: %w: %s", f.pulumi, f.name, err, strings.TrimSpace(errs.String()))
	}
	return out.Bytes(), nil
}
