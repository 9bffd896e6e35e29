package runs

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/genericcorp/platform/showcase/internal/rows"
)

// PageSize is the number of runs on a page.
const PageSize = 25

// Filter selects runs. An empty field selects all.
type Filter struct {
	Agent, Status string
	// Search is a text in the title, the agent or the error.
	Search string
	// BeforeTime and BeforeID are the last run of the previous page.
	BeforeTime time.Time
	BeforeID   string
	// Limit is the number of runs; 0 means PageSize.
	Limit int
}

// List returns runs, the newest first, and whether there are more.
func List(ctx context.Context, tx pgx.Tx, f Filter) ([]Run, bool, error) {
	if f.Limit == 0 {
		f.Limit = PageSize
	}
	if f.BeforeTime.IsZero() || !IsID(f.BeforeID) {
		f.BeforeTime, f.BeforeID = time.Now().AddDate(1, 0, 0), "ffffffff-ffff-ffff-ffff-ffffffffffff"
	}
	like := ""
	if f.Search != "" {
		like = "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(f.Search) + "%"
	}
	list, err := rows.All[Run](ctx, tx, "SELECT "+columns+` FROM runs
		WHERE (started_at, id) < ($1, $2::text::uuid) AND ($3::text = '' OR agent = $3) AND ($4::text = '' OR status = $4)
		AND ($5::text = '' OR title ILIKE $5 OR agent ILIKE $5 OR error ILIKE $5)
		ORDER BY started_at DESC, id DESC LIMIT $6`, f.BeforeTime, f.BeforeID, f.Agent, f.Status, like, f.Limit+1)
	if err != nil || len(list) <= f.Limit {
		return list, false, err
	}
	return list[:f.Limit], true, nil
}

// Agents returns the names of up to 100 agents, sorted.
func Agents(ctx context.Context, tx pgx.Tx) ([]string, error) {
	found, _ := tx.Query(ctx, "SELECT DISTINCT agent FROM runs ORDER BY agent LIMIT 100") // its error is that of CollectRows too
	return pgx.CollectRows(found, pgx.RowTo[string])
}

// maxEventBytes is how many bytes of events Events returns before the last one.
const maxEventBytes = 256 << 10

// Events returns the next events of a run with numbers above after: up to limit, and fewer if they are
// large. It returns at least one if there is one.
func Events(ctx context.Context, tx pgx.Tx, id string, after, limit int) ([]Event, error) {
	return rows.All[Event](ctx, tx, `SELECT seq, at, kind, message, data, cost_microusd, tokens FROM (
			SELECT *, sum(octet_length(message) + coalesce(octet_length(data::text), 0)) OVER (ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
			FROM (SELECT * FROM events WHERE run_id = $1::text::uuid AND seq > $2 ORDER BY seq LIMIT $3) AS next) AS sized
		WHERE coalesce(before, 0) < $4 ORDER BY seq`, id, after, limit, maxEventBytes)
}

// Day is what one agent did on one day (UTC).
type Day struct {
	Day          time.Time
	Agent        string
	Runs, Failed int
	CostMicroUSD int64
}

// Daily returns the figures of each agent and day since a time, the oldest day first.
func Daily(ctx context.Context, tx pgx.Tx, since time.Time) ([]Day, error) {
	return rows.All[Day](ctx, tx, `SELECT (started_at AT TIME ZONE 'UTC')::date, agent, count(*), count(*) FILTER (WHERE status = 'failed'), sum(cost_microusd)::bigint
		FROM runs WHERE started_at >= $1 GROUP BY 1, 2 ORDER BY 1, 2 LIMIT 5000`, since)
}
