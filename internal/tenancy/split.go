package tenancy

import (
	"embed"
	"fmt"
	"strings"

	"github.com/genericcorp/platform/internal/names"
)

//go:embed split/*.sql
var splitFiles embed.FS

// Split says how shared tables of the schema public become a schema for each tenant.
type Split struct {
	// Tables have the Column.
	Tables []string
	// Column of the Tables tells tenants apart.
	Column string
	// Through names tables without the Column, each with the column of a foreign
	// key that leads to its tenant: "orders.customer_id".
	Through []string
	// Shared are tables without tenants. Each schema gets all their rows.
	Shared []string
	// Sequences that no table has and each schema gets.
	Sequences []string
	// LeaveOut names what is knowingly not copied: views, sequences and tables by
	// their name, triggers, rules and policies as "customers.audit".
	LeaveOut []string
	// Tenants by the Column's value.
	Tenants []SplitTenant
	// Step is what the script does; the zero value copies.
	Step SplitStep
}

// SplitTenant is a value of the column, and the name of the tenant it means.
type SplitTenant struct{ Key, Name string }

// SplitStep is one of the scripts that a Split has.
type SplitStep int

const (
	// SplitCopy copies what is not copied yet. It refuses what would lose something.
	SplitCopy SplitStep = iota
	// SplitVerify compares the copies with the shared tables, and writes nothing.
	SplitVerify
	// SplitRollback drops the copies, unless one has rows that the shared tables lack.
	SplitRollback
)

// splitScripts are the files of each step, after open.sql and the parameters.
var splitScripts = map[SplitStep][]string{
	SplitCopy:     {"record", "sources", "needs", "rows", "faults", "forget", "refuse", "definitions", "comments", "copy", "compare"},
	SplitVerify:   {"recorded", "sources", "rows", "refuse", "copies", "read_only", "compared", "verify"},
	SplitRollback: {"recorded", "sources", "rows", "refuse", "copies", "compared", "rollback", "refuse", "drop", "forget"},
}

// SQL returns the script of the Step, for psql. The error has every fault.
func (s Split) SQL() (string, error) {
	through, err := s.validate()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, name := range append([]string{"open"}, splitScripts[s.Step]...) {
		text, err := splitFiles.ReadFile("split/" + name + ".sql")
		if err != nil {
			return "", err
		}
		b.Write(text)
		if name == "open" {
			b.WriteString(s.parameters(through))
		}
	}
	return b.String(), nil
}

// parameters fills the tables that open.sql makes.
func (s Split) parameters(through [][2]string) string {
	var tables, tenants, sequences, leftOut []string
	table := func(name, kind, via string) {
		tables = append(tables, fmt.Sprintf("(%d, %s, '%s', %s)", len(tables), Literal(name), kind, via))
	}
	for _, name := range s.Shared {
		table(name, "shared", "NULL")
	}
	for _, name := range s.Tables {
		table(name, "keyed", "NULL")
	}
	for _, pair := range through {
		table(pair[0], "through", Literal(pair[1]))
	}
	for i, t := range s.Tenants {
		tenants = append(tenants, fmt.Sprintf("(%d, %s, %s, %s)", i, Literal(t.Key), Literal(names.SQL(t.Name)), Literal(names.Owner(t.Name))))
	}
	for _, name := range s.Sequences {
		sequences = append(sequences, fmt.Sprintf("(%s)", Literal(name)))
	}
	for _, name := range s.LeaveOut {
		leftOut = append(leftOut, fmt.Sprintf("(%s)", Literal(name)))
	}
	return fmt.Sprintf("INSERT INTO parameters VALUES (%s);\n", Literal(s.Column)) +
		insert("wanted_tables", tables) + insert("wanted_tenants", tenants) + insert("wanted_sequences", sequences) + insert("left_out", leftOut)
}

func insert(table string, rows []string) string {
	if len(rows) == 0 {
		return ""
	}
	return fmt.Sprintf("INSERT INTO %s VALUES %s;\n", table, strings.Join(rows, ", "))
}
