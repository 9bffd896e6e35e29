package migrate

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"github.com/genericcorp/platform/showcase/internal/tenants"
)

// versionTable has the version of the schema. Only the schema's owner may use it.
const versionTable = "agenthq_version"

// become makes a transaction act as the owner of the tenant's schema until it ends. It also
// limits how long the transaction waits, so that a tenant with an open transaction does not
// delay the others.
func become(ctx context.Context, db database.DBTxConn, t tenants.Tenant) error {
	statement := "SET LOCAL lock_timeout = '3s'; SET LOCAL statement_timeout = '60s'"
	if owner := t.Owner(); owner != "" {
		statement += "; SET LOCAL ROLE " + pgx.Identifier{owner}.Sanitize() + "; SET LOCAL search_path = " + pgx.Identifier{t.Schema}.Sanitize()
	}
	_, err := db.ExecContext(ctx, statement)
	if refused(err) {
		return fmt.Errorf("%w: %w", errOwner, err)
	}
	return err
}

// store keeps the versions of one schema. It runs each statement of goose's own store in a
// transaction as the schema's owner, so that no role stays in the session.
type store struct {
	database.Store
	tenant tenants.Tenant
}

func newStore(t tenants.Tenant) (store, error) {
	inner, err := database.NewStore(goose.DialectPostgres, versionTable)
	return store{inner, t}, err
}

func (s store) within(ctx context.Context, db database.DBTxConn, work func(database.DBTxConn) error) error {
	conn, ok := db.(interface {
		BeginTx(context.Context, *sql.TxOptions) (*sql.Tx, error)
	})
	if !ok { // a transaction of goose
		if err := become(ctx, db, s.tenant); err != nil {
			return err
		}
		return work(db)
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // it fails after a commit
	if err := become(ctx, tx, s.tenant); err != nil {
		return err
	}
	if err := work(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// CreateVersionTable creates the table, and revokes the rights that the owner's default
// privileges give to the tenant's login.
func (s store) CreateVersionTable(ctx context.Context, db database.DBTxConn) error {
	return s.within(ctx, db, func(db database.DBTxConn) error {
		if err := s.Store.CreateVersionTable(ctx, db); err != nil {
			return err
		}
		if s.tenant.Role == "" {
			return nil
		}
		_, err := db.ExecContext(ctx, "REVOKE ALL ON "+versionTable+" FROM "+pgx.Identifier{s.tenant.Role}.Sanitize())
		return err
	})
}

// TableExists reports whether the schema has the table.
func (s store) TableExists(ctx context.Context, db database.DBTxConn) (exists bool, err error) {
	err = s.within(ctx, db, func(db database.DBTxConn) error {
		return db.QueryRowContext(ctx, "SELECT to_regclass($1) IS NOT NULL", versionTable).Scan(&exists)
	})
	return exists, err
}

// Insert records a version.
func (s store) Insert(ctx context.Context, db database.DBTxConn, r database.InsertRequest) error {
	return s.within(ctx, db, func(db database.DBTxConn) error { return s.Store.Insert(ctx, db, r) })
}

// GetLatestVersion returns the newest version of the schema.
func (s store) GetLatestVersion(ctx context.Context, db database.DBTxConn) (version int64, err error) {
	err = s.within(ctx, db, func(db database.DBTxConn) error {
		version, err = s.Store.GetLatestVersion(ctx, db)
		return err
	})
	return version, err
}

// ListMigrations returns all versions of the schema, the newest one first.
func (s store) ListMigrations(ctx context.Context, db database.DBTxConn) (list []*database.ListMigrationsResult, err error) {
	err = s.within(ctx, db, func(db database.DBTxConn) error {
		list, err = s.Store.ListMigrations(ctx, db)
		return err
	})
	return list, err
}
