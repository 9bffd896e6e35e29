package web

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/genericcorp/platform/showcase/internal/ops"
	"github.com/genericcorp/platform/showcase/internal/runs"
	"github.com/genericcorp/platform/showcase/internal/site"
)

const (
	// streamLife is how long a stream lasts. The browser then connects again, with the number of
	// the last event that it has.
	streamLife = 5 * time.Minute
	// reconnect tells the browser to connect again after 3 s. In that time this process has ended, and
	// another one serves.
	reconnect = "retry: 3000\n\n"
	// sendLimit is how long one message may take.
	sendLimit = 10 * time.Second
)

// stream sends the events of a run as server-sent events, while the run goes on. It asks the
// database every two seconds, because a pooler in transaction mode has no LISTEN.
func (a *Web) stream(w http.ResponseWriter, r *http.Request) {
	i := ops.InfoOf(r.Context())
	i.Stream = true
	ctx, cancel := context.WithTimeout(r.Context(), streamLife)
	defer cancel()
	leave, ok := a.streams.enter(site.Of(r).Tenant.Name, i.Address, cancel)
	if !ok {
		a.fail(w, r, &fault{http.StatusServiceUnavailable, "There are too many live streams."})
		return
	}
	defer leave()
	defer a.metrics.Stream()()
	f := &follower{web: a, request: r, site: site.Of(r), last: max(number(r.URL.Query().Get("after")), number(r.Header.Get("Last-Event-ID")))}
	next, err := f.look(ctx)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	if !f.signedIn {
		http.Error(w, "sign in first", http.StatusUnauthorized)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	tick := time.NewTicker(a.poll)
	defer tick.Stop()
	for {
		if err := send(w, next); err != nil || f.done {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-ops.Draining(ctx):
			i.Err = send(w, []byte(reconnect))
			return
		case <-tick.C:
		}
		if next, err = f.look(ctx); err != nil || !f.signedIn {
			i.Err = err
			return
		}
	}
}

// send writes messages, within sendLimit. A comment keeps the connection open when there are none.
func send(w http.ResponseWriter, text []byte) error {
	c := http.NewResponseController(w)
	if err := c.SetWriteDeadline(time.Now().Add(sendLimit)); err != nil {
		return err
	}
	if len(text) == 0 {
		text = []byte(": wait\n\n")
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	return c.Flush()
}

// follower follows one run.
type follower struct {
	web      *Web
	request  *http.Request
	site     *site.Site
	last     int
	updated  time.Time
	signedIn bool
	// done is true when all events of a finished run were sent.
	done bool
}

// look returns the messages that are new since the last look. It also checks the session, so that a
// stream ends with it.
func (f *follower) look(ctx context.Context) ([]byte, error) {
	var run runs.Run
	var events []runs.Event
	err := f.site.Tx(ctx, func(tx pgx.Tx) (err error) {
		if _, f.signedIn, err = session(ctx, tx, f.request); err != nil || !f.signedIn {
			return err
		}
		if run, err = runs.Get(ctx, tx, f.request.PathValue("id")); err != nil || run.Events <= f.last {
			return err
		}
		events, err = runs.Events(ctx, tx, run.ID, f.last, eventsOnPage)
		return err
	})
	if err != nil || !f.signedIn || run.UpdatedAt.Equal(f.updated) && len(events) == 0 {
		return nil, err
	}
	var b bytes.Buffer
	for _, e := range events {
		text, err := f.web.fragment("event", e)
		if err != nil {
			return nil, err
		}
		message(&b, strconv.Itoa(e.Seq), "entry", text)
		f.last = e.Seq
	}
	text, err := f.web.fragment("summary", run)
	if err != nil {
		return nil, err
	}
	message(&b, "", "summary", text)
	f.updated, f.done = run.UpdatedAt, run.Status != runs.Running && f.last >= run.Events
	if f.done {
		message(&b, "", "end", run.Status)
	}
	return b.Bytes(), nil
}

// message writes one server-sent event. A line of the text becomes a line with "data:".
func message(b *bytes.Buffer, id, event, text string) {
	if id != "" {
		fmt.Fprintf(b, "id: %s\n", id)
	}
	fmt.Fprintf(b, "event: %s\n", event)
	for line := range strings.Lines(text) {
		fmt.Fprintf(b, "data: %s\n", strings.TrimRight(line, "\r\n"))
	}
	b.WriteByte('\n')
}

// number returns a number from a URL; 0 if it is none.
func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > runs.MaxEvents {
		return 0
	}
	return n
}
