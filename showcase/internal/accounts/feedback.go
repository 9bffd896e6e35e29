package accounts

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// maxFeedback is the number of messages that are kept until the operator reads and deletes them.
const maxFeedback = 1000

// ErrFeedback means that there are too many messages.
var ErrFeedback = errors.New("there is too much unread feedback; please try again later")

// AddFeedback stores a message of a member for the operator.
func AddFeedback(ctx context.Context, tx pgx.Tx, email, message string) error {
	tag, err := tx.Exec(ctx, "INSERT INTO feedback (email, message) SELECT $1, $2 WHERE (SELECT count(*) FROM feedback) < $3", email, message, maxFeedback)
	if err == nil && tag.RowsAffected() == 0 {
		return ErrFeedback
	}
	return err
}
