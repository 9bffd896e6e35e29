package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/genericcorp/platform/showcase/internal/accounts"
	"github.com/genericcorp/platform/showcase/internal/ops"
	"github.com/genericcorp/platform/showcase/internal/site"
)

// The throttle of refused sign-ins. A successful one does not count.
const (
	accountBurst = 5
	accountRate  = 1.0 / 60 // a second
	addressBurst = 20
	addressRate  = 1.0 / 10 // a second
)

// errSignIn is the same for an unknown address and a wrong password.
var (
	errSignIn    = &fault{http.StatusUnauthorized, "The e-mail address or the password is wrong."}
	errThrottled = &fault{http.StatusTooManyRequests, "There were too many attempts. Please wait a few minutes."}
)

type signInForm struct{ Email, Message string }

func (a *Web) signInPage(w http.ResponseWriter, r *http.Request) {
	a.show(w, r, nil, view{page: "sign-in", title: "Sign in", data: signInForm{}})
}

func (a *Web) signIn(w http.ResponseWriter, r *http.Request) {
	if err := parseForm(w, r); err != nil {
		a.fail(w, r, err)
		return
	}
	s := site.Of(r)
	email := strings.ToLower(strings.TrimSpace(r.PostForm.Get("email")))
	token, err := a.authenticate(r, s, email)
	if errors.Is(err, errSignIn) || errors.Is(err, errThrottled) {
		a.metrics.Login(s.Tenant.Name, false)
		f := known(err)
		a.show(w, r, nil, view{page: "sign-in", title: "Sign in", status: f.status, data: signInForm{email, f.message}})
		return
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	a.metrics.Login(s.Tenant.Name, true)
	setSession(w, token, int(accounts.SessionLife/time.Second))
	http.Redirect(w, r, "/runs", http.StatusSeeOther)
}

// authenticate checks a password, and returns the token of a new session. No connection is held
// while the password is hashed.
func (a *Web) authenticate(r *http.Request, s *site.Site, email string) (string, error) {
	ctx := r.Context()
	var m accounts.Member
	var hash string
	err := s.Tx(ctx, func(tx pgx.Tx) (err error) {
		m, hash, err = accounts.Credentials(ctx, tx, email)
		return err
	})
	if err != nil {
		return "", err
	}
	ok, err := a.verify(ctx, s, email, hash, r.PostForm.Get("password"))
	if err != nil {
		return "", err
	}
	if !ok {
		return "", errSignIn
	}
	return newSession(ctx, s, m.ID, hash)
}

// verify reports whether a password belongs to the hash of an account. A wrong one counts for the
// throttles of the account and of the client's address. It returns errThrottled if one of them is used up.
func (a *Web) verify(ctx context.Context, s *site.Site, email, hash, password string) (bool, error) {
	account, address := s.Tenant.Name+"/"+email, ops.InfoOf(ctx).Address
	// The demo's password is public, so only addresses are throttled there.
	public, throttled := isPublic(s, email), false
	ok, err := accounts.Verify(ctx, hash, password, func() bool {
		throttled = !a.attempts.Take(address, addressRate, addressBurst).OK || !public && !a.attempts.Take(account, accountRate, accountBurst).OK
		return !throttled
	})
	switch {
	case err != nil:
		return false, err
	case throttled:
		return false, errThrottled
	case ok:
		a.attempts.GiveBack(address)
		a.attempts.GiveBack(account)
	}
	return ok, nil
}

func newSession(ctx context.Context, s *site.Site, member int64, hash string) (token string, err error) {
	err = s.Tx(ctx, func(tx pgx.Tx) error {
		token, err = accounts.NewSession(ctx, tx, member, hash)
		return err
	})
	return token, err
}

// setSession sets the cookie of a session. seconds below 0 delete it.
func setSession(w http.ResponseWriter, token string, seconds int) {
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: token, Path: "/", MaxAge: seconds, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

func (a *Web) signOut(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		err := site.Of(r).Tx(r.Context(), func(tx pgx.Tx) error { return accounts.EndSession(r.Context(), tx, cookie.Value) })
		if err != nil {
			a.fail(w, r, err)
			return
		}
	}
	setSession(w, "", -1)
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
}
