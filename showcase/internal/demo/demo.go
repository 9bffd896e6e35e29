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
func Reset(ctx context.Context, s *site.Site, now time.Time) (done bool, err error) {
	today := now.UTC().Truncate(24 * time.Hour)
	var due bool
	err = s.Tx(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, "SELECT NOT EXISTS (SELECT FROM demo_reset WHERE day >= $1)", today).Scan(&due)
	})
	if err != nil || !due {
		return false, err
	}
	hash, err := accounts.Hash(ctx, Password)
	if err != nil {
		return false, err
	}
	err = s.Tx(ctx, func(tx pgx.Tx) error {
		// The other replicas wait here for the commit, and then find that nothing is left to do.
		tag, err := tx.Exec(ctx, "INSERT INTO demo_reset (day) VALUES ($1) ON CONFLICT (singleton) DO UPDATE SET day = $1 WHERE demo_reset.day < $1", today)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		done = true
		return fill(ctx, tx, now, hash)
	})
	return done && err == nil, err
}

// fill replaces the data.
func fill(ctx context.Context, tx pgx.Tx, now time.Time, hash string) error {
	for _, table := range []string{"events", "runs", "idempotency_keys", "usage", "api_keys", "invitations", "sessions", "members"} {
		if _, err := tx.Exec(ctx, "DELETE FROM "+table); err != nil {
			return err
		}
	}
	for _, m := range []accounts.Member{
		{Email: Email, Name: "Demo", Role: accounts.Owner},
		{Email: "mira@acme.example", Name: "Mira Okafor", Role: accounts.Owner},
		{Email: "jonas@acme.example", Name: "Jonas Lind", Role: accounts.Plain},
	} {
		password := "" // nobody can sign in as the other two
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
