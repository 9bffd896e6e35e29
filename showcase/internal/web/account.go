package web

import (
	"context"
	"net/http"

	"github.com/jackc/pgx/v5"

	"github.com/genericcorp/platform/showcase/internal/accounts"
	"github.com/genericcorp/platform/showcase/internal/demo"
	"github.com/genericcorp/platform/showcase/internal/ops"
	"github.com/genericcorp/platform/showcase/internal/site"
)

var (
	errCurrent = &fault{http.StatusForbidden, "The current password is wrong."}
	errAgain   = &fault{http.StatusUnprocessableEntity, "The two new passwords are not the same."}
	errSame    = &fault{http.StatusUnprocessableEntity, "The new password is the current one."}
	errPublic  = &fault{http.StatusForbidden, "The demo's password cannot be changed."}
)

type accountPage struct {
	Message     string
	MinPassword int
	// Done is true after a change. Fixed is true for the demo's own account.
	Done, Fixed bool
}

func (a *Web) account(_ context.Context, q *request) (view, error) {
	return accountView(q, accountPage{Done: q.URL.Query().Get("changed") == "1"}), nil
}

func accountView(q *request, p accountPage) view {
	p.MinPassword, p.Fixed = accounts.MinPassword, isPublic(q.site, q.member.Email)
	return view{page: "account", title: "Account", data: p}
}

// isPublic reports whether an account is the demo's, whose password everybody knows.
func isPublic(s *site.Site, email string) bool { return s.Demo && email == demo.Email }

// changePassword sets a new password. Two transactions and two hashes take turns, because no
// connection is held while a password is hashed.
func (a *Web) changePassword(w http.ResponseWriter, r *http.Request) {
	if err := parseForm(w, r); err != nil {
		a.fail(w, r, err)
		return
	}
	q := &request{Request: r, site: site.Of(r)}
	var hash string
	signedIn := false
	err := q.site.Tx(r.Context(), func(tx pgx.Tx) (err error) {
		if q.member, signedIn, err = session(r.Context(), tx, r); err != nil || !signedIn {
			return err
		}
		_, hash, err = accounts.Credentials(r.Context(), tx, q.member.Email)
		return err
	})
	if err == nil && !signedIn {
		http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
		return
	}
	var token string
	if err == nil {
		token, hash, err = a.replacePassword(q, hash)
	}
	if err != nil {
		a.failChange(w, q, err)
		return
	}
	a.counted(q, ops.PasswordChanged)()
	welcome(w, r, q.member.Email, token, hash)
	http.Redirect(w, r, "/account?changed=1", http.StatusSeeOther)
}

// replacePassword checks the form of a member with the password hash, stores the new password, and
// returns the token of the only session that is left, and the new hash.
func (a *Web) replacePassword(q *request, hash string) (token, replacement string, err error) {
	ctx, current, next := q.Context(), q.field("current"), q.field("new")
	switch {
	case isPublic(q.site, q.member.Email):
		return "", "", errPublic
	case next != q.field("again"):
		return "", "", errAgain
	case next == current:
		return "", "", errSame
	}
	ok, err := a.verify(q.Request, q.member.Email, hash, current)
	if err != nil {
		return "", "", err
	}
	if !ok {
		return "", "", errCurrent
	}
	if replacement, err = accounts.Hash(ctx, next); err != nil {
		return "", "", err
	}
	err = q.site.Tx(ctx, func(tx pgx.Tx) error {
		token, err = accounts.ChangePassword(ctx, tx, q.member.ID, hash, replacement)
		return err
	})
	return token, replacement, err
}

// failChange shows the form again with a fault that the member can correct.
func (a *Web) failChange(w http.ResponseWriter, q *request, err error) {
	f := known(err)
	if f == nil || f.status >= 500 || site.Full(err) {
		a.failFor(w, q.Request, &q.member, err)
		return
	}
	v := accountView(q, accountPage{Message: f.message})
	v.status = f.status
	a.show(w, q.Request, &q.member, v)
}
