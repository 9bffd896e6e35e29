package accounts

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/genericcorp/platform/showcase/internal/rows"
)

// MaxKeys is the number of API keys of a tenant that are not revoked.
const MaxKeys = 50

// MaxRevoked is the number of revoked API keys that a tenant keeps, to show what was there.
const MaxRevoked = 150

// ErrKeys means that a tenant has MaxKeys keys.
var ErrKeys = errors.New("there are too many API keys; revoke one first")

// Key is an API key of an agent, without its secret.
type Key struct {
	ID        string
	Name      string
	CreatedBy string
	CreatedAt time.Time
	UsedAt    *time.Time
	RevokedAt *time.Time
}

const keyPrefix = "ahq_"

// NewKey stores an API key, and returns it as text. Only its hash is stored, so the text cannot
// be shown again.
func NewKey(ctx context.Context, tx pgx.Tx, name, createdBy string) (string, error) {
	var n int
	if err := tx.QueryRow(ctx, "SELECT count(*) FROM api_keys WHERE revoked_at IS NULL").Scan(&n); err != nil {
		return "", err
	}
	if n >= MaxKeys {
		return "", ErrKeys
	}
	_, err := tx.Exec(ctx, "DELETE FROM api_keys WHERE id IN (SELECT id FROM api_keys WHERE revoked_at IS NOT NULL ORDER BY revoked_at DESC OFFSET $1)", MaxRevoked)
	if err != nil {
		return "", err
	}
	id, secret := hex.EncodeToString(random(6)), NewToken()
	_, err = tx.Exec(ctx, "INSERT INTO api_keys (id, name, secret_hash, created_by) VALUES ($1, $2, $3, $4)", id, name, hashOf(secret), createdBy)
	return keyPrefix + id + "_" + secret, err
}

// CheckKey returns the API key of a text. It reports false if there is none, or if it was revoked.
func CheckKey(ctx context.Context, tx pgx.Tx, text string) (Key, bool, error) {
	rest, ok := strings.CutPrefix(text, keyPrefix)
	id, secret, found := strings.Cut(rest, "_")
	if !ok || !found {
		return Key{}, false, nil
	}
	k := Key{ID: id}
	var stored []byte
	var stale bool
	err := tx.QueryRow(ctx, `SELECT name, created_by, created_at, secret_hash, coalesce(used_at < now() - interval '1 minute', true) AND `+mayWrite+`
		FROM api_keys WHERE id = $1 AND revoked_at IS NULL`, id).Scan(&k.Name, &k.CreatedBy, &k.CreatedAt, &stored, &stale)
	if errors.Is(err, pgx.ErrNoRows) {
		return Key{}, false, nil
	}
	if err != nil {
		return Key{}, false, err
	}
	if subtle.ConstantTimeCompare(stored, hashOf(secret)) != 1 {
		return Key{}, false, nil
	}
	if stale {
		_, err = tx.Exec(ctx, "UPDATE api_keys SET used_at = now() WHERE id = $1", id)
	}
	return k, err == nil, err
}

// Keys returns all API keys, the newest first.
func Keys(ctx context.Context, tx pgx.Tx) ([]Key, error) {
	return rows.All[Key](ctx, tx, "SELECT id, name, created_by, created_at, used_at, revoked_at FROM api_keys ORDER BY revoked_at IS NOT NULL, created_at DESC LIMIT 200")
}

// RevokeKey ends an API key. A member who is no owner may revoke own keys only; the result is
// false when nothing was revoked. A tenant above its storage may not update, so the key is deleted.
func RevokeKey(ctx context.Context, tx pgx.Tx, id string, by Session) (bool, error) {
	statement := "UPDATE api_keys SET revoked_at = now()"
	if by.Full {
		statement = "DELETE FROM api_keys"
	}
	tag, err := tx.Exec(ctx, statement+" WHERE id = $1 AND revoked_at IS NULL AND ($2 OR created_by = $3)", id, by.IsOwner(), by.Email)
	return tag.RowsAffected() == 1, err
}
