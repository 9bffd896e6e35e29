package accounts

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/genericcorp/platform/showcase/internal/rows"
)

// The roles of members. An owner invites and removes members, and revokes keys of others.
const (
	Owner = "owner"
	Plain = "member"
)

// Errors of this package.
var (
	ErrInvitation = errors.New("the invitation does not exist, has expired, or was used")
	ErrMember     = errors.New("there is a member with this e-mail address already")
	ErrSeats      = errors.New("all seats of the plan are taken")
	ErrLastOwner  = errors.New("the last owner cannot be removed")
	ErrEmail      = errors.New("this is not an e-mail address")
	ErrChanged    = errors.New("the password has changed meanwhile; please sign in again")
)

// Member is a person who may sign in.
type Member struct {
	ID        int64
	Email     string
	Name      string
	Role      string
	CreatedAt time.Time
}

// IsOwner reports whether the member may manage others.
func (m Member) IsOwner() bool { return m.Role == Owner }

// Email returns an address in lower case, or ErrEmail.
func Email(text string) (string, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	a, err := mail.ParseAddress(text)
	if err != nil || a.Address != text || len(text) > 200 {
		return "", ErrEmail
	}
	return text, nil
}

// Credentials returns the member with an e-mail address and the hash of the password. The hash
// is empty when there is none.
func Credentials(ctx context.Context, tx pgx.Tx, email string) (Member, string, error) {
	var m Member
	var hash string
	err := tx.QueryRow(ctx, "SELECT id, email, name, role, created_at, password FROM members WHERE email = $1", strings.ToLower(strings.TrimSpace(email))).
		Scan(&m.ID, &m.Email, &m.Name, &m.Role, &m.CreatedAt, &hash)
	if errors.Is(err, pgx.ErrNoRows) {
		return Member{}, "", nil
	}
	return m, hash, err
}

// Members returns all members, the oldest first.
func Members(ctx context.Context, tx pgx.Tx) ([]Member, error) {
	return rows.All[Member](ctx, tx, "SELECT id, email, name, role, created_at FROM members ORDER BY id LIMIT 1000")
}

// AddMember stores a member. hash is the result of Hash. It returns ErrMember if the address is
// in use.
func AddMember(ctx context.Context, tx pgx.Tx, m Member, hash string) error {
	tag, err := tx.Exec(ctx, "INSERT INTO members (email, name, role, password) VALUES ($1, $2, $3, $4) ON CONFLICT (email) DO NOTHING", m.Email, m.Name, m.Role, hash)
	if err == nil && tag.RowsAffected() == 0 {
		return ErrMember
	}
	return err
}

// RemoveMember deletes a member with all sessions. It returns ErrLastOwner for the last owner.
func RemoveMember(ctx context.Context, tx pgx.Tx, id int64) error {
	// Two owners cannot remove each other at once. FOR UPDATE needs a right that a tenant above its
	// storage lacks.
	if _, err := tx.Exec(ctx, "LOCK TABLE members IN SHARE ROW EXCLUSIVE MODE"); err != nil {
		return fmt.Errorf("lock the members: %w", err)
	}
	found, _ := tx.Query(ctx, "SELECT id FROM members WHERE role = 'owner'") // its error is that of CollectRows too
	owners, err := pgx.CollectRows(found, pgx.RowTo[int64])
	if err != nil {
		return err
	}
	if len(owners) == 1 && owners[0] == id {
		return ErrLastOwner
	}
	_, err = tx.Exec(ctx, "DELETE FROM members WHERE id = $1", id)
	return err
}

// ChangePassword replaces the password of a member, ends all sessions of the account, and returns the
// token of a new one. hash is the stored password as it was verified, and replacement is the result
// of Hash. The error is ErrChanged if the password has changed since.
func ChangePassword(ctx context.Context, tx pgx.Tx, member int64, hash, replacement string) (string, error) {
	tag, err := tx.Exec(ctx, "UPDATE members SET password = $3 WHERE id = $1 AND password = $2", member, hash, replacement)
	if err != nil {
		return "", err
	}
	if tag.RowsAffected() == 0 {
		return "", ErrChanged
	}
	// A sign-in with the old password may be storing its session now. After this lock it is visible and
	// deleted, or it waits and finds the new password.
	if _, err := tx.Exec(ctx, "LOCK TABLE sessions IN SHARE ROW EXCLUSIVE MODE"); err != nil {
		return "", fmt.Errorf("lock the sessions: %w", err)
	}
	if _, err := tx.Exec(ctx, "DELETE FROM sessions WHERE member_id = $1", member); err != nil {
		return "", err
	}
	return NewSession(ctx, tx, member, replacement)
}
