// Package runs stores what agents report: runs, and the events of each. All functions work in a
// transaction of the tenant.
package runs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/genericcorp/platform/showcase/internal/rows"
)

// MaxEvents is the number of events that one run may have.
const MaxEvents = 10_000

// The states of a run. A finished run does not change any more.
const (
	Running   = "running"
	Succeeded = "succeeded"
	Failed    = "failed"
	Canceled  = "canceled"
)

// Statuses has all states of a run.
var Statuses = []string{Running, Succeeded, Failed, Canceled}

// Errors of the store.
var (
	ErrNotFound = errors.New("there is no such run")
	ErrFinished = errors.New("the run is finished")
	ErrFull     = fmt.Errorf("the run has %d events, the most that one run may have", MaxEvents)
)

// Run is one piece of work of an agent. Money is in millionths of a US dollar.
type Run struct {
	ID           string     `json:"id"`
	Agent        string     `json:"agent"`
	Title        string     `json:"title"`
	Model        string     `json:"model,omitempty"`
	Status       string     `json:"status"`
	Error        string     `json:"error,omitempty"`
	CostMicroUSD int64      `json:"cost_microusd"`
	Tokens       int64      `json:"tokens"`
	Events       int        `json:"events"`
	StartedAt    time.Time  `json:"started_at"`
	UpdatedAt    time.Time  `json:"updated_at"`
	FinishedAt   *time.Time `json:"finished_at,omitempty"`
}

// Duration is the time from the start to the end, or to the last event of a run that is going on.
func (r Run) Duration() time.Duration {
	end := r.UpdatedAt
	if r.FinishedAt != nil {
		end = *r.FinishedAt
	}
	return max(0, end.Sub(r.StartedAt)).Round(time.Second)
}

// Event is one step of a run.
type Event struct {
	Seq          int             `json:"seq"`
	At           time.Time       `json:"at"`
	Kind         string          `json:"kind"`
	Message      string          `json:"message"`
	Data         json.RawMessage `json:"data,omitempty"`
	CostMicroUSD int64           `json:"cost_microusd"`
	Tokens       int64           `json:"tokens"`
}

// columns has the columns of a Run, in the order of its fields.
const columns = "id::text, agent, title, model, status, error, cost_microusd, tokens, events, started_at, updated_at, finished_at"

// Create stores a new run, and counts it. It returns a *QuotaError above the plan's limit.
func Create(ctx context.Context, tx pgx.Tx, limits Limits, r Run) (Run, error) {
	if err := count(ctx, tx, limits, 1, 0); err != nil {
		return Run{}, err
	}
	if r.StartedAt.IsZero() {
		r.StartedAt = time.Now()
	}
	return rows.One[Run](ctx, tx, "INSERT INTO runs (agent, title, model, started_at) VALUES ($1, $2, $3, $4) RETURNING "+columns, r.Agent, r.Title, r.Model, r.StartedAt)
}

// Get returns a run, or ErrNotFound.
func Get(ctx context.Context, tx pgx.Tx, id string) (Run, error) { return get(ctx, tx, id, "") }

func get(ctx context.Context, tx pgx.Tx, id, lock string) (Run, error) {
	if !IsID(id) {
		return Run{}, ErrNotFound
	}
	r, err := rows.One[Run](ctx, tx, "SELECT "+columns+" FROM runs WHERE id = $1::text::uuid"+lock, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return Run{}, ErrNotFound
	}
	return r, err
}

// IsID reports whether text is a UUID in lower case.
func IsID(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i, c := range text {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (c == '-') || !dash && (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// AddEvents appends events to a run that is going on, and returns the run. The events get the
// next numbers. It returns ErrNotFound, ErrFinished, ErrFull or a *QuotaError.
func AddEvents(ctx context.Context, tx pgx.Tx, limits Limits, id string, list []Event) (Run, error) {
	r, err := get(ctx, tx, id, " FOR UPDATE")
	if err != nil {
		return Run{}, err
	}
	if r.Status != Running {
		return Run{}, ErrFinished
	}
	if r.Events+len(list) > MaxEvents {
		return Run{}, ErrFull
	}
	if err := count(ctx, tx, limits, 0, len(list)); err != nil {
		return Run{}, err
	}
	if err := insertEvents(ctx, tx, r, list); err != nil {
		return Run{}, err
	}
	var cost, tokens int64
	for _, e := range list {
		cost, tokens = cost+e.CostMicroUSD, tokens+e.Tokens
	}
	return rows.One[Run](ctx, tx, `UPDATE runs SET events = events + $2, cost_microusd = cost_microusd + $3, tokens = tokens + $4, updated_at = now()
		WHERE id = $1::text::uuid RETURNING `+columns, id, len(list), cost, tokens)
}

func insertEvents(ctx context.Context, tx pgx.Tx, r Run, list []Event) error {
	n := len(list)
	seqs, ats, kinds, messages := make([]int, n), make([]time.Time, n), make([]string, n), make([]string, n)
	data, costs, tokens := make([]*string, n), make([]int64, n), make([]int64, n)
	for i, e := range list {
		if e.At.IsZero() {
			e.At = time.Now()
		}
		if e.Data != nil {
			text := string(e.Data)
			data[i] = &text
		}
		seqs[i], ats[i], kinds[i], messages[i], costs[i], tokens[i] = r.Events+1+i, e.At, e.Kind, e.Message, e.CostMicroUSD, e.Tokens
	}
	_, err := tx.Exec(ctx, `INSERT INTO events (run_id, seq, at, kind, message, data, cost_microusd, tokens)
		SELECT $1::text::uuid, s, a, k, m, d::jsonb, c, t
		FROM unnest($2::int[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[]) AS u (s, a, k, m, d, c, t)`,
		r.ID, seqs, ats, kinds, messages, data, costs, tokens)
	return err
}

// Finish sets the state of a run that is going on. To finish it again with the same state changes
// nothing, and changed is false then. It returns ErrNotFound, or ErrFinished if it has another final state.
func Finish(ctx context.Context, tx pgx.Tx, id, status, reason string) (r Run, changed bool, err error) {
	r, err = get(ctx, tx, id, " FOR UPDATE")
	if err != nil {
		return Run{}, false, err
	}
	if r.Status == status {
		return r, false, nil
	}
	if r.Status != Running {
		return Run{}, false, ErrFinished
	}
	r, err = rows.One[Run](ctx, tx, "UPDATE runs SET status = $2, error = $3, updated_at = now(), finished_at = now() WHERE id = $1::text::uuid RETURNING "+columns, id, status, reason)
	return r, err == nil, err
}
