// Package demo fills the demo's tenant with sample data, and resets it every night.
package demo

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/genericcorp/platform/showcase/internal/accounts"
	"github.com/genericcorp/platform/showcase/internal/site"
)

// The credentials of the demo are public. The sign-in page shows them.
const (
	Email    = "demo@agenthq.example"
	Password = "watch-the-agents"
)

// Reset deletes everything in the tenant except feedback, and stores the sample data again. It
// does so once a day (UTC), and reports whether it did. Of several replicas one does it.
//
// The deletion has a transaction of its own: a tenant above its storage may delete, but not insert
// until the platform has measured it again.
func Reset(ctx context.Context, s *site.Site, now time.Time) (done bool, err error) {
	day := now.UTC().Truncate(24 * time.Hour)
	due := false
	err = s.Tx(ctx, func(tx pgx.Tx) error {
		if due, err = isDue(ctx, tx, day); err != nil || !due {
			return err
		}
		return clean(ctx, tx)
	})
	if err != nil || !due {
		return false, err
	}
	hash, err := accounts.Hash(ctx, Password)
	if err != nil {
		return false, err
	}
	err = s.Tx(ctx, func(tx pgx.Tx) error {
		if due, err = isDue(ctx, tx, day); err != nil || !due {
			return err
		}
		if _, err := tx.Exec(ctx, "INSERT INTO demo_reset (day) VALUES ($1) ON CONFLICT (singleton) DO UPDATE SET day = $1", day); err != nil {
			return err
		}
		return fill(ctx, tx, now, hash)
	})
	return due && err == nil, err
}

// lock makes other replicas wait for the end of the transaction.
func lock(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, "LOCK TABLE demo_reset IN SHARE ROW EXCLUSIVE MODE")
	return err
}

// isDue reports whether there was no reset on a day yet, and locks.
func isDue(ctx context.Context, tx pgx.Tx, day time.Time) (due bool, err error) {
	if err := lock(ctx, tx); err != nil {
		return false, err
	}
	err = tx.QueryRow(ctx, "SELECT NOT EXISTS (SELECT FROM demo_reset WHERE day >= $1)", day).Scan(&due)
	return due, err
}

func clean(ctx context.Context, tx pgx.Tx) error {
	for _, table := range []string{"events", "runs", "idempotency_keys", "usage", "api_keys", "invitations", "sessions", "members"} {
		if _, err := tx.Exec(ctx, "DELETE FROM "+table); err != nil {
			return err
		}
	}
	return nil
}

func fill(ctx context.Context, tx pgx.Tx, now time.Time, hash string) error {
	for _, m := range []accounts.Member{
		{Email: Email, Name: "Demo", Role: accounts.Owner},
		{Email: "mira@acme.example", Name: "Mira Okafor", Role: accounts.Owner},
		{Email: "jonas@acme.example", Name: "Jonas Lind", Role: accounts.Plain},
	} {
		password := "" // without one, the other two cannot sign in
		if m.Email == Email {
			password = hash
		}
		if err := accounts.AddMember(ctx, tx, m, password); err != nil {
			return err
		}
	}
	if _, err := accounts.NewKey(ctx, tx, "Production agents", "mira@acme.example"); err != nil {
		return err
	}
	return tell(ctx, tx, now)
}
