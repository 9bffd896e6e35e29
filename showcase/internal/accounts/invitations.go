package accounts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/genericcorp/platform/showcase/internal/rows"
)

// InvitationLife is how long an invitation is open.
const InvitationLife = 72 * time.Hour

// open is the condition of invitations that can be used. The first one has no address. It ends when
// there is a member, by whichever way.
const open = "used_at IS NULL AND expires_at > now() AND (email <> '' OR NOT EXISTS (SELECT FROM members))"

// Invitation is an invitation that was not used yet.
type Invitation struct {
	// Email is empty in the first invitation: who uses it enters an address.
	Email     string
	Role      string
	ExpiresAt time.Time
}

// Invite stores an invitation, and returns the token of its link. The invitation expires after
// 72 hours. seats is the plan's limit of members and open invitations; 0 means no limit.
func Invite(ctx context.Context, tx pgx.Tx, email, role string, seats int64) (string, error) {
	// A lock that conflicts with itself, so that two invitations at once do not exceed the seats.
	if _, err := tx.Exec(ctx, "LOCK TABLE invitations IN SHARE ROW EXCLUSIVE MODE"); err != nil {
		return "", fmt.Errorf("lock the invitations: %w", err)
	}
	var taken int64
	var member bool
	err := tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM members) + (SELECT count(*) FROM invitations WHERE `+open+` AND email <> $1),
		EXISTS (SELECT FROM members WHERE email = $1)`, email).Scan(&taken, &member)
	if err != nil {
		return "", err
	}
	if member {
		return "", ErrMember
	}
	if seats > 0 && taken >= seats {
		return "", ErrSeats
	}
	// A second invitation replaces the first one.
	if _, err := tx.Exec(ctx, "DELETE FROM invitations WHERE email = $1 OR expires_at < now()", email); err != nil {
		return "", err
	}
	return storeInvitation(ctx, tx, email, role)
}

// InviteFirst stores an invitation for the first owner, and returns the token of its link. An older
// one without an address ends. If there is a member, the token is empty, and nothing is stored.
func InviteFirst(ctx context.Context, tx pgx.Tx) (string, error) {
	if _, err := tx.Exec(ctx, "LOCK TABLE invitations IN SHARE ROW EXCLUSIVE MODE"); err != nil {
		return "", fmt.Errorf("lock the invitations: %w", err)
	}
	var exists bool
	if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM members)").Scan(&exists); err != nil || exists {
		return "", err
	}
	if _, err := tx.Exec(ctx, "DELETE FROM invitations WHERE email = '' AND used_at IS NULL"); err != nil {
		return "", err
	}
	return storeInvitation(ctx, tx, "", Owner)
}

func storeInvitation(ctx context.Context, tx pgx.Tx, email, role string) (string, error) {
	token := NewToken()
	_, err := tx.Exec(ctx, "INSERT INTO invitations (token_hash, email, role, expires_at) VALUES ($1, $2, $3, $4)", hashOf(token), email, role, time.Now().Add(InvitationLife))
	return token, err
}

// Invitations returns the open invitations that have an address.
func Invitations(ctx context.Context, tx pgx.Tx) ([]Invitation, error) {
	return rows.All[Invitation](ctx, tx, "SELECT email, role, expires_at FROM invitations WHERE "+open+" AND email <> '' ORDER BY expires_at LIMIT 1000")
}

// FindInvitation returns the open invitation of a token, or ErrInvitation.
func FindInvitation(ctx context.Context, tx pgx.Tx, token string) (Invitation, error) {
	i, err := rows.One[Invitation](ctx, tx, "SELECT email, role, expires_at FROM invitations WHERE token_hash = $1 AND "+open, hashOf(token))
	if errors.Is(err, pgx.ErrNoRows) {
		return i, ErrInvitation
	}
	return i, err
}

// Accept uses an invitation: it stores the member. A token can be used once. email is used only if the
// invitation has no address; the error is ErrEmail if it is none.
func Accept(ctx context.Context, tx pgx.Tx, token, email, name, hash string) (Member, error) {
	m := Member{Name: name}
	err := tx.QueryRow(ctx, "UPDATE invitations SET used_at = now() WHERE token_hash = $1 AND "+open+" RETURNING email, role", hashOf(token)).
		Scan(&m.Email, &m.Role)
	if errors.Is(err, pgx.ErrNoRows) {
		return m, ErrInvitation
	}
	if err != nil {
		return m, err
	}
	if m.Email == "" {
		if m.Email, err = Email(email); err != nil {
			return m, err
		}
	}
	if err := AddMember(ctx, tx, m, hash); err != nil {
		return m, err
	}
	m, _, err = Credentials(ctx, tx, m.Email)
	return m, err
}

// Withdraw deletes the open invitation of an e-mail address.
func Withdraw(ctx context.Context, tx pgx.Tx, email string) error {
	_, err := tx.Exec(ctx, "DELETE FROM invitations WHERE email = $1 AND used_at IS NULL", email)
	return err
}
