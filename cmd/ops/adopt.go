package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/genericcorp/platform/internal/adopt"
	"github.com/genericcorp/platform/internal/settings"
)

func adoptCommand() *cobra.Command {
	var flags stackFlags
	command := &cobra.Command{
		Use:   "adopt --stack demo",
		Short: "Print `pulumi import` commands for what the account has and the state lacks",
		Long: `Lists the things in the DigitalOcean account that have the stack's names, and compares
their IDs with the state. For each thing that the state lacks it prints a pulumi import
command. It changes nothing. Exit status 1 means that the state or the account lacks
something.

Needs DIGITALOCEAN_ACCESS_TOKEN with the scopes vpc:read, kubernetes:read and database:read.`,
		RunE: func(command *cobra.Command, _ []string) error { return runAdopt(command, &flags) },
	}
	flags.add(command)
	return command
}

func runAdopt(command *cobra.Command, flags *stackFlags) error {
	declared, err := flags.load()
	if err != nil {
		return err
	}
	if declared.Cluster.Kind != settings.DigitalOcean && declared.Database.Kind != settings.DigitalOcean {
		return badInput(errors.New("the stack has nothing on DigitalOcean: neither cluster.kind nor database.kind is digitalocean"))
	}
	client, err := digitalOcean("vpc:read, kubernetes:read and database:read")
	if err != nil {
		return err
	}
	exported, err := flags.export(command.Context())
	if err != nil {
		return err
	}
	state, err := adopt.ParseState(exported)
	if err != nil {
		return err
	}
	things, err := adopt.Find(command.Context(), client, declared.resource)
	if err != nil {
		return fmt.Errorf("DigitalOcean: %w", err)
	}
	script := adopt.Compare(adopt.Stack{Name: flags.name, Resource: declared.resource, Protect: declared.Protect}, state, things)
	command.Print(script.String())
	if script.Missing+script.Absent > 0 {
		return errFound
	}
	return nil
}
