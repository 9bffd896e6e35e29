package migrate

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/genericcorp/platform/showcase/internal/tenants"
)

// errOwner means that a login may not act as the owner of a tenant's schema.
var errOwner = errors.New("act as the owner of the schema")

// one migrates a tenant, and returns the version of its schema. With ownsSchema: true only the
// tenant's own login may act as the owner. tenants.json does not tell which tenants have that, so
// one tries the other login after a refusal. It remembers the result, because PostgreSQL logs each
// refusal as an error.
func (r *Runner) one(ctx context.Context, t tenants.Tenant) (int64, error) {
	version, err := r.as(ctx, t, r.own[t.Name])
	if !errors.Is(err, errOwner) || t.URL() == "" {
		return version, err
	}
	version, second := r.as(ctx, t, !r.own[t.Name])
	if errors.Is(second, errOwner) {
		return 0, err
	}
	r.own[t.Name] = !r.own[t.Name]
	return version, second
}

// as migrates a tenant with its own login, or with that of DATABASE_URL.
func (r *Runner) as(ctx context.Context, t tenants.Tenant, own bool) (int64, error) {
	if !own {
		return r.up(ctx, r.db, t)
	}
	db, err := open(t.URL())
	if err != nil {
		return 0, errors.New("the tenant's connection string cannot be used") // err may have the password
	}
	version, err := r.up(ctx, db, t)
	return version, errors.Join(err, db.Close())
}

// open returns a database that has one connection at a time, and a new session for each use.
func open(url string) (*sql.DB, error) {
	c, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	c.DefaultQueryExecMode = pgx.QueryExecModeExec
	db := stdlib.OpenDB(*c)
	db.SetMaxOpenConns(1)
	db.SetMaxIdleConns(-1)
	return db, nil
}

// refused reports whether the database denied a right.
func refused(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "42501"
}
