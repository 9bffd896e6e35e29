package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/genericcorp/platform/internal/lifecycle"
	"github.com/genericcorp/platform/internal/onboarding"
	"github.com/genericcorp/platform/internal/report"
	"github.com/genericcorp/platform/internal/settings"
)

type inviteFlags struct {
	stackFlags
	tier, owner string
	noPreview   bool
}

func inviteCommand() *cobra.Command {
	var flags inviteFlags
	command := &cobra.Command{
		Use:   "invite NAME --stack prod",
		Short: "Write a new customer's entry into the stack file, if it fits",
		Long: `Checks that the name is free and that the customer fits into the limits and the budget. Then it
adds the entry to Pulumi.<stack>.yaml, prints the bill before and after, and runs pulumi
preview. If something is wrong, the file is not changed.

It reads the record of earlier customers and sizes from the stack's outputs. With --no-preview it
runs no Pulumi and knows the stack file only.`,
		Args: oneName,
		RunE: func(command *cobra.Command, args []string) error { return runInvite(command, &flags, args[0]) },
	}
	flags.add(command)
	command.Flags().StringVar(&flags.tier, "tier", settings.Tiers[0].Name, "the customer's tier")
	command.Flags().StringVar(&flags.owner, "owner", "", "e-mail address of the first owner, for the command that is printed; it is not stored")
	command.Flags().BoolVar(&flags.noPreview, "no-preview", false, "print the command of the preview instead of running it")
	return command
}

func runInvite(command *cobra.Command, flags *inviteFlags, name string) error {
	declared, err := flags.load()
	if err != nil {
		return err
	}
	var last onboarding.Deployed
	if !flags.noPreview {
		if last, err = flags.deployed(command.Context()); err != nil {
			return fmt.Errorf("nothing was changed: %w", err)
		}
	}
	path := "Pulumi." + flags.name + ".yaml"
	file, err := settings.ReadFile(path)
	if err != nil {
		return err
	}
	next, cost, err := flags.checked(declared.Settings, file, settings.Tenant{Name: name, Plan: flags.tier}, last)
	if err != nil {
		return badInput(fmt.Errorf("%s: %w\n%s was not changed", name, err, path))
	}
	if err := replaceFile(path, file, next); err != nil {
		return fmt.Errorf("%s was not changed: %w", path, err)
	}
	command.Printf("%s is in %s now, with the tier %s.\n%s\n", name, path, flags.tier, cost.Text())
	return flags.preview(command, name)
}

// checked returns the new text of the stack file, and what the customer costs. The error has all
// faults of the name and the flags, or else why the customer does not fit.
func (f *inviteFlags) checked(s settings.Settings, file []byte, t settings.Tenant, last onboarding.Deployed) ([]byte, onboarding.Cost, error) {
	err := errors.Join(onboarding.CheckName(s, t, last), onboarding.CheckTier(t.Plan), checkOwner(f.owner, false))
	if err != nil {
		return nil, onboarding.Cost{}, err
	}
	next, err := onboarding.AddEntry(file, t)
	if err != nil {
		return nil, onboarding.Cost{}, err
	}
	after, err := settings.LoadStackFile(next)
	if err != nil {
		return nil, onboarding.Cost{}, err
	}
	if err := conflicts(f.name, next); err != nil {
		return nil, onboarding.Cost{}, err
	}
	cost, err := onboarding.CostOf(s, after, last)
	return next, cost, err
}

// checkOwner returns an error if a text is not an e-mail address. An empty one is an error only
// if it is required.
func checkOwner(owner string, required bool) error {
	if owner == "" && !required {
		return nil
	}
	if address, err := mail.ParseAddress(owner); err != nil || address.Address != owner {
		return fmt.Errorf("--owner %q is not an e-mail address such as owner@genericcorp.com", owner)
	}
	return nil
}

// conflicts returns the hosts that the stack file with the new entry shares with other stacks in
// this folder. A file of another stack with faults is left out: `make plan` reports them.
func conflicts(name string, next []byte) error {
	var stacks []report.Stack
	files, err := filepath.Glob("Pulumi.*.yaml")
	if err != nil {
		return err
	}
	slices.Sort(files)
	for _, file := range files {
		other := strings.TrimSuffix(strings.TrimPrefix(file, "Pulumi."), ".yaml")
		text := next
		if other != name {
			if text, err = settings.ReadFile(file); err != nil {
				continue
			}
		}
		if planned, err := report.PlanStack(other, text, nil); err == nil {
			stacks = append(stacks, planned)
		}
	}
	return errors.Join(report.Conflicts(stacks)...)
}

// deployed reads what the last update left. A stack without an update has no such outputs.
func (f *stackFlags) deployed(ctx context.Context) (onboarding.Deployed, error) {
	command := exec.CommandContext(ctx, f.pulumi, "stack", "output", "--json", "-s", f.name, "--non-interactive")
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	if err := command.Run(); err != nil {
		return onboarding.Deployed{}, fmt.Errorf("%s stack output -s %s: %w: %s", f.pulumi, f.name, err, strings.TrimSpace(errs.String()))
	}
	var outputs struct {
		History map[string]any `json:"tenantHistory"`
		Sizes   map[string]any `json:"sizes"`
	}
	if err := json.Unmarshal(out.Bytes(), &outputs); err != nil {
		return onboarding.Deployed{}, fmt.Errorf("the outputs of the stack %s: %w", f.name, err)
	}
	history, err := lifecycle.Decode(outputs.History)
	if err != nil {
		return onboarding.Deployed{}, err
	}
	sizes, err := lifecycle.DecodeSizes(outputs.Sizes)
	return onboarding.Deployed{History: history, Sizes: sizes}, err
}

// preview runs or prints `pulumi preview`, and prints the next steps.
func (f *inviteFlags) preview(command *cobra.Command, name string) error {
	if f.noPreview {
		command.Printf("See what it changes: pulumi preview -s %s\nThe preview also compares the name with the record of earlier customers.\n", f.name)
	} else {
		preview := exec.CommandContext(command.Context(), f.pulumi, "preview", "-s", f.name)
		preview.Stdin, preview.Stdout, preview.Stderr = command.InOrStdin(), command.OutOrStdout(), command.ErrOrStderr()
		if err := preview.Run(); err != nil {
			return fmt.Errorf("the entry of %s is in Pulumi.%s.yaml, and the preview failed: %w\ncorrect what it says, or delete the entry", name, f.name, err)
		}
	}
	owner := f.owner
	if owner == "" {
		owner = "OWNER@THEIR.DOMAIN"
	}
	command.Printf("Then create the customer:  pulumi up -s %[1]s\nAnd welcome it:            go run ./cmd/ops tenant welcome %[2]s --stack %[1]s --owner %[3]s --link\n", f.name, name, owner)
	return nil
}

// replaceFile gives a file another content by a rename, so a reader or a kill sees the old or the
// new one. A link to a file stays a link. It returns an error if the content is not before any
// more: somebody has edited the file meanwhile.
func replaceFile(path string, before, after []byte) error {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(target)
	if err != nil {
		return err
	}
	draft, err := os.CreateTemp(filepath.Dir(target), filepath.Base(target)+".*.new")
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name()) //nolint:errcheck // after the rename there is none
	_, err = draft.Write(after)
	if err = errors.Join(err, draft.Chmod(info.Mode().Perm()), draft.Sync(), draft.Close()); err != nil {
		return err
	}
	if now, err := os.ReadFile(target); err != nil || !bytes.Equal(now, before) {
		return errors.Join(errors.New("it was edited meanwhile; run the command again"), err)
	}
	return os.Rename(draft.Name(), target)
}
