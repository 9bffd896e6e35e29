package ops

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"
)

// Info is what the log and the metrics tell about a request. Handlers fill it. It has no path
// and no query, because these may have tokens and what people search for.
type Info struct {
	// ID is in the header X-Request-Id of the response.
	ID string
	// Tenant is empty if no tenant belongs to the host.
	Tenant string
	// Route is the pattern of the handler, such as "GET /runs/{id}".
	Route string
	// Stream is true for a live stream.
	Stream bool
	// Err is what went wrong in the server. It is in the log and not in the response.
	Err error
	// Address is the client's IPv4 address, or the first 64 bits of its IPv6 address: one client has all
	// addresses with these bits.
	Address string
}

type infoKey struct{}

// InfoOf returns the Info of a request that came through Observe.
func InfoOf(ctx context.Context) *Info {
	if i, ok := ctx.Value(infoKey{}).(*Info); ok {
		return i
	}
	return &Info{}
}

// Observe gives each request an Info. It logs and counts the request when it ends. A panic of a
// handler becomes a response with the status 500. hops is the number of trusted proxies.
func Observe(log *slog.Logger, m *Metrics, hops int, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i := &Info{ID: requestID(r.Header.Get("X-Request-Id")), Route: "none", Address: clientAddress(r, hops)}
		w.Header().Set("X-Request-Id", i.ID)
		rec := &recorder{ResponseWriter: w}
		start := time.Now()
		defer func() {
			fault := recover()
			if fault == http.ErrAbortHandler { //nolint:errorlint // the value itself, not an error that wraps it
				finish(log, m, i, rec, r.Method, time.Since(start))
				panic(fault) // net/http breaks off the connection
			}
			if fault != nil {
				log.Error("panic", "request_id", i.ID, "tenant", i.Tenant, "route", i.Route, "fault", fault, "stack", string(debug.Stack()))
				if rec.status == 0 {
					http.Error(rec, "internal error", http.StatusInternalServerError)
				}
			}
			finish(log, m, i, rec, r.Method, time.Since(start))
		}()
		next.ServeHTTP(rec, r.WithContext(context.WithValue(r.Context(), infoKey{}, i)))
	})
}

func finish(log *slog.Logger, m *Metrics, i *Info, rec *recorder, method string, took time.Duration) {
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	m.request(i, knownMethod(method), rec.status, took)
	level := slog.LevelInfo
	switch {
	case rec.status == http.StatusServiceUnavailable:
		level = slog.LevelWarn
	case rec.status >= 500:
		level = slog.LevelError
	case i.Tenant == "" && rec.status < 400: // probes and scrapes
		level = slog.LevelDebug
	}
	args := []any{"request_id", i.ID, "tenant", i.Tenant, "method", knownMethod(method), "route", i.Route, "status", rec.status, "ms", took.Milliseconds(), "bytes", rec.bytes}
	if i.Err != nil {
		args = append(args, "error", i.Err.Error())
	}
	log.Log(context.Background(), level, "request", args...)
}

// knownMethod keeps the number of series limited, because a client may send any method.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "OTHER"
}

// requestID returns the ID that a proxy sent, if it is short and plain, or a new one.
func requestID(sent string) string {
	if len(sent) >= 8 && len(sent) <= 64 && strings.Trim(sent, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == "" {
		return sent
	}
	return rand.Text()
}

// clientAddress returns the address that the outermost of the trusted proxies saw. What a client
// itself writes into X-Forwarded-For is further left, and is not used.
func clientAddress(r *http.Request, hops int) string {
	if hops > 0 {
		list := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		if address, err := netip.ParseAddr(strings.TrimSpace(list[max(0, len(list)-hops)])); err == nil {
			return network(address)
		}
	}
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return network(remote.Addr())
}

func network(address netip.Addr) string {
	address = address.Unmap().WithZone("")
	if address.Is4() {
		return address.String()
	}
	return netip.PrefixFrom(address, 64).Masked().String()
}

// recorder remembers the status and the size of a response.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController find the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
