package runs

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Limits are what a plan includes. 0 means no limit.
type Limits struct {
	// Runs and Events are for a calendar month (UTC).
	Runs, Events int64
	// StorageMiB is the storage that the platform gives to the plan.
	StorageMiB int64
	Seats      int64
	// Rate is the requests a second of one API key. Burst is how many of them may come at once.
	Rate, Burst int
}

// plans has the limits of the platform's plans. Storage and rates are those of docs/tenancy.md.
var plans = map[string]Limits{
	"starter":    {Runs: 2_000, Events: 50_000, StorageMiB: 64, Seats: 5, Rate: 10, Burst: 50},
	"growth":     {Runs: 20_000, Events: 500_000, StorageMiB: 512, Seats: 25, Rate: 50, Burst: 250},
	"enterprise": {Runs: 200_000, Events: 5_000_000, StorageMiB: 2048, Seats: 200, Rate: 200, Burst: 1000},
}

// LimitsOf returns the limits of a plan. A plan that is not known has a rate limit only.
func LimitsOf(plan string) Limits {
	if l, ok := plans[plan]; ok {
		return l
	}
	return Limits{Rate: 200, Burst: 1000}
}

// DemoLimits are the limits of the tenant with public credentials, which is reset every night. An
// event may have 20 KiB, so that a day's events have 30 MiB at most. The plan starter has 64 MiB.
var DemoLimits = Limits{Runs: 300, Events: 1_500, StorageMiB: 64, Seats: 10, Rate: 10, Burst: 50}

// QuotaError means that the plan does not include more.
type QuotaError struct {
	What  string
	Limit int64
}

func (e *QuotaError) Error() string {
	return fmt.Sprintf("the plan includes %d %s, and they are used up", e.Limit, e.What)
}

const thisMonth = "date_trunc('month', now() AT TIME ZONE 'UTC')::date"

// count adds to this month's usage. With the zero Limits nothing is counted.
func count(ctx context.Context, tx pgx.Tx, limits Limits, newRuns, newEvents int) error {
	if limits == (Limits{}) {
		return nil
	}
	var u Usage
	err := tx.QueryRow(ctx, `INSERT INTO usage (month, runs, events) VALUES (`+thisMonth+`, $1, $2)
		ON CONFLICT (month) DO UPDATE SET runs = usage.runs + $1, events = usage.events + $2 RETURNING runs, events`, newRuns, newEvents).Scan(&u.Runs, &u.Events)
	if err != nil {
		return err
	}
	if limits.Runs > 0 && newRuns > 0 && u.Runs > limits.Runs {
		return &QuotaError{"runs a month", limits.Runs}
	}
	if limits.Events > 0 && newEvents > 0 && u.Events > limits.Events {
		return &QuotaError{"events a month", limits.Events}
	}
	return nil
}

// Usage is what a tenant uses.
type Usage struct {
	Runs, Events int64
	StorageBytes int64
	Seats        int64
}

// UsageNow returns the usage of this month. Seats are members and open invitations.
func UsageNow(ctx context.Context, tx pgx.Tx) (Usage, error) {
	var u Usage
	err := tx.QueryRow(ctx, `SELECT
		coalesce((SELECT runs FROM usage WHERE month = `+thisMonth+`), 0), coalesce((SELECT events FROM usage WHERE month = `+thisMonth+`), 0),
		(SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace),
		(SELECT count(*) FROM members) + (SELECT count(*) FROM invitations WHERE used_at IS NULL AND expires_at > now())`).
		Scan(&u.Runs, &u.Events, &u.StorageBytes, &u.Seats)
	return u, err
}
