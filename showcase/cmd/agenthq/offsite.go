package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/genericcorp/platform/showcase/internal/config"
	"github.com/genericcorp/platform/showcase/internal/offsite"
)

// interval is the time between two looks for new backups.
const interval = 5 * time.Minute

// offsiteCommand runs `agenthq offsite`. It needs no database.
func offsiteCommand(ctx context.Context, args []string, env map[string]string, out, faults io.Writer) int {
	if len(args) == 1 && args[0] == "keygen" {
		return result(offsite.Keygen(out), faults)
	}
	c, err := config.LoadOffsite(env)
	if err != nil {
		fmt.Fprintf(faults, "agenthq offsite cannot start:\n%v\n", err)
		return 2
	}
	s, err := offsite.New(c, out)
	if err == nil {
		err = copyBackups(ctx, s, args, faults)
	}
	return result(err, faults)
}

func copyBackups(ctx context.Context, s *offsite.Store, args []string, faults io.Writer) error {
	switch {
	case len(args) == 0:
		return s.Upload(ctx)
	case len(args) == 1 && args[0] == "watch":
		for ctx.Err() == nil {
			if err := s.Upload(ctx); err != nil && ctx.Err() == nil {
				fmt.Fprintf(faults, "agenthq offsite: %v; the next attempt is in %s\n", err, interval)
			}
			select {
			case <-ctx.Done():
			case <-time.After(interval):
			}
		}
		return nil
	case len(args) == 1 && args[0] == "check":
		return s.Check(ctx)
	case len(args) == 1 && args[0] == "fetch":
		return s.List(ctx)
	case len(args) == 2 && args[0] == "fetch":
		return s.Fetch(ctx, args[1])
	}
	return errUsage
}

// result prints an error, and returns the exit status.
func result(err error, faults io.Writer) int {
	switch {
	case errors.Is(err, errUsage):
		fmt.Fprint(faults, usage)
		return 2
	case err != nil:
		fmt.Fprintf(faults, "agenthq: %v\n", err)
		return 1
	}
	return 0
}
