// Package rows reads the results of queries.
package rows

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// All returns all rows of a query. T is a struct with a field for each column, in their order.
func All[T any](ctx context.Context, tx pgx.Tx, sql string, args ...any) ([]T, error) {
	found, _ := tx.Query(ctx, sql, args...) // its error is that of CollectRows too
	return pgx.CollectRows(found, pgx.RowToStructByPos[T])
}

// One returns the only row of a query, or pgx.ErrNoRows.
func One[T any](ctx context.Context, tx pgx.Tx, sql string, args ...any) (T, error) {
	found, _ := tx.Query(ctx, sql, args...) // its error is that of CollectExactlyOneRow too
	return pgx.CollectExactlyOneRow(found, pgx.RowToStructByPos[T])
}
