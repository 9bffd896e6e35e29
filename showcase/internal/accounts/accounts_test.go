package accounts_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/internal/accounts"
	"github.com/genericcorp/platform/showcase/internal/pgtest"
)

var ctx = context.Background()

func always() bool { return true }

func TestOnlyTheRightPasswordIsAccepted(t *testing.T) {
	hash, err := accounts.Hash(ctx, "correct horse battery")
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(hash, "$argon2id$v=19$m=7168,t=5,p=1$"), hash)
	for password, want := range map[string]bool{"correct horse battery": true, "correct horse batterx": false, "": false, strings.Repeat("a", 500): false} {
		got, err := accounts.Verify(ctx, hash, password, always)
		require.NoError(t, err)
		assert.Equal(t, want, got, password)
	}
	again, err := accounts.Hash(ctx, "correct horse battery")
	require.NoError(t, err)
	assert.NotEqual(t, hash, again, "each hash has its own salt")
	got, err := accounts.Verify(ctx, hash, "correct horse battery", func() bool { return false })
	require.NoError(t, err)
	assert.False(t, got, "a throttled attempt fails")
	_, err = accounts.Hash(ctx, "short")
	assert.ErrorIs(t, err, accounts.ErrPassword)
}

func TestAnInvitationIsForOneMember(t *testing.T) {
	db := pgtest.Migrated(t)
	var token string
	db.Tx(t, func(tx pgx.Tx) (err error) {
		token, err = accounts.Invite(ctx, tx, "a@example.com", accounts.Owner, 2)
		return err
	})
	db.Tx(t, func(tx pgx.Tx) error {
		var stored string
		require.NoError(t, tx.QueryRow(ctx, "SELECT encode(token_hash, 'escape') FROM invitations").Scan(&stored))
		assert.NotContains(t, stored, token)
		i, err := accounts.FindInvitation(ctx, tx, token)
		assert.Equal(t, "a@example.com", i.Email)
		return err
	})
	var accepted atomic.Int32
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			err := db.Pools.Tx(ctx, db.Tenant, func(tx pgx.Tx) error {
				_, err := accounts.Accept(ctx, tx, token, "", "A", "hash")
				return err
			})
			if err == nil {
				accepted.Add(1)
			}
		})
	}
	all.Wait()
	assert.EqualValues(t, 1, accepted.Load())
	db.Tx(t, func(tx pgx.Tx) error {
		_, err := accounts.Invite(ctx, tx, "a@example.com", accounts.Plain, 2)
		require.ErrorIs(t, err, accounts.ErrMember)
		_, err = accounts.Invite(ctx, tx, "b@example.com", accounts.Plain, 2)
		require.NoError(t, err)
		_, err = accounts.Invite(ctx, tx, "b@example.com", accounts.Plain, 2)
		require.NoError(t, err, "a second invitation replaces the first one")
		_, err = accounts.Invite(ctx, tx, "c@example.com", accounts.Plain, 2)
		require.ErrorIs(t, err, accounts.ErrSeats)
		require.NoError(t, accounts.Withdraw(ctx, tx, "b@example.com"))
		open, err := accounts.Invitations(ctx, tx)
		assert.Empty(t, open)
		return err
	})
}

func TestAnExpiredInvitationIsRefused(t *testing.T) {
	pgtest.Migrated(t).Tx(t, func(tx pgx.Tx) error {
		token, err := accounts.Invite(ctx, tx, "a@example.com", accounts.Plain, 0)
		require.NoError(t, err)
		_, err = tx.Exec(ctx, "UPDATE invitations SET expires_at = now() - interval '1 second'")
		require.NoError(t, err)
		_, err = accounts.FindInvitation(ctx, tx, token)
		require.ErrorIs(t, err, accounts.ErrInvitation)
		_, err = accounts.Accept(ctx, tx, token, "", "A", "hash")
		require.ErrorIs(t, err, accounts.ErrInvitation)
		return nil
	})
}

func TestTheLastOwnerStays(t *testing.T) {
	pgtest.Migrated(t).Tx(t, func(tx pgx.Tx) error {
		for _, m := range []accounts.Member{{Email: "a@example.com", Role: accounts.Owner}, {Email: "b@example.com", Role: accounts.Owner}} {
			require.NoError(t, accounts.AddMember(ctx, tx, m, "hash"))
		}
		list, err := accounts.Members(ctx, tx)
		require.NoError(t, err)
		require.NoError(t, accounts.RemoveMember(ctx, tx, list[0].ID))
		require.ErrorIs(t, accounts.RemoveMember(ctx, tx, list[1].ID), accounts.ErrLastOwner)
		return nil
	})
}

func TestASessionEndsBySignOutByTimeAndWithItsMember(t *testing.T) {
	pgtest.Migrated(t).Tx(t, func(tx pgx.Tx) error {
		require.NoError(t, accounts.AddMember(ctx, tx, accounts.Member{Email: "a@example.com", Role: accounts.Plain}, "hash"))
		m, hash, err := accounts.Credentials(ctx, tx, " A@example.com ")
		require.NoError(t, err)
		assert.Equal(t, "hash", hash)
		session := func() string {
			token, err := accounts.NewSession(ctx, tx, m.ID, hash)
			require.NoError(t, err)
			return token
		}
		valid := func(token string) bool {
			_, ok, err := accounts.FindSession(ctx, tx, token)
			require.NoError(t, err)
			return ok
		}
		_, err = accounts.NewSession(ctx, tx, m.ID, "another hash")
		require.ErrorIs(t, err, accounts.ErrChanged)
		one, two := session(), session()
		assert.True(t, valid(one))
		assert.False(t, valid("x"))
		require.NoError(t, accounts.EndSession(ctx, tx, one))
		assert.False(t, valid(one))
		_, err = tx.Exec(ctx, "UPDATE sessions SET seen_at = now() - interval '25 hours'")
		require.NoError(t, err)
		assert.False(t, valid(two))
		three := session()
		_, err = tx.Exec(ctx, "UPDATE sessions SET expires_at = now() - interval '1 second'")
		require.NoError(t, err)
		assert.False(t, valid(three), "a session that is in use ends too")
		three = session()
		assert.True(t, valid(three))
		var life time.Duration
		require.NoError(t, tx.QueryRow(ctx, "SELECT max(expires_at) - now() FROM sessions").Scan(&life))
		assert.InDelta(t, accounts.SessionLife, life, float64(time.Minute))
		require.NoError(t, accounts.RemoveMember(ctx, tx, m.ID))
		assert.False(t, valid(three))
		return nil
	})
}

func TestAnAPIKeyIsStoredHashedAndCanBeRevoked(t *testing.T) {
	pgtest.Migrated(t).Tx(t, func(tx pgx.Tx) error {
		text, err := accounts.NewKey(ctx, tx, "ci", "a@example.com")
		require.NoError(t, err)
		k, ok, err := accounts.CheckKey(ctx, tx, text)
		require.NoError(t, err)
		assert.True(t, ok)
		assert.Equal(t, "ci", k.Name)
		var secret string
		require.NoError(t, tx.QueryRow(ctx, "SELECT encode(secret_hash, 'escape') FROM api_keys").Scan(&secret))
		assert.NotContains(t, text, secret)
		for _, wrong := range []string{"", "ahq_", "ahq_" + k.ID + "_", text + "x", strings.TrimPrefix(text, "ahq_"), "ahq_000000000000_" + accounts.NewToken()} {
			_, ok, err := accounts.CheckKey(ctx, tx, wrong)
			require.NoError(t, err)
			assert.False(t, ok, wrong)
		}
		done, err := accounts.RevokeKey(ctx, tx, k.ID, accounts.Session{Member: accounts.Member{Email: "b@example.com", Role: accounts.Plain}})
		require.NoError(t, err)
		assert.False(t, done, "a member may not revoke the keys of others")
		done, err = accounts.RevokeKey(ctx, tx, k.ID, accounts.Session{Member: accounts.Member{Email: "b@example.com", Role: accounts.Owner}})
		require.NoError(t, err)
		assert.True(t, done)
		_, ok, err = accounts.CheckKey(ctx, tx, text)
		assert.False(t, ok)
		return err
	})
}

func TestEmailAcceptsAddressesOnly(t *testing.T) {
	got, err := accounts.Email(" A@Example.com ")
	require.NoError(t, err)
	assert.Equal(t, "a@example.com", got)
	for _, wrong := range []string{"", "a", "a@", "A <a@example.com>", "a@example.com, b@example.com", strings.Repeat("a", 300) + "@example.com"} {
		_, err := accounts.Email(wrong)
		assert.ErrorIs(t, err, accounts.ErrEmail, wrong)
	}
}
