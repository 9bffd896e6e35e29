package web

import (
	"net/http"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/genericcorp/platform/showcase/internal/accounts"
	"github.com/genericcorp/platform/showcase/internal/ops"
	"github.com/genericcorp/platform/showcase/internal/site"
)

type invitationForm struct {
	accounts.Invitation
	// Name and Address are what was entered. The form asks for Address if the invitation has none.
	Name, Address, Message string
	MinPassword            int
}

func (a *Web) invitationPage(w http.ResponseWriter, r *http.Request) { a.showInvitation(w, r, nil) }

// showInvitation shows the form of an invitation, with the fault of the last attempt and what was
// entered then.
func (a *Web) showInvitation(w http.ResponseWriter, r *http.Request, last *fault) {
	form := invitationForm{Name: r.PostForm.Get("name"), Address: r.PostForm.Get("email"), MinPassword: accounts.MinPassword}
	err := site.Of(r).Tx(r.Context(), func(tx pgx.Tx) (err error) {
		form.Invitation, err = accounts.FindInvitation(r.Context(), tx, r.PathValue("token"))
		return err
	})
	if err != nil {
		a.fail(w, r, err)
		return
	}
	v := view{page: "invitation", title: "Join the team"}
	if last != nil {
		form.Message, v.status = last.message, last.status
	}
	v.data = form
	a.show(w, r, nil, v)
}

func (a *Web) acceptInvitation(w http.ResponseWriter, r *http.Request) {
	if err := parseForm(w, r); err != nil {
		a.fail(w, r, err)
		return
	}
	s, ctx := site.Of(r), r.Context()
	// Hashing is expensive, so an address may try only as often as it may sign in.
	if !a.attempts.Take(ops.InfoOf(ctx).Address, addressRate, addressBurst).OK {
		a.fail(w, r, errThrottled)
		return
	}
	m, token, hash, err := join(r, s)
	if err != nil {
		if f := known(err); f != nil && f.status == http.StatusUnprocessableEntity {
			a.showInvitation(w, r, f)
			return
		}
		a.fail(w, r, err)
		return
	}
	a.metrics.Count(s.Tenant.Name, ops.MemberJoined, 1)
	welcome(w, r, m.Email, token, hash)
	http.Redirect(w, r, "/runs", http.StatusSeeOther)
}

// join stores the member of a form, and returns it with the token of a session and the password's hash.
func join(r *http.Request, s *site.Site) (m accounts.Member, session, hash string, err error) {
	ctx, name := r.Context(), strings.TrimSpace(r.PostForm.Get("name"))
	if err := checkText("The name", name, 100); err != nil {
		return m, "", "", err
	}
	if hash, err = accounts.Hash(ctx, r.PostForm.Get("password")); err != nil {
		return m, "", "", err
	}
	err = s.Tx(ctx, func(tx pgx.Tx) error {
		if m, err = accounts.Accept(ctx, tx, r.PathValue("token"), r.PostForm.Get("email"), name, hash); err != nil {
			return err
		}
		session, err = accounts.NewSession(ctx, tx, m.ID, hash)
		return err
	})
	return m, session, hash, err
}
