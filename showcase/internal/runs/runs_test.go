package runs_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/internal/pgtest"
	"github.com/genericcorp/platform/showcase/internal/runs"
)

var (
	ctx     = context.Background()
	noLimit = runs.Limits{}
)

func create(t *testing.T, tx pgx.Tx, r runs.Run) runs.Run {
	t.Helper()
	created, err := runs.Create(ctx, tx, noLimit, r)
	require.NoError(t, err)
	return created
}

func TestARunFromStartToEnd(t *testing.T) {
	pgtest.Migrated(t).Tx(t, func(tx pgx.Tx) error {
		r := create(t, tx, runs.Run{Agent: "writer", Title: "Draft", Model: "m-1"})
		assert.Equal(t, runs.Running, r.Status)
		r, err := runs.AddEvents(ctx, tx, noLimit, r.ID, []runs.Event{{Kind: "log", Message: "one", CostMicroUSD: 5, Tokens: 7}, {Kind: "tool", Message: "two", Data: []byte(`{"a":1}`)}})
		require.NoError(t, err)
		assert.Equal(t, 2, r.Events)
		assert.EqualValues(t, 5, r.CostMicroUSD)
		r, err = runs.AddEvents(ctx, tx, noLimit, r.ID, []runs.Event{{Kind: "log", Message: "three", Tokens: 1}})
		require.NoError(t, err)
		assert.EqualValues(t, 8, r.Tokens)
		events, err := runs.Events(ctx, tx, r.ID, 1, 100)
		require.NoError(t, err)
		require.Len(t, events, 2)
		assert.Equal(t, 2, events[0].Seq)
		assert.JSONEq(t, `{"a":1}`, string(events[0].Data))

		r, _, err = runs.Finish(ctx, tx, r.ID, runs.Failed, "out of time")
		require.NoError(t, err)
		assert.NotNil(t, r.FinishedAt)
		_, _, err = runs.Finish(ctx, tx, r.ID, runs.Failed, "again")
		require.NoError(t, err)
		_, _, err = runs.Finish(ctx, tx, r.ID, runs.Succeeded, "")
		require.ErrorIs(t, err, runs.ErrFinished)
		_, err = runs.AddEvents(ctx, tx, noLimit, r.ID, []runs.Event{{Kind: "log", Message: "late"}})
		require.ErrorIs(t, err, runs.ErrFinished)
		return nil
	})
}

func TestUnknownRunsAreNotFound(t *testing.T) {
	pgtest.Migrated(t).Tx(t, func(tx pgx.Tx) error {
		for _, id := range []string{"", "x", "00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-00000000000'"} {
			_, err := runs.Get(ctx, tx, id)
			require.ErrorIs(t, err, runs.ErrNotFound, id)
		}
		return nil
	})
}

func TestListFiltersSearchesAndPages(t *testing.T) {
	pgtest.Migrated(t).Tx(t, func(tx pgx.Tx) error {
		start := time.Now().Add(-time.Hour)
		for i, title := range []string{"alpha", "beta 100%", "gamma_x", "delta"} {
			agent := []string{"writer", "coder"}[i%2]
			r := create(t, tx, runs.Run{Agent: agent, Title: title, StartedAt: start.Add(time.Duration(i) * time.Minute)})
			if title == "delta" {
				_, _, err := runs.Finish(ctx, tx, r.ID, runs.Failed, "boom")
				require.NoError(t, err)
			}
		}
		titles := func(f runs.Filter) ([]string, bool) {
			list, more, err := runs.List(ctx, tx, f)
			require.NoError(t, err)
			var out []string
			for _, r := range list {
				out = append(out, r.Title)
			}
			return out, more
		}
		for _, c := range []struct {
			filter runs.Filter
			want   []string
		}{
			{runs.Filter{}, []string{"delta", "gamma_x", "beta 100%", "alpha"}},
			{runs.Filter{Agent: "writer"}, []string{"gamma_x", "alpha"}},
			{runs.Filter{Status: runs.Failed}, []string{"delta"}},
			{runs.Filter{Search: "100%"}, []string{"beta 100%"}},
			{runs.Filter{Search: "%"}, []string{"beta 100%"}},
			{runs.Filter{Search: "_"}, []string{"gamma_x"}},
			{runs.Filter{Search: "BOOM"}, []string{"delta"}},
			{runs.Filter{Search: `'; DROP TABLE runs; --`}, nil},
		} {
			got, more := titles(c.filter)
			assert.Equal(t, c.want, got, c.filter)
			assert.False(t, more)
		}
		page, more, err := runs.List(ctx, tx, runs.Filter{Limit: 3})
		require.NoError(t, err)
		assert.True(t, more)
		got, more := titles(runs.Filter{Limit: 3, BeforeTime: page[2].StartedAt, BeforeID: page[2].ID})
		assert.Equal(t, []string{"alpha"}, got)
		assert.False(t, more)
		agents, err := runs.Agents(ctx, tx)
		require.NoError(t, err)
		assert.Equal(t, []string{"coder", "writer"}, agents)
		days, err := runs.Daily(ctx, tx, start.AddDate(0, 0, -2))
		require.NoError(t, err)
		failed := 0
		for _, d := range days {
			failed += d.Failed
		}
		assert.Equal(t, 1, failed)
		return nil
	})
}

func TestThePlanLimitsRunsAndEventsOfAMonth(t *testing.T) {
	db := pgtest.Migrated(t)
	limits := runs.Limits{Runs: 1, Events: 2}
	var id string
	db.Tx(t, func(tx pgx.Tx) error {
		r, err := runs.Create(ctx, tx, limits, runs.Run{Agent: "a", Title: "t"})
		id = r.ID
		return err
	})
	var quota *runs.QuotaError
	err := db.Pools.Tx(ctx, db.Tenant, func(tx pgx.Tx) error {
		_, err := runs.Create(ctx, tx, limits, runs.Run{Agent: "a", Title: "t"})
		return err
	})
	require.ErrorAs(t, err, &quota)
	assert.Equal(t, "runs a month", quota.What)
	err = db.Pools.Tx(ctx, db.Tenant, func(tx pgx.Tx) error {
		_, err := runs.AddEvents(ctx, tx, limits, id, make([]runs.Event, 3))
		return err
	})
	require.ErrorAs(t, err, &quota)
	db.Tx(t, func(tx pgx.Tx) error {
		u, err := runs.UsageNow(ctx, tx)
		assert.EqualValues(t, 1, u.Runs, "refused runs are not counted")
		assert.EqualValues(t, 0, u.Events)
		assert.Positive(t, u.StorageBytes)
		return err
	})
}

func TestOneIdempotencyKeyRunsTheWorkOnce(t *testing.T) {
	db := pgtest.Migrated(t)
	work := 0
	once := func(hash string, fails error) (r runs.Response, replayed bool, err error) {
		err = db.Pools.Tx(ctx, db.Tenant, func(tx pgx.Tx) error {
			r, replayed, err = runs.Once(ctx, tx, "key", "abc", []byte(hash), func() (runs.Response, error) {
				work++
				return runs.Response{Status: 201, Body: []byte("body")}, fails
			})
			return err
		})
		return r, replayed, err
	}
	boom := errors.New("boom")
	_, _, err := once("a", boom)
	require.ErrorIs(t, err, boom)
	_, replayed, err := once("a", nil)
	require.NoError(t, err)
	assert.False(t, replayed, "a failed request does not use the key")
	r, replayed, err := once("a", nil)
	require.NoError(t, err)
	assert.True(t, replayed)
	assert.Equal(t, runs.Response{Status: 201, Body: []byte("body")}, r)
	_, _, err = once("b", nil)
	require.ErrorIs(t, err, runs.ErrKeyReused)
	assert.Equal(t, 2, work)
}
