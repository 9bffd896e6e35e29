package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/genericcorp/platform/internal/settings"
)

func tenantCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "tenant invite|welcome|status",
		Short: "Invite a customer, welcome it, and see how far each has come",
		Long:  "Takes in new customers. docs/beta.md describes the task from the first step to the last.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unknown subcommand %q; the subcommands are invite, welcome and status", args[0])}
			}
			return usageError{errors.New("the subcommand is missing; write invite, welcome or status")}
		},
		RunE: func(*cobra.Command, []string) error { return nil }, // Args refuses it first
	}
	command.AddCommand(inviteCommand(), welcomeCommand(), progressCommand())
	for _, sub := range command.Commands() {
		sub.Long += "\n" + statuses
	}
	return command
}

// oneName returns the arguments' check for a subcommand that needs the name of a tenant.
func oneName(_ *cobra.Command, args []string) error {
	if len(args) == 1 {
		return nil
	}
	return usageError{fmt.Errorf("write the name of one tenant, such as acme; %d were given", len(args))}
}

// tenant returns the entry of a name, or an error that says what to do.
func (s stack) tenant(name, stackName string) (settings.Tenant, error) {
	for _, t := range s.Tenants {
		if t.Name == name {
			return t, nil
		}
	}
	return settings.Tenant{}, badInput(fmt.Errorf("Pulumi.%s.yaml has no tenant %q; to add it, run: go run ./cmd/ops tenant invite %[2]s --stack %[1]s", stackName, name)) //nolint:staticcheck // a file's name
}
