package monthly

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/genericcorp/platform/internal/usage"
)

// insufficientPrivilege is PostgreSQL's code for "permission denied".
const insufficientPrivilege = "42501"

// Read reads a month from the database of a stack. conn must be the administrator's. Read changes
// nothing. A month of which no day is counted is an error that names the days that are.
func Read(ctx context.Context, conn *pgx.Conn, month time.Time) (Data, error) {
	var data Data
	err := pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		var err error
		data, err = read(ctx, tx, month)
		return err
	})
	var of *pgconn.PgError
	if errors.As(err, &of) && of.Code == insufficientPrivilege {
		return data, fmt.Errorf("the role %s may not read the usage (%s); connect as the administrator", conn.Config().User, of.Message)
	}
	return data, err
}

func read(ctx context.Context, tx pgx.Tx, month time.Time) (Data, error) {
	var data Data
	var exists bool
	// to_regclass would be null for a role that may not use the schema.
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_class WHERE relname = 'usage_month' AND relnamespace::regnamespace::text = 'platform')`).Scan(&exists); err != nil {
		return data, err
	}
	if !exists {
		return data, fmt.Errorf("the database %s has no usage: no update with this version has run yet, or it is not the stack's database", tx.Conn().Config().Database)
	}
	if err := readDays(ctx, tx, month, &data); err != nil {
		return data, err
	}
	// Sums of bigint are numeric.
	rows, err := tx.Query(ctx, `SELECT tenant, requests::bigint, errors::bigint, bytes::bigint, rows::bigint, storage::bigint, logins::bigint,
		CASE WHEN tenant <> $2 THEN active_days END, p95 FROM platform.usage_month WHERE month = $1`, month, usage.Purged)
	if err != nil {
		return data, err
	}
	data.Tenants, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Usage])
	return data, err
}

// readDays counts the days of a month. The update that brings the tables writes a day that is not
// counted: the first one, which is not measured.
func readDays(ctx context.Context, tx pgx.Tx, month time.Time, data *Data) error {
	var first, last pgtype.Date
	err := tx.QueryRow(ctx, `SELECT count(*) FILTER (WHERE of_month), count(*) FILTER (WHERE of_month AND measured), min(day), max(day)
		FROM (SELECT day, measured, date_trunc('month', day) = $1::date AS of_month
			FROM platform.usage_days WHERE measured OR day > (SELECT min(day) FROM platform.usage_days)) AS of`, month).
		Scan(&data.Counted, &data.Measured, &first, &last)
	if err != nil || data.Counted > 0 {
		return err
	}
	if !first.Valid {
		return errors.New("no day is counted yet: the first one is the day after the update that brought the tables, and it is written some minutes after its end (UTC)")
	}
	return fmt.Errorf("no day of %s is counted; the counted days are %s to %s, and they are kept for 25 months",
		month.Format("2006-01"), first.Time.Format(time.DateOnly), last.Time.Format(time.DateOnly))
}
