package runs

import (
	"bytes"
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// ErrKeyReused means that an idempotency key came with another request before.
var ErrKeyReused = errors.New("the idempotency key was used for another request")

// Response is the stored response to a request with an idempotency key.
type Response struct {
	Status int
	Body   []byte
	// Unchanged is true if the request changed nothing, so it is safe to repeat without a stored response.
	Unchanged bool
}

// Once runs work once for each idempotency key of an API key, and returns its response. A second
// request with the same key and the same hash gets the stored response, and replayed is true. A
// key is kept for a day. If work fails, the key can be used again, because the caller rolls back. If work
// changed nothing, nothing is stored. So the plan's limits also limit the stored responses.
func Once(ctx context.Context, tx pgx.Tx, apiKey, key string, hash []byte, work func() (Response, error)) (r Response, replayed bool, err error) {
	if _, err := tx.Exec(ctx, "DELETE FROM idempotency_keys WHERE created_at < now() - interval '1 day'"); err != nil {
		return r, false, err
	}
	// A request at the same time with the same key waits here until the other one ends.
	tag, err := tx.Exec(ctx, "INSERT INTO idempotency_keys (api_key, key, request_hash) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", apiKey, key, hash)
	if err != nil {
		return r, false, err
	}
	if tag.RowsAffected() == 0 {
		var stored []byte
		err := tx.QueryRow(ctx, "SELECT request_hash, status, response FROM idempotency_keys WHERE api_key = $1 AND key = $2", apiKey, key).Scan(&stored, &r.Status, &r.Body)
		if err == nil && !bytes.Equal(stored, hash) {
			err = ErrKeyReused
		}
		return r, true, err
	}
	if r, err = work(); err != nil {
		return r, false, err
	}
	if r.Unchanged {
		_, err = tx.Exec(ctx, "DELETE FROM idempotency_keys WHERE api_key = $1 AND key = $2", apiKey, key)
		return r, false, err
	}
	_, err = tx.Exec(ctx, "UPDATE idempotency_keys SET status = $3, response = $4 WHERE api_key = $1 AND key = $2", apiKey, key, r.Status, r.Body)
	return r, false, err
}
