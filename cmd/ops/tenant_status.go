package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/genericcorp/platform/internal/onboarding"
	"github.com/genericcorp/platform/internal/settings"
)

type progressFlags struct {
	stackFlags
	metrics, format string
}

func progressCommand() *cobra.Command {
	var flags progressFlags
	command := &cobra.Command{
		Use:   "status [NAME] --stack prod",
		Short: "Print how far each customer has come",
		Long: `Prints a line for each customer: created, first sign-in, first run, usage of the first week,
feedback, and what to do next. It changes nothing, and reads no table of a customer.

It reads platform.usage as the administrator: the variables PGHOST, PGPORT, PGUSER, PGPASSWORD,
PGDATABASE, PGSSLMODE and PGSSLROOTCERT say how, as for psql. It reads the app's counters from
VictoriaMetrics at --metrics. docs/beta.md has the commands for both.`,
		Args: func(command *cobra.Command, args []string) error {
			return badInput(cobra.MaximumNArgs(1)(command, args))
		},
		RunE: func(command *cobra.Command, args []string) error { return runProgress(command, &flags, args) },
	}
	command.Flags().StringVarP(&flags.name, "stack", "s", "", "the stack, as in Pulumi.<stack>.yaml (required)")
	command.Flags().StringVar(&flags.metrics, "metrics", "http://localhost:8428", "the address of VictoriaMetrics")
	command.Flags().StringVar(&flags.format, "format", "table", "table or json")
	return command
}

func runProgress(command *cobra.Command, flags *progressFlags, args []string) error {
	declared, err := flags.load()
	if err != nil {
		return err
	}
	if flags.format != "table" && flags.format != "json" {
		return badInput(fmt.Errorf("--format %q is not table or json", flags.format))
	}
	tenants := declared.Tenants
	if len(args) == 1 {
		tenant, err := declared.tenant(args[0], flags.name)
		if err != nil {
			return err
		}
		tenants = []settings.Tenant{tenant}
	}
	conn, err := administrator(command.Context())
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(command.Context())) //nolint:errcheck // nothing was written
	progress, err := onboarding.ProgressOf(command.Context(), onboarding.Sources{Database: conn, Metrics: flags.metrics}, declared.Settings, tenants)
	if err != nil {
		return err
	}
	if flags.format == "json" {
		encoder := json.NewEncoder(command.OutOrStdout())
		encoder.SetIndent("", "  ")
		return encoder.Encode(append([]onboarding.Progress{}, progress...))
	}
	return progressTable(command.OutOrStdout(), progress)
}

func progressTable(out io.Writer, all []onboarding.Progress) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TENANT\tTIER\tSTATE\tCREATED\tFIRST SIGN-IN\tFIRST RUN\tFIRST WEEK\tFEEDBACK\tNEXT")
	for _, p := range all {
		created, week := "no", "-"
		if p.Created {
			created = "yes"
		}
		if p.Week != nil {
			week = fmt.Sprintf("%d of %d days, %d active: %d requests, %d sign-ins", p.Week.Days, onboarding.FirstWeek, p.Week.ActiveDays, p.Week.Requests, p.Week.Logins)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", p.Tenant, p.Tier, p.State, created, dayText(p.FirstSignIn), dayText(p.FirstRun), week, p.Feedback, p.Next)
	}
	return w.Flush()
}

func dayText(day *string) string {
	if day == nil {
		return "-"
	}
	return *day
}
