// Package api is the HTTP API with which agents report their runs. openapi.json describes it.
package api

import (
	"context"
	"crypto/sha256"
	_ "embed" // for openapi.json
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/genericcorp/platform/showcase/internal/accounts"
	"github.com/genericcorp/platform/showcase/internal/ops"
	"github.com/genericcorp/platform/showcase/internal/runs"
	"github.com/genericcorp/platform/showcase/internal/site"
	"github.com/genericcorp/platform/showcase/internal/throttle"
)

//go:embed openapi.json
var openAPI []byte

// API serves the agents.
type API struct {
	metrics *ops.Metrics
	rates   *throttle.Buckets
}

// New returns an API.
func New(metrics *ops.Metrics) *API {
	return &API{metrics: metrics, rates: throttle.New(time.Now)}
}

// Register adds the routes to a mux. handle has the signature of http.ServeMux.HandleFunc.
func (a *API) Register(handle func(string, http.HandlerFunc)) {
	handle("POST /api/v1/runs", a.with(a.create))
	handle("GET /api/v1/runs/{id}", a.with(a.get))
	handle("PATCH /api/v1/runs/{id}", a.with(a.update))
	handle("POST /api/v1/runs/{id}/events", a.with(a.addEvents))
	handle("GET /api/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(openAPI) // a client that is gone needs no response
	})
	handle("/api/", func(w http.ResponseWriter, r *http.Request) {
		Write(w, r, problem(http.StatusNotFound, "not-found", "Not found", "GET /api/openapi.json lists the paths and methods."))
	})
}

// work handles one request of an agent in a transaction.
type work func(ctx context.Context, tx pgx.Tx, s *site.Site, id string) (result, error)

// result is a run for the response. changed is false if the request changed nothing.
type result struct {
	status  int
	run     runs.Run
	changed bool
}

// prepare checks the body of a request before a connection is used. body is empty for GET. count is called
// after the commit of a change.
type prepare func(body []byte) (do work, count func(*ops.Metrics, string), err error)

func (a *API) with(p prepare) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := a.handle(w, r, p); err != nil {
			Write(w, r, err)
		}
	}
}

// noKey is the response for each way in which an API key may be wrong.
var noKey = problem(http.StatusUnauthorized, "api-key", "An API key is needed", "Send Authorization: Bearer and an API key that is not revoked.")

func (a *API) handle(w http.ResponseWriter, r *http.Request, p prepare) error {
	s := site.Of(r)
	key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || key == "" {
		return noKey
	}
	if err := a.limit(w, s, key); err != nil {
		return err
	}
	var body []byte
	var err error
	if r.Method != http.MethodGet {
		if body, err = read(w, r); err != nil {
			return err
		}
	}
	response, replayed, count, err := a.transact(r, s, key, body, p)
	if err != nil {
		return err
	}
	if !replayed && !response.Unchanged && count != nil {
		count(a.metrics, s.Tenant.Name)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	if replayed {
		h.Set("Idempotency-Replayed", "true")
	}
	w.WriteHeader(response.Status)
	_, _ = w.Write(response.Body) // a client that is gone needs no response
	return nil
}

func (a *API) transact(r *http.Request, s *site.Site, key string, body []byte, p prepare) (response runs.Response, replayed bool, count func(*ops.Metrics, string), err error) {
	idempotency := ""
	if r.Method != http.MethodGet {
		idempotency = r.Header.Get("Idempotency-Key")
	}
	if len(idempotency) > 200 {
		return response, false, nil, problem(http.StatusBadRequest, "idempotency-key", "The idempotency key is too long", "It may have 200 characters.")
	}
	do, count, fault := p(body)
	ctx := r.Context()
	err = s.Tx(ctx, func(tx pgx.Tx) error {
		k, ok, err := accounts.CheckKey(ctx, tx, key)
		if err != nil {
			return err
		}
		if !ok {
			return noKey
		}
		if fault != nil { // only a client with a key learns what is wrong with its body
			return fault
		}
		perform := func() (runs.Response, error) {
			done, err := do(ctx, tx, s, r.PathValue("id"))
			if err != nil {
				return runs.Response{}, err
			}
			text, err := json.Marshal(done.run)
			return runs.Response{Status: done.status, Body: text, Unchanged: !done.changed}, err
		}
		if idempotency == "" {
			response, err = perform()
			return err
		}
		hash := sha256.Sum256(fmt.Appendf(nil, "%s %s\n%s", r.Method, r.URL.Path, body))
		response, replayed, err = runs.Once(ctx, tx, k.ID, idempotency, hash[:], perform)
		return err
	})
	return response, replayed, count, err
}

// limit takes a request from the budget of an API key, and sets the headers of the IETF draft
// "RateLimit header fields for HTTP". The budget is that of one replica.
func (a *API) limit(w http.ResponseWriter, s *site.Site, key string) error {
	sum := sha256.Sum256([]byte(key))
	result := a.rates.Take(s.Tenant.Name+string(sum[:]), float64(s.Limits.Rate), s.Limits.Burst)
	h := w.Header()
	window := s.Limits.Burst / s.Limits.Rate
	h.Set("RateLimit-Policy", fmt.Sprintf(`"key";q=%d;w=%d`, s.Limits.Burst, window))
	h.Set("RateLimit", fmt.Sprintf(`"key";r=%d;t=%d`, result.Remaining, max(1, int(result.Wait.Seconds()))))
	if result.OK {
		return nil
	}
	h.Set("Retry-After", strconv.Itoa(int(result.Wait.Seconds())))
	return problem(http.StatusTooManyRequests, "rate-limit", "Too many requests", fmt.Sprintf("This API key may send %d requests a second.", s.Limits.Rate))
}

func (a *API) create(body []byte) (work, func(*ops.Metrics, string), error) {
	var n newRun
	if err := decode(body, &n); err != nil {
		return nil, nil, err
	}
	run, err := n.run()
	do := func(ctx context.Context, tx pgx.Tx, s *site.Site, _ string) (result, error) {
		r, err := runs.Create(ctx, tx, s.Limits, run)
		return result{http.StatusCreated, r, true}, err
	}
	return do, func(m *ops.Metrics, tenant string) { m.Count(tenant, ops.RunStarted, 1) }, err
}

func (a *API) get([]byte) (work, func(*ops.Metrics, string), error) {
	return func(ctx context.Context, tx pgx.Tx, _ *site.Site, id string) (result, error) {
		r, err := runs.Get(ctx, tx, id)
		return result{http.StatusOK, r, false}, err
	}, nil, nil
}

func (a *API) addEvents(body []byte) (work, func(*ops.Metrics, string), error) {
	var n newEvents
	if err := decode(body, &n); err != nil {
		return nil, nil, err
	}
	list, err := n.list()
	do := func(ctx context.Context, tx pgx.Tx, s *site.Site, id string) (result, error) {
		r, err := runs.AddEvents(ctx, tx, s.Limits, id, list)
		return result{http.StatusCreated, r, true}, err
	}
	return do, func(m *ops.Metrics, tenant string) { m.Count(tenant, ops.EventsReported, len(list)) }, err
}

// finished has the event of each final state.
var finished = map[string]ops.Event{runs.Succeeded: ops.RunSucceeded, runs.Failed: ops.RunFailed, runs.Canceled: ops.RunCanceled}

func (a *API) update(body []byte) (work, func(*ops.Metrics, string), error) {
	var p patch
	if err := decode(body, &p); err != nil {
		return nil, nil, err
	}
	do := func(ctx context.Context, tx pgx.Tx, _ *site.Site, id string) (result, error) {
		r, changed, err := runs.Finish(ctx, tx, id, p.Status, p.Error)
		return result{http.StatusOK, r, changed}, err
	}
	return do, func(m *ops.Metrics, tenant string) { m.Count(tenant, finished[p.Status], 1) }, p.check()
}
