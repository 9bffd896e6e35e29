package server

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/genericcorp/platform/showcase/internal/demo"
	"github.com/genericcorp/platform/showcase/internal/migrate"
	"github.com/genericcorp/platform/showcase/internal/ops"
)

const (
	reloadEvery  = 5 * time.Second
	migrateEvery = 30 * time.Second
	// retryEvery is the time to the next migrations when no tenant could be migrated, because the
	// database is probably still starting.
	retryEvery = 3 * time.Second
)

// Run serves on a listener until ctx ends, and then drains. In single-tenant mode it also ends with an
// error if a newer version has migrated the database.
func (s *Server) Run(ctx context.Context, listener net.Listener) error {
	s.warnOfHTTP()
	ctx, end := context.WithCancel(ctx)
	defer end()
	background, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	var refusal error
	all.Go(func() {
		repeat(background, func(ctx context.Context) time.Duration {
			s.reload(ctx)
			return reloadEvery
		})
	})
	all.Go(func() {
		repeat(background, func(ctx context.Context) time.Duration {
			states := s.Migrate(ctx)
			if !s.config.MultiTenant() && states[0].Newer {
				refusal = errors.New(states[0].Fault)
				end()
			}
			s.inviteFirst(ctx)
			s.refreshDemo(ctx)
			if len(states) > 0 && !slices.ContainsFunc(states, migrate.State.Migrated) {
				return retryEvery
			}
			return migrateEvery
		})
	})
	err := ops.Serve(ctx, s.log, listener, s, s.health.Drain)
	stop()
	all.Wait()
	return errors.Join(refusal, err)
}

// Close closes all connections.
func (s *Server) Close() error {
	s.pools.Close()
	return errors.Join(s.runner.Close(), s.health.Close())
}

// repeat runs work until ctx ends. work returns the pause before the next time.
func repeat(ctx context.Context, work func(context.Context) time.Duration) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(work(ctx)):
		}
	}
}

// reload reads the tenants' files again, and closes idle pools.
func (s *Server) reload(context.Context) {
	if err := s.registry.Reload(); err != nil {
		s.log.Error("reload the tenants", "error", err.Error())
	}
	s.pools.Sweep()
}

// Migrate migrates all active tenants, and returns the state of each. It logs changes only.
func (s *Server) Migrate(ctx context.Context) []migrate.State {
	before, _ := s.runner.States()
	known := map[string]migrate.State{}
	for _, state := range before {
		known[state.Tenant] = state
	}
	states := s.runner.Run(ctx, s.registry.All())
	for _, state := range states {
		old := known[state.Tenant]
		switch {
		case state.Fault != "" && state.Fault != old.Fault:
			s.log.Error("migration failed", "tenant", state.Tenant, "error", state.Fault)
		case state.Fault == "" && state.Version != old.Version:
			s.log.Info("migrated", "tenant", state.Tenant, "version", state.Version)
		}
	}
	return states
}

// refreshDemo resets the demo once a day, and continues the run that is going on.
func (s *Server) refreshDemo(ctx context.Context) {
	site := s.demo()
	if site == nil {
		return
	}
	done, err := demo.Reset(ctx, site, s.config.Clock())
	if err == nil && !done {
		err = demo.Continue(ctx, site, s.config.Clock())
	}
	if err != nil {
		s.log.Error("refresh the demo", "tenant", site.Tenant.Name, "error", err.Error())
	}
	if done {
		s.metrics.Count(site.Tenant.Name, ops.DemoReset, 1)
		s.log.Info("the demo was reset", "tenant", site.Tenant.Name)
	}
}
