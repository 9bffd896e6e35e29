package ops

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// drainLimit is how long requests may take to end. The app contract gives 25 s.
const drainLimit = 20 * time.Second

// Serve serves until ctx ends. Then it stops to listen, and waits for open requests. Streams end
// at once: their requests' contexts end when the drain starts.
func Serve(ctx context.Context, log *slog.Logger, listener net.Listener, handler http.Handler, drain func()) error {
	draining, stop := context.WithCancel(context.Background())
	defer stop()
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		// Longer than Traefik's 90 s, so that it does not send a request on a connection that ends.
		IdleTimeout:    120 * time.Second,
		MaxHeaderBytes: 16 << 10,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context {
			return context.WithValue(context.Background(), drainKey{}, draining)
		},
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	log.Info("drain", "limit_s", drainLimit.Seconds())
	drain()
	stop()
	limited, cancel := context.WithTimeout(context.Background(), drainLimit)
	defer cancel()
	if err := server.Shutdown(limited); err != nil {
		return errors.Join(fmt.Errorf("drain: requests did not end: %w", err), server.Close())
	}
	return nil
}

type drainKey struct{}

// Draining returns a channel that is closed when the server starts to drain.
func Draining(ctx context.Context) <-chan struct{} {
	if d, ok := ctx.Value(drainKey{}).(context.Context); ok {
		return d.Done()
	}
	return nil
}
