package server

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/genericcorp/platform/showcase/internal/demo"
	"github.com/genericcorp/platform/showcase/internal/migrate"
	"github.com/genericcorp/platform/showcase/internal/ops"
)

const (
	reloadEvery  = 5 * time.Second
	migrateEvery = 30 * time.Second
)

// Run serves on a listener until ctx ends, and then drains.
func (s *Server) Run(ctx context.Context, listener net.Listener) error {
	background, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { every(background, reloadEvery, s.reload) })
	all.Go(func() {
		every(background, migrateEvery, func(ctx context.Context) {
			s.Migrate(ctx)
			s.refreshDemo(ctx)
		})
	})
	err := ops.Serve(ctx, s.log, listener, s, s.health.Drain)
	stop()
	all.Wait()
	return err
}

// Close closes all connections.
func (s *Server) Close() error {
	s.pools.Close()
	return errors.Join(s.runner.Close(), s.health.Close())
}

// every runs work at once, and again after each interval, until ctx ends.
func every(ctx context.Context, interval time.Duration, work func(context.Context)) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		work(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
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
	done, err := demo.Reset(ctx, site, time.Now())
	if err == nil && !done {
		err = demo.Continue(ctx, site, time.Now())
	}
	if err != nil {
		s.log.Error("refresh the demo", "tenant", site.Tenant.Name, "error", err.Error())
	}
	if done {
		s.metrics.Count(site.Tenant.Name, ops.DemoReset, 1)
		s.log.Info("the demo was reset", "tenant", site.Tenant.Name)
	}
}
