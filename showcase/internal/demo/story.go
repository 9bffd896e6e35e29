package demo

import (
	"context"
	_ "embed" // for story.json
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/genericcorp/platform/showcase/internal/runs"
	"github.com/genericcorp/platform/showcase/internal/site"
)

const (
	// storyDays is the number of days of sample data.
	storyDays = 14
	// ongoingTitle is the title of the run that is going on.
	ongoingTitle = "Sort the tickets of today"
)

//go:embed story.json
var storyJSON []byte

// story is the sample data.
type story struct {
	Agents   []agent
	Failures []failure
}

// agent is an agent that works every day.
type agent struct {
	Name, Model string
	// Runs a day, and the cost of one in millionths of a dollar.
	Runs int
	Cost int64
	// Titles of its runs, in turn.
	Titles []string
	Steps  []step
}

// failure is one run that failed, three days ago.
type failure struct {
	Agent, Model, Title, Error string
	Hour                       int
	Cost                       int64
	Steps                      []step
}

type step struct {
	Kind, Message string
	Data          json.RawMessage
	// Times is the number of events of this step; 0 means one.
	Times int
}

// tell stores the story: two weeks of three agents. One day an agent repeats a step until it
// costs ten times as much, and another one fails too. One run is still going on.
func tell(ctx context.Context, tx pgx.Tx, now time.Time) error {
	var s story
	if err := json.Unmarshal(storyJSON, &s); err != nil {
		return fmt.Errorf("story.json: %w", err)
	}
	today := now.UTC().Truncate(24 * time.Hour)
	for back := storyDays - 1; back >= 1; back-- {
		for _, a := range s.Agents {
			if err := a.day(ctx, tx, today.AddDate(0, 0, -back), back); err != nil {
				return err
			}
		}
	}
	for _, f := range s.Failures {
		r := runs.Run{Agent: f.Agent, Model: f.Model, Title: f.Title, StartedAt: today.AddDate(0, 0, -3).Add(time.Duration(f.Hour) * time.Hour)}
		if err := record(ctx, tx, runs.DemoLimits, r, f.Steps, f.Cost, runs.Failed, f.Error); err != nil {
			return err
		}
	}
	return s.ongoing(ctx, tx, now)
}

// day stores the runs of an agent on one day. The weekend has fewer.
func (a agent) day(ctx context.Context, tx pgx.Tx, day time.Time, back int) error {
	n := a.Runs
	if weekday := day.Weekday(); weekday == time.Saturday || weekday == time.Sunday {
		n = 1
	}
	for i := range n {
		start := day.Add(8*time.Hour + time.Duration(i*137+back*11)*time.Minute/2)
		// The amounts differ from run to run, but are the same after each reset.
		cost := a.Cost * int64(80+(back*17+i*29)%45) / 100
		r := runs.Run{Agent: a.Name, Model: a.Model, Title: a.Titles[(i+back)%len(a.Titles)], StartedAt: start}
		if err := record(ctx, tx, runs.DemoLimits, r, a.Steps, cost, runs.Succeeded, ""); err != nil {
			return err
		}
	}
	return nil
}

// ongoing stores the run that is going on. It does not count for the limits, so that visitors who use
// them up do not stop it. Time limits it: a day has about 100 such runs.
func (s story) ongoing(ctx context.Context, tx pgx.Tx, now time.Time) error {
	a := s.Agents[0]
	r := runs.Run{Agent: a.Name, Model: a.Model, Title: ongoingTitle, StartedAt: now.Add(-3 * time.Minute)}
	return record(ctx, tx, runs.Limits{}, r, a.Steps[:3], 31_000, runs.Running, "")
}

// record stores a run with its events, one a minute. The cost is divided among the steps that ask a
// model.
func record(ctx context.Context, tx pgx.Tx, limits runs.Limits, r runs.Run, steps []step, cost int64, status, reason string) error {
	created, err := runs.Create(ctx, tx, limits, r)
	if err != nil {
		return err
	}
	var list []runs.Event
	var paid int64
	for _, s := range steps {
		for range max(1, s.Times) {
			list = append(list, runs.Event{Kind: s.Kind, Message: s.Message, Data: s.Data, At: r.StartedAt.Add(time.Duration(len(list)) * time.Minute)})
			if s.Kind == "model" {
				paid++
			}
		}
	}
	for i := range list {
		if list[i].Kind == "model" {
			list[i].CostMicroUSD, list[i].Tokens = cost/paid, cost/paid/6
		}
	}
	if _, err := runs.AddEvents(ctx, tx, limits, created.ID, list); err != nil {
		return err
	}
	var finished *time.Time
	last := r.StartedAt.Add(time.Duration(len(list)) * time.Minute)
	if status != runs.Running {
		finished = &last
	}
	_, err = tx.Exec(ctx, "UPDATE runs SET status = $2, error = $3, updated_at = $4, finished_at = $5 WHERE id = $1::text::uuid", created.ID, status, reason, last, finished)
	return err
}

// stepEvery is the time between two steps of the run that is going on.
const stepEvery = 25 * time.Second

// Continue adds the next step to the run of the sample data that is going on, so that visitors see
// its timeline grow. After 30 steps the run ends, and the next one starts; also after a visitor has
// finished it. Of several replicas one does it.
func Continue(ctx context.Context, at *site.Site, now time.Time) error {
	var s story
	if err := json.Unmarshal(storyJSON, &s); err != nil {
		return fmt.Errorf("story.json: %w", err)
	}
	return at.Tx(ctx, func(tx pgx.Tx) error {
		if err := lock(ctx, tx); err != nil {
			return err
		}
		var id string
		var events int
		var due bool
		err := tx.QueryRow(ctx, `SELECT id::text, events, updated_at < $2 FROM runs WHERE title = $1 AND status = 'running'
			ORDER BY started_at DESC LIMIT 1 FOR UPDATE`, ongoingTitle, now.Add(-stepEvery)).Scan(&id, &events, &due)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return s.ongoing(ctx, tx, now)
		case err != nil || !due:
			return err
		case events >= 30:
			if _, _, err := runs.Finish(ctx, tx, id, runs.Succeeded, ""); err != nil {
				return err
			}
			return s.ongoing(ctx, tx, now)
		}
		next := s.Agents[0].Steps[events%len(s.Agents[0].Steps)]
		e := runs.Event{Kind: next.Kind, Message: next.Message, Data: next.Data}
		if next.Kind == "model" {
			e.CostMicroUSD, e.Tokens = 9_000, 1_500
		}
		_, err = runs.AddEvents(ctx, tx, runs.Limits{}, id, []runs.Event{e})
		return err
	})
}
