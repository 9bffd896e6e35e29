package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/genericcorp/platform/internal/tenancy"
)

func splitCommand() *cobra.Command {
	var split tenancy.Split
	var tenants []string
	var verify, rollback bool
	command := &cobra.Command{
		Use:   "split --tables customers,orders --tenants 1=acme,2=beta",
		Short: "Print the SQL that moves rows of shared tables into tenants' schemas",
		Long: `Prints the SQL that copies the rows of shared tables into the schemas of declared tenants.
A column of each table says which tenant a row belongs to. The SQL stops before it copies
anything if the copy would lose something. It never writes to the shared tables.

With --verify it prints the SQL that compares the copies with the shared tables. That SQL
writes nothing. With --rollback it prints the SQL that drops the copies, unless a copy has
newer rows. Give both the same other flags as the first run.

docs/tenancy.md says how to run the SQL with psql. psql exits with 3 if the SQL stops or
finds a difference.`,
		RunE: func(command *cobra.Command, _ []string) error {
			if verify && rollback {
				return badInput(errors.New("--verify and --rollback exclude each other; give one of them"))
			}
			if verify {
				split.Step = tenancy.SplitVerify
			}
			if rollback {
				split.Step = tenancy.SplitRollback
			}
			for _, pair := range tenants {
				key, name, _ := strings.Cut(pair, "=")
				split.Tenants = append(split.Tenants, tenancy.SplitTenant{Key: key, Name: name})
			}
			sql, err := split.SQL()
			if err != nil {
				return badInput(err)
			}
			fmt.Fprint(command.OutOrStdout(), sql)
			return nil
		},
	}
	flags := command.Flags()
	flags.StringSliceVar(&split.Tables, "tables", nil, "tables of the schema public that have the column")
	flags.StringVar(&split.Column, "column", "tenant_id", "the column that says which tenant a row belongs to")
	flags.StringSliceVar(&split.Through, "through", nil, "table.column for each table without the column whose foreign key leads to its tenant, such as items.order_id")
	flags.StringSliceVar(&split.Shared, "shared", nil, "tables without tenants, such as countries; each schema gets a copy")
	flags.StringSliceVar(&split.Sequences, "sequences", nil, "sequences that no table owns; each schema gets a copy")
	flags.StringSliceVar(&split.LeaveOut, "leave-out", nil, "what is not copied, on purpose: a view, a table, a sequence, or a trigger, rule or policy as table.name")
	flags.StringSliceVar(&tenants, "tenants", nil, "value=name for each value of the column")
	flags.BoolVar(&verify, "verify", false, "compare the copies with the shared tables; write nothing")
	flags.BoolVar(&rollback, "rollback", false, "drop the copies, unless one has newer rows")
	return command
}
