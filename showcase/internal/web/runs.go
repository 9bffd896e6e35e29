package web

import (
	"context"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/genericcorp/platform/showcase/internal/runs"
)

type runList struct {
	Runs   []runs.Run
	Agents []string
	Filter runs.Filter
	// Filtered is true when the list may be empty because of the filter.
	Filtered bool
	Statuses []string
	// Next is the address of the next page. CSV and JSON are those of exports with the same filter.
	Next, CSV, JSON string
	// MaxExport is the number of runs of one export.
	MaxExport int
}

// filter reads a filter from a query. A value that is not valid selects all.
func filter(q url.Values) runs.Filter {
	f := runs.Filter{Agent: clean(q.Get("agent"), 100), Search: clean(q.Get("q"), 100)}
	if status := q.Get("status"); slices.Contains(runs.Statuses, status) {
		f.Status = status
	}
	text, err := base64.RawURLEncoding.DecodeString(q.Get("before"))
	when, id, _ := strings.Cut(string(text), " ")
	if at, parseErr := time.Parse(time.RFC3339Nano, when); err == nil && parseErr == nil {
		f.BeforeTime, f.BeforeID = at, id
	}
	return f
}

// clean makes a text from a URL fit for the database.
func clean(text string, most int) string {
	text = strings.ToValidUTF8(strings.ReplaceAll(strings.TrimSpace(text), "\x00", ""), "")
	if r := []rune(text); len(r) > most {
		return string(r[:most])
	}
	return text
}

func query(f runs.Filter, last *runs.Run) string {
	q := url.Values{}
	for name, value := range map[string]string{"agent": f.Agent, "status": f.Status, "q": f.Search} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if last != nil {
		q.Set("before", base64.RawURLEncoding.EncodeToString([]byte(last.StartedAt.Format(time.RFC3339Nano)+" "+last.ID)))
	}
	return q.Encode()
}

func (a *Web) listRuns(ctx context.Context, q *request) (view, error) {
	f := filter(q.URL.Query())
	list, more, err := runs.List(ctx, q.tx, f)
	if err != nil {
		return view{}, err
	}
	agents, err := runs.Agents(ctx, q.tx)
	if err != nil {
		return view{}, err
	}
	data := runList{Runs: list, Agents: agents, Filter: f, Statuses: runs.Statuses, Filtered: f != runs.Filter{}, MaxExport: maxExport,
		CSV: "/export/runs.csv?" + query(f, nil), JSON: "/export/runs.json?" + query(f, nil)}
	if more {
		data.Next = "/runs?" + query(f, &list[len(list)-1])
	}
	return view{page: "runs", title: "Runs", data: data}, nil
}

// eventsOnPage is the number of events that a page shows at most.
const eventsOnPage = 200

type runPage struct {
	Run    runs.Run
	Events []runs.Event
	// Last is the number of the last event on the page.
	Last int
	// More is the number of the event after which the next page starts; 0 if there is none.
	More int
}

func (a *Web) showRun(ctx context.Context, q *request) (view, error) {
	r, err := runs.Get(ctx, q.tx, q.PathValue("id"))
	if err != nil {
		return view{}, err
	}
	after := number(q.URL.Query().Get("after"))
	events, err := runs.Events(ctx, q.tx, r.ID, after, eventsOnPage)
	if err != nil {
		return view{}, err
	}
	data := runPage{Run: r, Events: events, Last: after}
	if n := len(events); n > 0 {
		data.Last = events[n-1].Seq
		if data.Last < r.Events {
			data.More = data.Last
		}
	}
	return view{page: "run", title: r.Title, data: data}, nil
}
