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

// Session is a member who is signed in.
type Session struct {
	Member
	// Full is true while the tenant is above the storage of its plan. The database then refuses
	// to insert and to update. It reads and deletes.
	Full bool
}

// maxSessions is the number of sessions of a member. It is large, because all visitors of the demo share
// one account, and a visitor who signs in again and again must not end the sessions of others soon.
const maxSessions = 5000

// NewSession stores a session of a member, and returns its token. hash is the member's password as
// it was verified. If the password has changed since, the error is ErrChanged. NewSession also
// deletes sessions that have expired, and the oldest one of a member with maxSessions.
//
// A tenant above its storage may not insert, but its members must be able to sign in: to read, to
// export, to revoke keys and to remove members. A function of the schema's owner stores the session
// then (004_sessions.sql). The alternative is a signed session without a row. It was not chosen: it
// could not be ended on the server before it expires, neither by signing out nor for a member whose
// cookie was stolen, and all replicas would need one more secret. The price is that some rows
// are stored above the limit: 20 for each member, about 4 KiB.
func NewSession(ctx context.Context, tx pgx.Tx, member int64, hash string) (string, error) {
	if _, err := tx.Exec(ctx, "DELETE FROM sessions WHERE expires_at < now() OR seen_at < now() - interval '"+sessionIdle+"'"); err != nil {
		return "", err
	}
	_, err := tx.Exec(ctx, "DELETE FROM sessions WHERE token_hash IN (SELECT token_hash FROM sessions WHERE member_id = $1 ORDER BY created_at DESC OFFSET $2)", member, maxSessions-1)
	if err != nil {
		return "", err
	}
	full, err := isFull(ctx, tx)
	if err != nil {
		return "", err
	}
	statement := "INSERT INTO sessions (token_hash, member_id, expires_at) SELECT $3, id, $4 FROM members WHERE id = $1 AND password = $2 RETURNING true"
	if full {
		statement = "SELECT coalesce(new_session($1, $2, $3, $4), false)"
	}
	token, stored := NewToken(), false
	err = tx.QueryRow(ctx, statement, member, hash, hashOf(token), time.Now().Add(SessionLife)).Scan(&stored)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !stored {
		return "", ErrChanged
	}
	return token, err
}

const mayWrite = "has_table_privilege('sessions', 'INSERT, UPDATE')"

// isFull reports whether the tenant is above the storage of its plan.
func isFull(ctx context.Context, tx pgx.Tx) (full bool, err error) {
	err = tx.QueryRow(ctx, "SELECT NOT "+mayWrite).Scan(&full)
	return full, err
}

// FindSession returns the session of a token. It reports false if the session does not exist or has
// expired.
func FindSession(ctx context.Context, tx pgx.Tx, token string) (Session, bool, error) {
	var s Session
	var stale bool
	err := tx.QueryRow(ctx, `SELECT m.id, m.email, m.name, m.role, m.created_at, s.seen_at < now() - interval '5 minutes', NOT `+mayWrite+`
		FROM sessions s JOIN members m ON m.id = s.member_id
		WHERE s.token_hash = $1 AND s.expires_at > now() AND s.seen_at > now() - interval '`+sessionIdle+`'`, hashOf(token)).
		Scan(&s.ID, &s.Email, &s.Name, &s.Role, &s.CreatedAt, &stale, &s.Full)
	if errors.Is(err, pgx.ErrNoRows) {
		return Session{}, false, nil
	}
	if err == nil && stale && !s.Full {
		_, err = tx.Exec(ctx, "UPDATE sessions SET seen_at = now() WHERE token_hash = $1", hashOf(token))
	}
	return s, err == nil, err
}

// EndSession deletes a session.
func EndSession(ctx context.Context, tx pgx.Tx, token string) error {
	_, err := tx.Exec(ctx, "DELETE FROM sessions WHERE token_hash = $1", hashOf(token))
	return err
}
