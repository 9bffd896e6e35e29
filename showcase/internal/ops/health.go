package ops

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/genericcorp/platform/showcase/internal/migrate"
)

// Health answers the probes.
type Health struct {
	db       *sql.DB
	runner   *migrate.Runner
	draining atomic.Bool
}

// NewHealth returns a Health that reaches the database with one connection of DATABASE_URL.
func NewHealth(url string, runner *migrate.Runner) (*Health, error) {
	c, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errors.New("DATABASE_URL cannot be used") // err may have the password
	}
	c.DefaultQueryExecMode, c.ConnectTimeout = pgx.QueryExecModeExec, 2*time.Second
	db := stdlib.OpenDB(*c)
	db.SetMaxOpenConns(1)
	return &Health{db: db, runner: runner}, nil
}

// Close closes the connection.
func (h *Health) Close() error { return h.db.Close() }

// Drain makes Ready fail, because the process ends soon.
func (h *Health) Drain() { h.draining.Store(true) }

// Live answers 200 as long as the process works.
func (h *Health) Live(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n")) // a client that is gone needs no response
}

// readiness is the body of the response of Ready.
type readiness struct {
	Ready bool `json:"ready"`
	// Reason tells why the process is not ready.
	Reason string `json:"reason,omitempty"`
	// Failed has the tenants whose migration failed. They do not make the process unready.
	Failed   []migrate.State `json:"failed"`
	Migrated int             `json:"migrated"`
}

// Ready answers 200 when the database is reachable and the first migrations have ended. A tenant
// whose migration failed is listed, and the others are served. If a newer version has migrated all
// of them, Ready answers 503.
func (h *Health) Ready(w http.ResponseWriter, r *http.Request) {
	states, ended := h.runner.States()
	body, newer := readiness{Failed: []migrate.State{}}, false
	for _, s := range states {
		if s.Migrated() {
			body.Migrated++
		} else if s.Fault != "" {
			body.Failed = append(body.Failed, s)
			newer = newer || s.Newer
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	switch {
	case h.draining.Load():
		body.Reason = "the process ends"
	case !ended:
		body.Reason = "the first migrations have not ended"
	case newer && body.Migrated == 0:
		// An update back to this version must stop here, while the newer version still serves.
		body.Reason = "a newer version has migrated all tenants"
	default:
		if _, err := h.db.ExecContext(ctx, "SELECT 1"); err != nil {
			body.Reason = "the database is not reachable"
			InfoOf(r.Context()).Err = err
		}
	}
	body.Ready = body.Reason == ""
	w.Header().Set("Content-Type", "application/json")
	if !body.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(body) // a client that is gone needs no response
}
