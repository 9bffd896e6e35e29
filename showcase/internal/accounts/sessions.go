package accounts

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// SessionLife is how long a session lasts at most.
	SessionLife = 7 * 24 * time.Hour
	// sessionIdle is how long a session lasts without a request.
	sessionIdle = "24 hours"
)

// NewSession stores a session of a member, and returns its token. It also deletes sessions that
// have expired.
func NewSession(ctx context.Context, tx pgx.Tx, member int64) (string, error) {
	if _, err := tx.Exec(ctx, "DELETE FROM sessions WHERE expires_at < now() OR seen_at < now() - interval '"+sessionIdle+"'"); err != nil {
		return "", err
	}
	token := NewToken()
	_, err := tx.Exec(ctx, "INSERT INTO sessions (token_hash, member_id, expires_at) VALUES ($1, $2, $3)", hashOf(token), member, time.Now().Add(SessionLife))
	return token, err
}

// SessionMember returns the member of a session. It reports false if the session does not exist
// or has expired.
func SessionMember(ctx context.Context, tx pgx.Tx, token string) (Member, bool, error) {
	var m Member
	var stale bool
	err := tx.QueryRow(ctx, `SELECT m.id, m.email, m.name, m.role, m.created_at, s.seen_at < now() - interval '5 minutes'
		FROM sessions s JOIN members m ON m.id = s.member_id
		WHERE s.token_hash = $1 AND s.expires_at > now() AND s.seen_at > now() - interval '`+sessionIdle+`'`, hashOf(token)).
		Scan(&m.ID, &m.Email, &m.Name, &m.Role, &m.CreatedAt, &stale)
	if errors.Is(err, pgx.ErrNoRows) {
		return Member{}, false, nil
	}
	if err == nil && stale {
		_, err = tx.Exec(ctx, "UPDATE sessions SET seen_at = now() WHERE token_hash = $1", hashOf(token))
	}
	return m, err == nil, err
}

// EndSession deletes a session.
func EndSession(ctx context.Context, tx pgx.Tx, token string) error {
	_, err := tx.Exec(ctx, "DELETE FROM sessions WHERE token_hash = $1", hashOf(token))
	return err
}
