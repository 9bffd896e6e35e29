package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/genericcorp/platform/showcase/internal/runs"
	"github.com/genericcorp/platform/showcase/internal/site"
)

// storyDays is the number of days of sample data.
const storyDays = 14

// agent is an agent of the sample data.
type agent struct {
	name, model string
	// runs a day, and the cost of one in millionths of a dollar.
	runs int
	cost int64
	// titles of its runs, in turn.
	titles []string
	// steps of a run.
	steps []step
}

type step struct{ kind, message, data string }

var agents = []agent{
	{"support-triage", "small-1", 4, 42_000,
		[]string{"Sort 38 new tickets", "Answer questions about invoices", "Find duplicates in the inbox", "Summarize the weekend"},
		[]step{
			{"log", "Read the inbox", `{"tickets": 38}`}, {"model", "Classify each ticket by urgency", `{"prompt_tokens": 5200, "completion_tokens": 410}`},
			{"tool", "Assign 31 tickets to queues", `{"billing": 12, "bugs": 14, "sales": 5}`}, {"model", "Draft 7 replies", `{"prompt_tokens": 8100, "completion_tokens": 1900}`},
			{"log", "7 drafts wait for a person", ""},
		}},
	{"code-reviewer", "large-2", 3, 310_000,
		[]string{"Review: cache for exchange rates", "Review: retry of webhooks", "Review: new sign-up form"},
		[]step{
			{"tool", "Check out the branch", `{"files": 9, "lines": 412}`}, {"model", "Read the change", `{"prompt_tokens": 21400, "completion_tokens": 1300}`},
			{"tool", "Run the tests", `{"passed": 214, "failed": 0}`}, {"model", "Write 4 comments", `{"prompt_tokens": 6800, "completion_tokens": 950}`},
		}},
	{"invoice-matcher", "small-1", 2, 88_000,
		[]string{"Match payments of yesterday", "Ask for missing receipts"},
		[]step{
			{"tool", "Load the bank statement", `{"payments": 57}`}, {"model", "Match payments with invoices", `{"prompt_tokens": 11800, "completion_tokens": 2100}`},
			{"log", "55 matched, 2 need a person", ""},
		}},
}

// tell stores the story: two weeks of three agents. One day an agent repeats a step until it
// costs ten times as much. Two runs fail because of it. One run is still going on.
func tell(ctx context.Context, tx pgx.Tx, now time.Time) error {
	today := now.UTC().Truncate(24 * time.Hour)
	for back := storyDays - 1; back >= 1; back-- {
		for _, a := range agents {
			if err := a.day(ctx, tx, today.AddDate(0, 0, -back), back); err != nil {
				return err
			}
		}
	}
	if err := spike(ctx, tx, today.AddDate(0, 0, -3)); err != nil {
		return err
	}
	return ongoing(ctx, tx, now)
}

// day stores the runs of an agent on one day. The weekend has fewer.
func (a agent) day(ctx context.Context, tx pgx.Tx, day time.Time, back int) error {
	n := a.runs
	if weekday := day.Weekday(); weekday == time.Saturday || weekday == time.Sunday {
		n = 1
	}
	for i := range n {
		start := day.Add(8*time.Hour + time.Duration(i*137+back*11)*time.Minute/2)
		// The amounts differ from run to run, but are the same after each reset.
		cost := a.cost * int64(80+(back*17+i*29)%45) / 100
		r := runs.Run{Agent: a.name, Model: a.model, Title: a.titles[(i+back)%len(a.titles)], StartedAt: start}
		if err := record(ctx, tx, r, a.steps, cost, runs.Succeeded, ""); err != nil {
			return err
		}
	}
	return nil
}

func spike(ctx context.Context, tx pgx.Tx, day time.Time) error {
	var steps []step
	for i := range 24 {
		steps = append(steps, step{"model", fmt.Sprintf("Read the whole repository again (attempt %d)", i+1), `{"prompt_tokens": 118000, "completion_tokens": 240}`})
	}
	steps = append(steps, step{"error", "The budget of the run is used up", `{"limit_usd": 9.5, "used_usd": 9.61}`})
	r := runs.Run{Agent: "code-reviewer", Model: "large-2", Title: "Review: move to the new billing module", StartedAt: day.Add(14 * time.Hour)}
	if err := record(ctx, tx, r, steps, 9_610_000, runs.Failed, "The budget of the run is used up: the change is larger than the context, so the agent started again 24 times."); err != nil {
		return err
	}
	r = runs.Run{Agent: "invoice-matcher", Model: "small-1", Title: "Match payments of yesterday", StartedAt: day.Add(17 * time.Hour)}
	return record(ctx, tx, r, []step{
		{"tool", "Load the bank statement", `{"payments": 61}`}, {"model", "Match payments with invoices", `{"prompt_tokens": 1400, "completion_tokens": 90}`}, {"error", "The bank's interface does not answer", `{"status": 503, "attempts": 5}`},
	}, 12_000, runs.Failed, "The bank's interface did not answer 5 times (503).")
}

// ongoingTitle is the title of the run that is going on.
const ongoingTitle = "Sort the tickets of today"

func ongoing(ctx context.Context, tx pgx.Tx, now time.Time) error {
	r := runs.Run{Agent: "support-triage", Model: "small-1", Title: ongoingTitle, StartedAt: now.Add(-3 * time.Minute)}
	return record(ctx, tx, r, agents[0].steps[:3], 31_000, runs.Running, "")
}

// record stores a run with its events, one a minute. The cost is divided among the steps that ask a
// model.
func record(ctx context.Context, tx pgx.Tx, r runs.Run, steps []step, cost int64, status, reason string) error {
	created, err := runs.Create(ctx, tx, runs.DemoLimits, r)
	if err != nil {
		return err
	}
	var paid int64
	for _, s := range steps {
		if s.kind == "model" {
			paid++
		}
	}
	var list []runs.Event
	for i, s := range steps {
		e := runs.Event{Kind: s.kind, Message: s.message, At: r.StartedAt.Add(time.Duration(i) * time.Minute)}
		if s.data != "" {
			e.Data = []byte(s.data)
		}
		if s.kind == "model" {
			e.CostMicroUSD = cost / paid
			e.Tokens = e.CostMicroUSD / 6
		}
		list = append(list, e)
	}
	if _, err := runs.AddEvents(ctx, tx, runs.DemoLimits, created.ID, list); err != nil {
		return err
	}
	last := r.StartedAt.Add(time.Duration(len(steps)) * time.Minute)
	if status == runs.Running {
		_, err = tx.Exec(ctx, "UPDATE runs SET updated_at = $2 WHERE id = $1::text::uuid", created.ID, last)
		return err
	}
	if _, err := runs.Finish(ctx, tx, created.ID, status, reason); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "UPDATE runs SET updated_at = $2, finished_at = $2 WHERE id = $1::text::uuid", created.ID, last)
	return err
}

// stepEvery is the time between two steps of the run that is going on.
const stepEvery = 25 * time.Second

// Continue adds the next step to the run of the sample data that is going on, so that visitors see
// its timeline grow. After 30 steps the run ends, and the next one starts. Of several replicas
// one does it.
func Continue(ctx context.Context, s *site.Site, now time.Time) error {
	return s.Tx(ctx, func(tx pgx.Tx) error {
		var id string
		var events int
		err := tx.QueryRow(ctx, `SELECT id::text, events FROM runs WHERE title = $1 AND status = 'running' AND updated_at < $2
			ORDER BY started_at DESC LIMIT 1 FOR UPDATE SKIP LOCKED`, ongoingTitle, now.Add(-stepEvery)).Scan(&id, &events)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if events >= 30 {
			if _, err := runs.Finish(ctx, tx, id, runs.Succeeded, ""); err != nil {
				return err
			}
			return ongoing(ctx, tx, now)
		}
		steps := agents[0].steps
		next := steps[events%len(steps)]
		e := runs.Event{Kind: next.kind, Message: next.message}
		if next.data != "" {
			e.Data = []byte(next.data)
		}
		if next.kind == "model" {
			e.CostMicroUSD, e.Tokens = 9_000, 1_500
		}
		_, err = runs.AddEvents(ctx, tx, runs.Limits{}, id, []runs.Event{e})
		return err
	})
}
