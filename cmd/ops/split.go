package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/genericcorp/platform/internal/tenancy"
)

func splitCommand() *cobra.Command {
	var tables, tenants []string
	var column string
	command := &cobra.Command{
		Use:   "split --tables customers,orders --tenants 1=acme,2=beta",
		Short: "Print the SQL that moves rows of shared tables into tenants' schemas",
		Long: `Prints the SQL that moves rows of shared tables, told apart by a column, into the schemas
of declared tenants. docs/tenancy.md says how to run it with psql.`,
		RunE: func(command *cobra.Command, _ []string) error {
			split := tenancy.Split{Column: column, Tables: tables}
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
	flags.StringSliceVar(&tables, "tables", nil, "tables of the schema public, those that others refer to first")
	flags.StringVar(&column, "column", "tenant_id", "the column of each table that tells tenants apart")
	flags.StringSliceVar(&tenants, "tenants", nil, "value=name for each value of the column")
	return command
}
