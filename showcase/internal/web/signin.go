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
	// Those of one account and address with any password. Each one hashes it, so a visitor who knows that of
	// the demo could take the CPU from all tenants.
	hashBurst = 200
	hashRate  = 1.0 // a second
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
	token, hash, err := a.authenticate(r, s, email)
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
	welcome(w, r, email, token, hash)
	http.Redirect(w, r, "/runs", http.StatusSeeOther)
}

// authenticate checks a password, and returns the token of a new session and the password's hash. No
// connection is held while the password is hashed.
func (a *Web) authenticate(r *http.Request, s *site.Site, email string) (token, hash string, err error) {
	ctx := r.Context()
	var m accounts.Member
	err = s.Tx(ctx, func(tx pgx.Tx) (err error) {
		m, hash, err = accounts.Credentials(ctx, tx, email)
		return err
	})
	if err != nil {
		return "", "", err
	}
	ok, err := a.verify(r, email, hash, r.PostForm.Get("password"))
	if err != nil {
		return "", "", err
	}
	if !ok {
		return "", "", errSignIn
	}
	token, err = newSession(ctx, s, m.ID, hash)
	return token, hash, err
}

// verify reports whether a password belongs to the hash of an account. A wrong one counts for the
// throttles of the account, or of the browser if the account has signed in there before, and of the
// client's address. It returns errThrottled if one of them is used up.
func (a *Web) verify(r *http.Request, email, hash, password string) (bool, error) {
	s, ctx := site.Of(r), r.Context()
	account, address := s.Tenant.Name+"/"+email, ops.InfoOf(ctx).Address
	both := account + " " + address
	if id := device(r, hash); id != "" {
		account += "/" + id
	}
	throttled := false
	ok, err := accounts.Verify(ctx, hash, password, func() bool {
		throttled = !a.allow(address, account, both, isPublic(s, email))
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

// allow reports whether a password may be hashed. address, account and both are keys of throttles. The
// demo's password is public, so its account has no throttle for all addresses.
func (a *Web) allow(address, account, both string, public bool) bool {
	if !a.attempts.Take(address, addressRate, addressBurst).OK || !public && !a.attempts.Take(account, accountRate, accountBurst).OK {
		return false
	}
	if a.hashes.Take(both, hashRate, hashBurst).OK {
		return true
	}
	a.attempts.GiveBack(address)
	a.attempts.GiveBack(account)
	return false
}

func newSession(ctx context.Context, s *site.Site, member int64, hash string) (token string, err error) {
	err = s.Tx(ctx, func(tx pgx.Tx) error {
		token, err = accounts.NewSession(ctx, tx, member, hash)
		return err
	})
	return token, err
}

func (a *Web) signOut(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		err := site.Of(r).Tx(r.Context(), func(tx pgx.Tx) error { return accounts.EndSession(r.Context(), tx, cookie.Value) })
		if err != nil {
			a.fail(w, r, err)
			return
		}
	}
	setCookie(w, sessionCookie, "", -time.Second)
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
}
