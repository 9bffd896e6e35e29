// Command split prints the SQL that moves rows of shared tables, told apart by a
// column, into the schemas of declared tenants. docs/tenancy.md says how to run it.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/genericcorp/platform/internal/tenancy"
)

const exitUsage = 2

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, out, problems io.Writer) int {
	flags := flag.NewFlagSet("split", flag.ContinueOnError)
	flags.SetOutput(problems)
	flags.Usage = func() {
		fmt.Fprintln(problems, "usage: go run ./cmd/split -tables customers,orders -column tenant_id -tenants 1=acme,2=beta | psql ...")
		flags.PrintDefaults()
	}
	tables := flags.String("tables", "", "tables of the schema public, those that others refer to first")
	column := flags.String("column", "tenant_id", "the column of each that tells tenants apart")
	tenants := flags.String("tenants", "", "value=name for each value of the column")
	if err := flags.Parse(args); err != nil {
		return exitUsage
	}
	split := tenancy.Split{Column: *column, Tables: list(*tables)}
	for _, pair := range list(*tenants) {
		key, name, _ := strings.Cut(pair, "=")
		split.Tenants = append(split.Tenants, tenancy.SplitTenant{Key: key, Name: name})
	}
	sql, err := split.SQL()
	if err != nil {
		fmt.Fprintf(problems, "split: %s\n", strings.ReplaceAll(err.Error(), "\n", "\nsplit: "))
		return exitUsage
	}
	fmt.Fprint(out, sql)
	return 0
}

func list(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}
