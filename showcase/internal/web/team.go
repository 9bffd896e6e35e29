package web

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/genericcorp/platform/showcase/internal/accounts"
	"github.com/genericcorp/platform/showcase/internal/demo"
	"github.com/genericcorp/platform/showcase/internal/ops"
	"github.com/genericcorp/platform/showcase/internal/runs"
)

// checkText returns a fault if a text of a form is empty, too long, or cannot be stored.
func checkText(name, text string, most int) error {
	switch {
	case text == "":
		return &fault{http.StatusUnprocessableEntity, name + " is empty."}
	case utf8.RuneCountInString(text) > most:
		return &fault{http.StatusUnprocessableEntity, fmt.Sprintf("%s has more than %d characters.", name, most)}
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) }):
		return &fault{http.StatusUnprocessableEntity, name + " has a character that cannot be stored."}
	}
	return nil
}

type keyList struct {
	Keys []accounts.Key
	// New is the text of a key that was created just now. It is shown once.
	New string
}

func (a *Web) keys(ctx context.Context, q *request) (view, error) { return keysView(ctx, q, "") }

func keysView(ctx context.Context, q *request, created string) (view, error) {
	list, err := accounts.Keys(ctx, q.tx)
	return view{page: "keys", title: "API keys", data: keyList{list, created}}, err
}

func (a *Web) createKey(ctx context.Context, q *request) (view, error) {
	name := strings.TrimSpace(q.field("name"))
	if err := checkText("The name", name, 100); err != nil {
		return view{}, err
	}
	text, err := accounts.NewKey(ctx, q.tx, name, q.member.Email)
	if err != nil {
		return view{}, err
	}
	// No redirect: the key is nowhere else than in this response.
	v, err := keysView(ctx, q, text)
	v.status, v.after = http.StatusCreated, a.counted(q, ops.KeyCreated)
	return v, err
}

func (a *Web) revokeKey(ctx context.Context, q *request) (view, error) {
	done, err := accounts.RevokeKey(ctx, q.tx, q.PathValue("id"), q.member)
	if err == nil && !done {
		err = &fault{http.StatusForbidden, "The key was revoked already, or belongs to another member."}
	}
	return view{redirect: "/keys", after: a.counted(q, ops.KeyRevoked)}, err
}

// counted returns a function that counts an event of the team.
func (a *Web) counted(q *request, e ops.Event) func() {
	return func() { a.metrics.Count(q.site.Tenant.Name, e, 1) }
}

type team struct {
	Members     []accounts.Member
	Invitations []accounts.Invitation
	// Link is a link that was created just now. It is shown once.
	Link, Invited string
}

func (a *Web) members(ctx context.Context, q *request) (view, error) { return teamView(ctx, q, "", "") }

func teamView(ctx context.Context, q *request, link, invited string) (view, error) {
	members, err := accounts.Members(ctx, q.tx)
	if err != nil {
		return view{}, err
	}
	open, err := accounts.Invitations(ctx, q.tx)
	return view{page: "members", title: "Members", data: team{members, open, link, invited}}, err
}

func (a *Web) invite(ctx context.Context, q *request) (view, error) {
	if !q.member.IsOwner() {
		return view{}, errOwner
	}
	email, err := accounts.Email(q.field("email"))
	if err != nil {
		return view{}, err
	}
	role := accounts.Plain
	if q.field("role") == accounts.Owner {
		role = accounts.Owner
	}
	token, err := accounts.Invite(ctx, q.tx, email, role, q.site.Limits.Seats)
	if err != nil {
		return view{}, err
	}
	v, err := teamView(ctx, q, q.site.BaseURL(a.public)+"/invitations/"+token, email)
	v.status, v.after = http.StatusCreated, a.counted(q, ops.MemberInvited)
	return v, err
}

func (a *Web) withdraw(ctx context.Context, q *request) (view, error) {
	if !q.member.IsOwner() {
		return view{}, errOwner
	}
	return view{redirect: "/members"}, accounts.Withdraw(ctx, q.tx, q.field("email"))
}

func (a *Web) removeMember(ctx context.Context, q *request) (view, error) {
	if !q.member.IsOwner() {
		return view{}, errOwner
	}
	id, err := strconv.ParseInt(q.PathValue("id"), 10, 64)
	if err != nil {
		return view{}, errPage
	}
	if q.site.Demo {
		keep, _, err := accounts.Credentials(ctx, q.tx, demo.Email)
		if err != nil {
			return view{}, err
		}
		if keep.ID == id {
			return view{}, &fault{http.StatusForbidden, "The demo's own account cannot be removed."}
		}
	}
	return view{redirect: "/members", after: a.counted(q, ops.MemberRemoved)}, accounts.RemoveMember(ctx, q.tx, id)
}

// meter is one line of the usage page.
type meter struct {
	Name, Used, Limit string
	// Percent is from 0 to 100. It is -1 if there is no limit.
	Percent int
}

type usagePage struct {
	Plan    string
	Meters  []meter
	Counted countedMonth
}

func (a *Web) usage(ctx context.Context, q *request) (view, error) {
	u, err := runs.UsageNow(ctx, q.tx)
	if err != nil {
		return view{}, err
	}
	month, oldest, err := a.months(q.Request)
	if err != nil {
		return view{}, err
	}
	days, counts, err := runs.Counted(ctx, q.tx, month)
	if err != nil {
		return view{}, err
	}
	l := q.site.Limits
	plan := q.site.Tenant.Plan
	if q.site.Demo {
		plan = "demo"
	}
	data := usagePage{Plan: plan, Meters: []meter{
		measure("Runs this month", u.Runs, l.Runs, group[int64]), measure("Events this month", u.Events, l.Events, group[int64]),
		measure("Storage", u.StorageBytes, l.StorageMiB<<20, mib), measure("Seats", u.Seats, l.Seats, group[int64]),
	}}
	if counts {
		data.Counted = summary(days, month, oldest, q.site)
	}
	return view{page: "usage", title: "Usage", data: data}, nil
}

func measure(name string, used, limit int64, text func(int64) string) meter {
	if limit == 0 {
		return meter{name, text(used), "no limit", -1}
	}
	return meter{name, text(used), text(limit), int(min(100, used*100/limit))}
}

func (a *Web) feedbackPage(_ context.Context, q *request) (view, error) {
	return view{page: "feedback", title: "Feedback", data: q.URL.Query().Get("sent") == "1"}, nil
}

func (a *Web) sendFeedback(ctx context.Context, q *request) (view, error) {
	message := strings.TrimSpace(q.field("message"))
	if err := checkText("The message", message, 2000); err != nil {
		return view{}, err
	}
	return view{redirect: "/feedback?sent=1", after: a.counted(q, ops.FeedbackSent)}, accounts.AddFeedback(ctx, q.tx, q.member.Email, message)
}
