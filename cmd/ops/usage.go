package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/genericcorp/platform/internal/sizing"
	"github.com/genericcorp/platform/internal/usage/monthly"
)

type usageFlags struct {
	stackFlags
	month, format string
}

func usageCommand() *cobra.Command {
	var flags usageFlags
	command := &cobra.Command{
		Use:   "usage --stack prod",
		Short: "Print what each tenant used in a month, its cost and its margin",
		Long: `Prints a line for each tenant: requests, errors, storage, sign-ins, its share of the bill, the
revenue of its tier and the margin. It reads platform.usage_month of the stack's database, and the stack
file for tiers, prices and the bill. It changes nothing.

Connect as the administrator: the variables PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE,
PGSSLMODE and PGSSLROOTCERT say how, as for psql. docs/operations.md has the commands that set them.`,
		RunE: func(command *cobra.Command, _ []string) error { return runUsage(command, flags, time.Now().UTC()) },
	}
	command.Flags().StringVarP(&flags.name, "stack", "s", "", "the stack, as in Pulumi.<stack>.yaml (required)")
	command.Flags().StringVar(&flags.month, "month", "", "the month in UTC, such as 2026-11 (default: the current one)")
	command.Flags().StringVar(&flags.format, "format", monthly.Formats[0], strings.Join(monthly.Formats, ", "))
	return command
}

func runUsage(command *cobra.Command, flags usageFlags, now time.Time) error {
	month, stack, err := flags.check(now)
	if err != nil {
		return badInput(err)
	}
	conn, err := administrator(command.Context())
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(command.Context())) //nolint:errcheck // nothing was written
	data, err := monthly.Read(command.Context(), conn, month)
	if err != nil {
		return err
	}
	return monthly.New(stack, month, now, data).Write(command.OutOrStdout(), flags.format)
}

// check returns the month and the stack, or all faults of the flags, the environment and the stack
// file.
func (f usageFlags) check(now time.Time) (time.Time, monthly.Stack, error) {
	var faults []error
	if !slices.Contains(monthly.Formats, f.format) {
		faults = append(faults, fmt.Errorf("--format %q is not one of %s", f.format, strings.Join(monthly.Formats, ", ")))
	}
	month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	if f.month != "" {
		var err error
		if month, err = time.Parse("2006-01", f.month); err != nil {
			faults = append(faults, fmt.Errorf("--month %q is not a month such as %s", f.month, now.Format("2006-01")))
		} else if month.After(now) {
			faults = append(faults, fmt.Errorf("--month %s has not begun; it is %s (UTC)", f.month, now.Format("2006-01")))
		}
	}
	if err := missingHost(); err != nil {
		faults = append(faults, err)
	}
	var out monthly.Stack
	declared, err := f.load()
	if err == nil {
		out, err = stackOf(f.name, declared)
	}
	if err != nil {
		faults = append(faults, err)
	}
	return month, out, errors.Join(faults...)
}

func stackOf(name string, declared stack) (monthly.Stack, error) {
	plan, err := sizing.Solve(declared.Settings)
	if err != nil {
		return monthly.Stack{}, fmt.Errorf("the plan of the stack %s: %w", name, err)
	}
	return monthly.Stack{Name: name, Bill: plan.Bill.Total(), TierUSD: declared.Pricing.TierUSD, Declared: declared.Tenants}, nil
}
