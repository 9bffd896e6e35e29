package onboarding

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/workload"
)

// FirstWeek is how many days the first week's usage covers, from the day of the first sign-in.
const FirstWeek = 7

// Progress is how far a customer has come. A nil date is a step that is not done, as far as the
// figures show.
type Progress struct {
	Tenant string `json:"tenant"`
	Tier   string `json:"tier"`
	State  string `json:"state"`
	Host   string `json:"host"`
	// Created is true if the schema is in the database.
	Created bool `json:"created"`
	// FirstSignIn and FirstRun are days (UTC), such as 2026-12-01. The first run is known as long as
	// metrics are kept (settings.monitoring.retentionDays).
	FirstSignIn *string `json:"firstSignIn"`
	FirstRun    *string `json:"firstRun"`
	// Week is the usage of the first week; nil before the day of the first sign-in is over.
	Week *Week `json:"firstWeek"`
	// Feedback is the number of messages, as long as metrics are kept.
	Feedback int `json:"feedback"`
	// Next is what to do next.
	Next string `json:"next"`
}

// Week is the usage of the first week: the sums of platform.usage.
type Week struct {
	// Days are the days that are counted, ActiveDays those with requests.
	Days       int   `json:"days"`
	ActiveDays int   `json:"activeDays"`
	Requests   int64 `json:"requests"`
	Logins     int64 `json:"signIns"`
}

// Sources are where the figures come from.
type Sources struct {
	// Database is a connection of the administrator. It reads the schema platform and the catalogue,
	// and no table of a tenant.
	Database *pgx.Conn
	// Metrics is the address of VictoriaMetrics, such as http://localhost:8428.
	Metrics string
}

// ProgressOf returns how far these customers have come, in their order. Purged ones are left
// out. Metrics are asked for the last s.Monitoring.RetentionDays days.
func ProgressOf(ctx context.Context, from Sources, s settings.Settings, tenants []settings.Tenant) ([]Progress, error) {
	app := fmt.Sprintf(`namespace=%q,tenant!=""`, workload.App.Namespace)
	window := fmt.Sprintf("[%dd]", s.Monitoring.RetentionDays)
	answers := make([]map[string]float64, 3)
	for i, query := range []string{
		`min by (tenant) (tfirst_over_time(app_logins_total{` + app + `}` + window + `))`,
		`min by (tenant) (tfirst_over_time(app_events_total{` + app + `,event="run_started"}` + window + `))`,
		`sum by (tenant) (increase_pure(app_events_total{` + app + `,event="feedback_sent"}` + window + `))`,
	} {
		var err error
		if answers[i], err = from.ask(ctx, query); err != nil {
			return nil, err
		}
	}
	var out []Progress
	for _, t := range tenants {
		if t.State == settings.Purged {
			continue
		}
		p := Progress{Tenant: t.Name, Tier: t.Plan, State: t.State, Host: t.Host(s.Domain)}
		p.FirstSignIn, p.FirstRun, p.Feedback = dayOf(answers[0], t.Name), dayOf(answers[1], t.Name), int(answers[2][t.Name])
		if err := from.count(ctx, &p); err != nil {
			return nil, err
		}
		p.Next = p.next()
		out = append(out, p)
	}
	return out, nil
}

func dayOf(times map[string]float64, tenant string) *string {
	seconds, ok := times[tenant]
	if !ok {
		return nil
	}
	day := time.Unix(int64(seconds), 0).UTC().Format(time.DateOnly)
	return &day
}

// count reads the database. The first sign-in is the earlier one of both sources: the metrics know
// today, and the database what is older than the metrics.
func (s Sources) count(ctx context.Context, p *Progress) error {
	var counted *string
	err := s.Database.QueryRow(ctx, `SELECT EXISTS (SELECT FROM platform.tenants AS t WHERE name = $1 AND to_regnamespace(quote_ident(role)) IS NOT NULL),
		(SELECT min(day)::text FROM platform.usage WHERE tenant = $1 AND logins > 0)`, p.Tenant).Scan(&p.Created, &counted)
	if err != nil {
		return databaseError(err)
	}
	if p.FirstSignIn == nil || counted != nil && *counted < *p.FirstSignIn {
		p.FirstSignIn = counted
	}
	if p.FirstSignIn == nil {
		return nil
	}
	var w Week
	err = s.Database.QueryRow(ctx, `SELECT count(*), count(*) FILTER (WHERE requests > 0), coalesce(sum(requests), 0)::bigint, coalesce(sum(logins), 0)::bigint
		FROM platform.usage WHERE tenant = $1 AND day >= $2::date AND day < $2::date + $3::int`, p.Tenant, *p.FirstSignIn, FirstWeek).
		Scan(&w.Days, &w.ActiveDays, &w.Requests, &w.Logins)
	if err == nil && w.Days > 0 {
		p.Week = &w
	}
	return databaseError(err)
}

func databaseError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("the database: %w; connect as the administrator, after an update with tenants (docs/operations.md)", err)
}

// next returns what to do for the first step that is not done.
func (p Progress) next() string {
	switch {
	case p.State != settings.Active:
		return "nothing while it is " + p.State
	case !p.Created:
		return "pulumi up"
	case p.FirstSignIn == nil:
		return "ops tenant welcome, with --link"
	case p.FirstRun == nil && (p.Week == nil || p.Week.Days < FirstWeek):
		return "help with the first run"
	case p.Week == nil || p.Week.Days < FirstWeek:
		return "wait for the end of the first week"
	case p.Feedback == 0:
		return "ask for feedback"
	}
	return "nothing"
}

// ask returns the value of an instant query for each tenant.
func (s Sources) ask(ctx context.Context, query string) (map[string]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(s.Metrics, "/")+"/api/v1/query?query="+url.QueryEscape(query), nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("VictoriaMetrics: %w; first run: kubectl -n monitoring port-forward deploy/victoria-metrics 8428", err)
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	body, err := io.ReadAll(io.LimitReader(response.Body, 16<<20))
	if err != nil {
		return nil, err
	}
	var answer struct {
		Status string `json:"status"`
		Data   struct {
			Result []struct {
				Metric struct {
					Tenant string `json:"tenant"`
				} `json:"metric"`
				Value [2]any `json:"value"`
			} `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Status != "success" {
		return nil, fmt.Errorf("VictoriaMetrics answered %s to a query; is %s its address?", response.Status, s.Metrics)
	}
	out := map[string]float64{}
	for _, r := range answer.Data.Result {
		text, _ := r.Value[1].(string)
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("VictoriaMetrics: the value %q is no number", text)
		}
		out[r.Metric.Tenant] = value
	}
	return out, nil
}
