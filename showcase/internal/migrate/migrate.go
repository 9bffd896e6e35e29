// Package migrate brings the schema of every tenant to the version of this program.
package migrate

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/genericcorp/platform/showcase/internal/tenants"
)

//go:embed sql/*.sql
var embedded embed.FS

// errRaced means that another process applied the migration between the look and the lock.
var errRaced = errors.New("another process applied the migration")

// State is what is known about the schema of one tenant.
type State struct {
	Tenant string `json:"tenant"`
	// Version is the newest version of the schema; 0 when it is not known.
	Version int64 `json:"version"`
	// Fault is the reason why the last run failed; empty when it succeeded.
	Fault string `json:"fault,omitempty"`
	// Newer is true if the run was refused because a newer version of the program had migrated the
	// schema.
	Newer bool `json:"newer,omitempty"`
	// At is the end of the last run.
	At time.Time `json:"at"`
}

// Migrated reports whether the tenant can be served.
func (s State) Migrated() bool { return s.Fault == "" && s.Version > 0 }

// Runner migrates tenants, and remembers the state of each.
type Runner struct {
	db    *sql.DB
	files fs.FS

	running sync.Mutex
	// own has the tenants that are migrated with their own login.
	own map[string]bool
	// served has the tenants that this process has migrated.
	served map[string]bool
	mu     sync.Mutex
	states map[string]State
	ended  bool
}

// New returns a runner that connects with DATABASE_URL. It uses one connection at a time, and a
// new session for each tenant. files has the migrations; nil means those of this program.
func New(url string, files fs.FS) (*Runner, error) {
	db, err := open(url)
	if err != nil {
		return nil, errors.New("DATABASE_URL cannot be used") // err may have the password
	}
	if files == nil {
		if files, err = fs.Sub(embedded, "sql"); err != nil {
			return nil, err
		}
	}
	return &Runner{db: db, files: files, own: map[string]bool{}, served: map[string]bool{}, states: map[string]State{}}, nil
}

// Close closes the connections.
func (r *Runner) Close() error { return r.db.Close() }

// Run migrates the active tenants of a list, one after the other. A failure does not stop the
// others. It returns the state of all of them in the order of the list. Two runs at once, also
// of two processes, are safe.
func (r *Runner) Run(ctx context.Context, list []tenants.Tenant) []State {
	r.running.Lock()
	defer r.running.Unlock()
	var out []State
	known := map[string]State{}
	for _, t := range list {
		if !t.Active() {
			continue
		}
		s := State{Tenant: t.Name}
		version, err := r.one(ctx, t)
		for range 20 {
			if !errors.Is(err, errRaced) {
				break
			}
			version, err = r.one(ctx, t)
		}
		if s.Version, s.At = version, time.Now().UTC(); err != nil {
			s.Fault, s.Newer = firstLine(err), errors.As(err, new(*newerError))
		}
		out = append(out, s)
		known[t.Name] = s
		r.remember(t.Name, s)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.states, r.ended = known, true
	return out
}

func (r *Runner) remember(name string, s State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.states[name] = s
}

// State returns the state of a tenant. It is the zero State before its first run.
func (r *Runner) State(name string) State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.states[name]
}

// States returns all states, sorted by name, and whether a first run over all tenants has ended.
func (r *Runner) States() ([]State, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []State
	for _, s := range r.states {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b State) int { return strings.Compare(a.Tenant, b.Tenant) })
	return out, r.ended
}

// up migrates a tenant, and returns the version of its schema.
func (r *Runner) up(ctx context.Context, db *sql.DB, t tenants.Tenant) (int64, error) {
	migrations, err := r.migrations(t)
	if err != nil {
		return 0, err
	}
	s, err := newStore(t)
	if err != nil {
		return 0, err
	}
	p, err := goose.NewProvider(goose.DialectCustom, db, nil, goose.WithStore(s), goose.WithGoMigrations(migrations...), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return 0, err
	}
	before, err := p.GetDBVersion(ctx)
	if err != nil {
		return 0, err
	}
	if known := migrations[len(migrations)-1].Version; before > known {
		return r.keep(t, before, known)
	}
	applied, err := p.Up(ctx)
	if err != nil {
		return 0, explain(err)
	}
	r.served[t.Name] = true
	if len(applied) > 0 {
		return applied[len(applied)-1].Source.Version, nil
	}
	return before, nil
}

// migrations returns a migration for each SQL file, the oldest first. It runs in goose's transaction, which also
// records the version.
func (r *Runner) migrations(t tenants.Tenant) ([]*goose.Migration, error) {
	names, err := fs.Glob(r.files, "*.sql") // sorted
	if err != nil {
		return nil, err
	}
	var out []*goose.Migration
	for _, name := range names {
		number, _, _ := strings.Cut(path.Base(name), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("the file %s does not start with a number", name)
		}
		text, err := fs.ReadFile(r.files, name)
		if err != nil {
			return nil, err
		}
		up := func(ctx context.Context, tx *sql.Tx) error {
			if err := apply(ctx, tx, t, version, string(text)); err != nil {
				return &fileError{name, err}
			}
			return nil
		}
		out = append(out, goose.NewGoMigration(version, &goose.GoFunc{RunTx: up}, nil))
	}
	return out, nil
}

// apply runs one SQL file. The lock of the version table makes two runs at once safe. An
// advisory lock would not: every tenant of the database may take it.
func apply(ctx context.Context, tx *sql.Tx, t tenants.Tenant, version int64, text string) error {
	if err := become(ctx, tx, t); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "LOCK TABLE "+versionTable+" IN SHARE ROW EXCLUSIVE MODE"); err != nil {
		return fmt.Errorf("lock the version table: %w", err)
	}
	var applied bool
	row := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT FROM "+versionTable+" WHERE version_id = $1)", version)
	if err := row.Scan(&applied); err != nil {
		return err
	}
	if applied {
		return errRaced
	}
	_, err := tx.ExecContext(ctx, text)
	return err
}
