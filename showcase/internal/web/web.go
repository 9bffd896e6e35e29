// Package web has the pages for people. They are rendered by the server, and work without
// JavaScript, except for the live timeline and the button Back after a sign-out.
package web

import (
	"context"
	"embed"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/genericcorp/platform/showcase/internal/accounts"
	"github.com/genericcorp/platform/showcase/internal/ops"
	"github.com/genericcorp/platform/showcase/internal/runs"
	"github.com/genericcorp/platform/showcase/internal/site"
	"github.com/genericcorp/platform/showcase/internal/tenants"
	"github.com/genericcorp/platform/showcase/internal/throttle"
)

//go:embed static
var static embed.FS

const (
	// sessionCookie has the prefix __Host-, so that no other host and no plain HTTP can set it.
	sessionCookie = "__Host-session"
	maxForm       = 32 << 10 // bytes
)

// Web serves the pages.
type Web struct {
	metrics *ops.Metrics
	// attempts are wrong passwords, and hashes all passwords.
	attempts, hashes *throttle.Buckets
	public           *url.URL
	// assets is a hash of the static files.
	assets  string
	pages   map[string]*page
	streams streams
	sending sending
	clock   func() time.Time
	// poll is how often a live timeline asks for new events.
	poll time.Duration
}

// New returns the pages. public is PUBLIC_URL. clock returns the time of the charts.
func New(metrics *ops.Metrics, public *url.URL, clock func() time.Time) (*Web, error) {
	assets, err := fingerprint()
	if err != nil {
		return nil, err
	}
	pages, err := parse(assets)
	if err != nil {
		return nil, err
	}
	return &Web{metrics: metrics, attempts: throttle.New(time.Now), hashes: throttle.New(time.Now), public: public, assets: assets, pages: pages, sending: sending{bytes: map[string]int{}}, streams: streams{open: map[string]map[*live]bool{}}, clock: clock, poll: 2 * time.Second}, nil
}

// Register adds the routes to a mux. handle has the signature of http.ServeMux.HandleFunc.
func (a *Web) Register(handle func(string, http.HandlerFunc)) {
	handle("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/runs", http.StatusSeeOther) })
	handle("GET /sign-in", a.signInPage)
	handle("POST /sign-in", a.signIn)
	handle("POST /sign-out", a.signOut)
	handle("GET /invitations/{token}", a.invitationPage)
	handle("POST /invitations/{token}", a.acceptInvitation)
	handle("GET /runs", a.member(a.listRuns))
	handle("GET /runs/{id}", a.member(a.showRun))
	handle("GET /runs/{id}/stream", a.stream)
	handle("GET /export/{file}", a.export)
	handle("GET /export/usage.csv", a.exportUsage("text/csv; charset=utf-8", usageCSV))
	handle("GET /export/usage.json", a.exportUsage("application/json", usageJSON))
	handle("GET /costs", a.member(a.costs))
	handle("GET /usage", a.member(a.usage))
	handle("GET /keys", a.member(a.keys))
	handle("POST /keys", a.member(a.createKey))
	handle("POST /keys/{id}/revoke", a.member(a.revokeKey))
	handle("GET /members", a.member(a.members))
	handle("POST /members", a.member(a.invite))
	handle("POST /members/{id}/remove", a.member(a.removeMember))
	handle("POST /invitations/withdraw", a.member(a.withdraw))
	handle("GET /account", a.member(a.account))
	handle("POST /account", a.changePassword)
	handle("GET /feedback", a.member(a.feedbackPage))
	handle("POST /feedback", a.member(a.sendFeedback))
	handle("GET /static/{file}", a.static)
	handle("GET /robots.txt", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("User-agent: *\nDisallow: /\n")) // a client that is gone needs no response
	})
	handle("/", func(w http.ResponseWriter, r *http.Request) { a.fail(w, r, errPage) })
}

// static serves a file. The pages add a hash of all files to the address. During an update a page of
// another version may ask for its files here: the browser must not keep what it gets.
func (a *Web) static(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.URL.Query().Get("v") == a.assets {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeFileFS(w, r, static, "static/"+r.PathValue("file"))
}

// fault is an error that is shown to the member.
type fault struct {
	status  int
	message string
}

func (f *fault) Error() string { return f.message }

var (
	errPage  = &fault{http.StatusNotFound, "There is no such page."}
	errOwner = &fault{http.StatusForbidden, "Only an owner of the team may do this."}
)

// request is a request of a member, in a transaction.
type request struct {
	*http.Request
	site   *site.Site
	member accounts.Session
	tx     pgx.Tx
}

func (q *request) field(name string) string { return q.PostForm.Get(name) }

// view is the result of a handler: a page, or a redirect.
type view struct {
	page, title string
	status      int
	data        any
	redirect    string
	// after is called when the transaction is committed.
	after func()
}

// member returns a handler for a page that needs a sign-in. The session is looked up in the same
// transaction as the page's data.
func (a *Web) member(h func(context.Context, *request) (view, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := parseForm(w, r); err != nil {
			a.fail(w, r, err)
			return
		}
		q := &request{Request: r, site: site.Of(r)}
		var v view
		signedIn := false
		err := q.site.Tx(r.Context(), func(tx pgx.Tx) (err error) {
			q.tx = tx
			if q.member, signedIn, err = session(r.Context(), tx, r); err != nil || !signedIn {
				return err
			}
			v, err = h(r.Context(), q)
			return err
		})
		switch {
		case err == nil && !signedIn:
			http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
		case err != nil:
			a.failFor(w, r, &q.member, err)
		default:
			if v.after != nil {
				v.after()
			}
			a.show(w, r, &q.member, v)
		}
	}
}

func parseForm(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	var large *http.MaxBytesError
	switch err := r.ParseForm(); {
	case errors.As(err, &large):
		return &fault{http.StatusRequestEntityTooLarge, "The form is too large."}
	case err != nil:
		return &fault{http.StatusBadRequest, "The form cannot be read."}
	}
	return nil
}

// session returns the member who is signed in.
func session(ctx context.Context, tx pgx.Tx, r *http.Request) (accounts.Session, bool, error) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return accounts.Session{}, false, nil
	}
	return accounts.FindSession(ctx, tx, cookie.Value)
}

// messages are the errors of other packages that members may see, with the status.
var messages = map[error]int{
	accounts.ErrInvitation: http.StatusNotFound,
	accounts.ErrMember:     http.StatusConflict,
	accounts.ErrSeats:      http.StatusForbidden,
	accounts.ErrLastOwner:  http.StatusConflict,
	accounts.ErrEmail:      http.StatusUnprocessableEntity,
	accounts.ErrChanged:    http.StatusConflict,
	accounts.ErrPassword:   http.StatusUnprocessableEntity,
	accounts.ErrKeys:       http.StatusForbidden,
	accounts.ErrFeedback:   http.StatusForbidden,
	runs.ErrNotFound:       http.StatusNotFound,
}

// known returns the fault of an error. It is nil if the error is no fault of the member.
func known(err error) *fault {
	var f *fault
	if errors.As(err, &f) {
		return f
	}
	for e, status := range messages {
		if errors.Is(err, e) {
			return &fault{status, sentence(e.Error())}
		}
	}
	if site.Full(err) {
		return &fault{http.StatusForbidden, "This team is above the storage of its plan. You can read, export and delete. Nothing new is stored until the operator of this service gives the team a larger plan or frees storage."}
	}
	if site.Unstorable(err) {
		return &fault{http.StatusUnprocessableEntity, "A value has a character that cannot be stored."}
	}
	if site.DiskFull(err) {
		return &fault{http.StatusServiceUnavailable, "The disk of the database is full. Nothing new is stored until the operator of this service frees space."}
	}
	if errors.Is(err, tenants.ErrNoLogin) || site.Busy(err) {
		return &fault{http.StatusServiceUnavailable, "The service is busy. Please try again in a few seconds."}
	}
	return nil
}

// fail shows an error to somebody who may not be signed in.
func (a *Web) fail(w http.ResponseWriter, r *http.Request, err error) { a.failFor(w, r, nil, err) }

func (a *Web) failFor(w http.ResponseWriter, r *http.Request, m *accounts.Session, err error) {
	f := known(err)
	if f == nil {
		f = &fault{http.StatusInternalServerError, "Something went wrong on our side."}
	}
	if f.status >= 500 {
		ops.InfoOf(r.Context()).Err = err
		w.Header().Set("Retry-After", "5")
	}
	if m != nil && m.ID == 0 {
		m = nil
	}
	a.show(w, r, m, view{page: "error", title: "That did not work", status: f.status, data: f.message})
}
