package tenancy

import (
	"embed"
	"fmt"
	"strings"

	"github.com/genericcorp/platform/internal/names"
)

//go:embed split/*.sql
var splitFiles embed.FS

// Split describes how the rows of shared tables are copied into a schema for each tenant.
// The shared tables are in the schema public. A Column tells whose row it is.
type Split struct {
	// Tables are the shared tables that have the Column.
	Tables []string
	// Column is the column of Tables with the tenant's key, such as tenant_id.
	Column string
	// Through names tables without the Column, each with the column of a foreign
	// key that leads to its tenant: "orders.customer_id".
	Through []string
	// Shared are tables whose rows belong to no tenant. Each schema gets all their rows.
	Shared []string
	// Sequences are sequences that belong to no table. Each schema gets a copy.
	Sequences []string
	// LeaveOut names what the user accepts as not copied. Views, functions, sequences and
	// tables have their name; triggers, rules and policies have the form "customers.audit".
	LeaveOut []string
	// Tenants are the tenants, each with its value of the Column.
	Tenants []SplitTenant
	// Step selects the script. The default is SplitCopy.
	Step SplitStep
}

// SplitTenant is a tenant. Key is its value of the Split's Column, Name its name in the
// stack file.
type SplitTenant struct{ Key, Name string }

// SplitStep selects a script of a Split.
type SplitStep int

const (
	// SplitCopy copies what is not copied yet. It refuses to start if the copy would lose
	// something that LeaveOut does not name.
	SplitCopy SplitStep = iota
	// SplitVerify compares the copies with the shared tables, and writes nothing.
	SplitVerify
	// SplitRollback drops the copies. It refuses if a copy has rows that the shared tables
	// do not have.
	SplitRollback
)

// splitScripts has the files of each step. open.sql and the parameters come before them.
var splitScripts = map[SplitStep][]string{
	SplitCopy:     {"record", "sources", "needs", "rows", "faults", "forget", "refuse", "definitions", "comments", "copy", "compare"},
	SplitVerify:   {"recorded", "sources", "rows", "refuse", "copies", "read_only", "compared", "verify"},
	SplitRollback: {"recorded", "sources", "rows", "refuse", "copies", "compared", "rollback", "refuse", "drop", "forget"},
}

// SQL returns the script of the Step, for psql. The error lists every fault of s.
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

// parameters returns SQL that fills the tables that open.sql creates.
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
