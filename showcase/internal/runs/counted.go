package runs

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/genericcorp/platform/showcase/internal/rows"
)

// KeptMonths is how many months the platform keeps before the current one (docs/usage.md).
const KeptMonths = 25

// CountedDay is what the platform has counted for the tenant on a day (UTC). Nil means that a value
// was not measured. The platform's docs/usage.md explains each.
type CountedDay struct {
	Day         time.Time  `json:"-"`
	Requests    *int64     `json:"requests"`
	Errors      *int64     `json:"errors"`
	Bytes       *int64     `json:"bytes"`
	P95         *float64   `json:"p95_seconds"` // seconds
	LastRequest *time.Time `json:"last_request"`
	Storage     *int64     `json:"storage_bytes"` // bytes
	Rows        *int64     `json:"rows"`
	RowsWritten *int64     `json:"rows_written"`
	Connections *int64     `json:"connections"`
	Logins      *int64     `json:"logins"`
	Events      *int64     `json:"events"`
}

// Counted returns the days of a month that the platform has counted for the tenant. counts is false if
// it does not count: without the platform, or before its first update.
func Counted(ctx context.Context, tx pgx.Tx, month time.Time) (days []CountedDay, counts bool, err error) {
	// A query of a view that is missing, or that the role may not read, would end the transaction.
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE nspname = 'platform_usage' AND relname = 'days' AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'))`).Scan(&counts)
	if err != nil || !counts {
		return nil, false, err
	}
	days, err = rows.All[CountedDay](ctx, tx, `SELECT day, requests, errors, bytes, p95, last_request, storage, rows, rows_written, connections::bigint, logins, events
		FROM platform_usage.days WHERE day >= $1 AND day < $2 ORDER BY day`, month, month.AddDate(0, 1, 0))
	return days, true, err
}
