package tenancy

import (
	"errors"
	"fmt"
	"strings"

	"github.com/genericcorp/platform/internal/names"
)

// validate returns Through as pairs of a table and its column. The error lists every fault
// that can be found without the database.
func (s Split) validate() ([][2]string, error) {
	through, errs := s.pairs()
	if len(s.Tables) == 0 {
		errs = append(errs, errors.New("tables: are missing"))
	}
	if s.Column == "" {
		errs = append(errs, errors.New("column: is missing"))
	}
	if len(s.Tenants) == 0 {
		errs = append(errs, errors.New("tenants: are missing"))
	}
	errs = append(errs, s.repeated(through)...)
	keys, taken := map[string]bool{}, map[string]bool{}
	for _, t := range s.Tenants {
		if err := names.Tenant(t.Name); err != nil {
			errs = append(errs, fmt.Errorf("tenants: %w", err))
		}
		if keys[t.Key] || taken[t.Name] {
			errs = append(errs, fmt.Errorf("tenants: %q=%s is given twice", t.Key, t.Name))
		}
		keys[t.Key], taken[t.Name] = true, true
	}
	return through, errors.Join(errs...)
}

// pairs splits each element of Through at its first dot.
func (s Split) pairs() (out [][2]string, errs []error) {
	for _, text := range s.Through {
		table, column, _ := strings.Cut(text, ".")
		if table == "" || column == "" {
			errs = append(errs, fmt.Errorf("through: %q is not table.column, such as orders.customer_id", text))
			continue
		}
		out = append(out, [2]string{table, column})
	}
	return out, errs
}

// repeated returns a fault for each name that is given twice. A table may be in only one
// of Tables, Through and Shared.
func (s Split) repeated(through [][2]string) (errs []error) {
	of := func(flag string, list []string, seen map[string]bool) {
		for _, name := range list {
			if seen[name] {
				errs = append(errs, fmt.Errorf("%s: %q is given twice", flag, name))
			}
			seen[name] = true
		}
	}
	children := make([]string, len(through))
	for i, pair := range through {
		children[i] = pair[0]
	}
	tables := map[string]bool{}
	of("tables", s.Tables, tables)
	of("through", children, tables)
	of("shared", s.Shared, tables)
	of("sequences", s.Sequences, map[string]bool{})
	of("leave-out", s.LeaveOut, map[string]bool{})
	return errs
}
