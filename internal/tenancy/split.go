package tenancy

import (
	_ "embed" // the script
	"errors"
	"fmt"
	"strings"

	"github.com/genericcorp/platform/internal/names"
)

//go:embed split.sql
var splitSQL string

// Split says how shared tables become a schema for each tenant.
type Split struct {
	// Tables of the schema public, those that others refer to first.
	Tables []string
	// Column of each of them that tells tenants apart.
	Column string
	// Tenants by that column's value.
	Tenants []SplitTenant
}

// SplitTenant is a value of the column, and the name of the tenant it means.
type SplitTenant struct{ Key, Name string }

// SQL is the script for psql. The error has every fault.
func (s Split) SQL() (string, error) {
	if err := s.validate(); err != nil {
		return "", err
	}
	var tables, tenants []string
	for i, table := range s.Tables {
		tables = append(tables, fmt.Sprintf("(%d, %s)", i, Literal(table)))
	}
	for _, t := range s.Tenants {
		tenants = append(tenants, fmt.Sprintf("(%s, %s)", Literal(t.Key), Literal(names.SQL(t.Name))))
	}
	return fmt.Sprintf(`CREATE TEMP TABLE parameters AS SELECT CAST(%s AS name) AS key_column;
CREATE TEMP TABLE wanted_tables (position int, source name PRIMARY KEY);
INSERT INTO wanted_tables VALUES %s;
CREATE TEMP TABLE wanted_tenants (key text PRIMARY KEY, role name NOT NULL UNIQUE);
INSERT INTO wanted_tenants VALUES %s;
%s`, Literal(s.Column), strings.Join(tables, ", "), strings.Join(tenants, ", "), splitSQL), nil
}

func (s Split) validate() error {
	var errs []error
	if len(s.Tables) == 0 {
		errs = append(errs, errors.New("tables: are missing"))
	}
	if s.Column == "" {
		errs = append(errs, errors.New("column: is missing"))
	}
	if len(s.Tenants) == 0 {
		errs = append(errs, errors.New("tenants: are missing"))
	}
	keys, taken, tables := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, table := range s.Tables {
		if tables[table] {
			errs = append(errs, fmt.Errorf("tables: %q is there twice", table))
		}
		tables[table] = true
	}
	for _, t := range s.Tenants {
		if err := names.Tenant(t.Name); err != nil {
			errs = append(errs, fmt.Errorf("tenants: %w", err))
		}
		if keys[t.Key] || taken[t.Name] {
			errs = append(errs, fmt.Errorf("tenants: %q=%s is there twice", t.Key, t.Name))
		}
		keys[t.Key], taken[t.Name] = true, true
	}
	return errors.Join(errs...)
}
