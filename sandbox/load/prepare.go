package load

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Tenant is a team of AgentHQ before a run.
type Tenant struct {
	// URL is the team's address, without a slash at the end.
	URL string
	// Email and Password are an account of the team.
	Email, Password string
	// Invitation is the path of an invitation link for Email, such as /invitations/abc. The
	// account is created with it. If it is empty, the account exists.
	Invitation string
	// Agents is the number of agents that report runs. The demo's team has 0, because its limits
	// are used up in a minute or two.
	Agents int
}

// Target is a team for people.js.
type Target struct {
	URL      string   `json:"url"`
	Email    string   `json:"email"`
	Password string   `json:"password"`
	Keys     []string `json:"keys"`
}

// sampleRuns is the number of runs that a team without older runs gets. It is more than two pages.
const sampleRuns = 60

// Prepare signs in to each team, creates an API key for each agent, and reports sample runs if the
// team has less than a page of them. The returned function revokes the keys. Call it also after
// an error.
func Prepare(ctx context.Context, n Network, tenants []Tenant) ([]Target, func(context.Context) error, error) {
	targets, clients, errs := make([]Target, len(tenants)), make([]*client, len(tenants)), make([]error, len(tenants))
	var all sync.WaitGroup
	for i, t := range tenants {
		c, err := newClient(n, t.URL)
		if err != nil {
			return nil, func(context.Context) error { return nil }, err
		}
		clients[i] = c
		all.Go(func() {
			targets[i], errs[i] = c.prepare(ctx, t)
			if errs[i] != nil {
				errs[i] = fmt.Errorf("%s: %w", t.URL, errs[i])
			}
		})
	}
	all.Wait()
	revoke := func(ctx context.Context) error {
		var failed []error
		for _, c := range clients {
			failed = append(failed, c.revoke(ctx))
		}
		return errors.Join(failed...)
	}
	return targets, revoke, errors.Join(errs...)
}

func (c *client) prepare(ctx context.Context, t Tenant) (Target, error) {
	target := Target{URL: t.URL, Email: t.Email, Password: t.Password}
	path, form := "/sign-in", url.Values{"email": {t.Email}, "password": {t.Password}}
	if t.Invitation != "" {
		path, form = t.Invitation, url.Values{"name": {"Load test"}, "password": {t.Password}}
	}
	if _, err := c.form(ctx, path, form, http.StatusSeeOther); err != nil {
		return target, err
	}
	for range t.Agents {
		key, err := c.newKey(ctx)
		if err != nil {
			return target, err
		}
		target.Keys = append(target.Keys, key)
	}
	if len(target.Keys) == 0 {
		return target, nil
	}
	list, err := c.do(ctx, call{method: http.MethodGet, path: "/runs"}, http.StatusOK)
	if err == nil && !strings.Contains(list, ">Older runs<") {
		err = c.report(ctx, target.Keys[0])
	}
	return target, err
}

var newKey = regexp.MustCompile(`id="new-key">(ahq_([0-9a-f]+)_[^<]+)<`)

func (c *client) newKey(ctx context.Context) (string, error) {
	page, err := c.form(ctx, "/keys", url.Values{"name": {"Load test"}}, http.StatusCreated)
	if err != nil {
		return "", err
	}
	match := newKey.FindStringSubmatch(page)
	if match == nil {
		return "", errors.New("the page /keys shows no new key")
	}
	c.keys = append(c.keys, match[2])
	return match[1], nil
}

// revoke revokes the keys that newKey created, signs out, and closes the connections.
func (c *client) revoke(ctx context.Context) error {
	var errs []error
	for _, id := range c.keys {
		_, err := c.form(ctx, "/keys/"+id+"/revoke", nil, http.StatusSeeOther)
		errs = append(errs, err)
	}
	c.keys = nil
	defer c.http.CloseIdleConnections()
	_, err := c.form(ctx, "/sign-out", nil, http.StatusSeeOther)
	return errors.Join(append(errs, err)...)
}

// report reports the sample runs: finished ones of three agents in the last two weeks.
func (c *client) report(ctx context.Context, key string) error {
	now := time.Now().UTC()
	for i := range sampleRuns {
		start := now.Add(-time.Duration(i+1) * 5 * time.Hour)
		run := map[string]any{"agent": []string{"support", "billing", "reports"}[i%3], "title": fmt.Sprintf("Write report %d", i+1), "model": "large-2", "started_at": start.Format(time.RFC3339)}
		id, err := c.api(ctx, key, http.MethodPost, "/api/v1/runs", run, http.StatusCreated)
		if err != nil {
			return err
		}
		if _, err := c.api(ctx, key, http.MethodPost, "/api/v1/runs/"+id+"/events", map[string]any{"events": sampleEvents(5 + i%20)}, http.StatusCreated); err != nil {
			return err
		}
		status := map[string]any{"status": "succeeded"}
		if i%7 == 0 {
			status = map[string]any{"status": "failed", "error": "The report has no figures."}
		}
		if _, err := c.api(ctx, key, http.MethodPatch, "/api/v1/runs/"+id, status, http.StatusOK); err != nil {
			return err
		}
	}
	return nil
}

func sampleEvents(n int) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = map[string]any{"kind": []string{"model", "tool", "log"}[i%3], "message": strings.Repeat("Compare the figures with those of last month. ", 4),
			"cost_microusd": 1200, "tokens": 400, "data": map[string]any{"attempt": i, "tool": "search"}}
	}
	return list
}
