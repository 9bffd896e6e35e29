package web

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"path"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/genericcorp/platform/showcase/internal/accounts"
	"github.com/genericcorp/platform/showcase/internal/ops"
	"github.com/genericcorp/platform/showcase/internal/runs"
	"github.com/genericcorp/platform/showcase/internal/site"
)

var errNotCounted = &fault{http.StatusNotFound, "Usage by day is not counted on this server."}

// exportUsage returns a handler that sends a month of the team's usage as a file, to an owner. A month
// has 31 lines at most, so the whole file is in memory.
func (a *Web) exportUsage(kind string, encode func([]runs.CountedDay) ([]byte, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s := site.Of(r)
		month, _, faulty := a.months(r)
		var file []byte
		var member accounts.Session
		signedIn := false
		err := s.Tx(r.Context(), func(tx pgx.Tx) (err error) {
			if member, signedIn, err = session(r.Context(), tx, r); err != nil || !signedIn {
				return err
			}
			days, err := usageOf(r.Context(), tx, member, month, faulty)
			if err != nil {
				return err
			}
			file, err = encode(days)
			return err
		})
		switch {
		case err != nil:
			a.failFor(w, r, &member, err)
		case !signedIn:
			http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
		default:
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Content-Disposition", `attachment; filename="usage-`+month.Format(monthForm)+path.Ext(r.URL.Path)+`"`)
			w.Header().Set("Cache-Control", "no-store")
			if _, err := w.Write(file); err == nil {
				a.metrics.Count(s.Tenant.Name, ops.Exported, 1)
			}
		}
	}
}

// usageOf returns the days of a month for an owner. faulty is the fault of the request's month.
func usageOf(ctx context.Context, tx pgx.Tx, member accounts.Session, month time.Time, faulty error) ([]runs.CountedDay, error) {
	if !member.IsOwner() {
		return nil, errOwner
	}
	if faulty != nil {
		return nil, faulty
	}
	days, counts, err := runs.Counted(ctx, tx, month)
	if err == nil && !counts {
		err = errNotCounted
	}
	return days, err
}

// usageJSON returns an array with an object for each day. A value that was not measured is null.
func usageJSON(days []runs.CountedDay) ([]byte, error) {
	type line struct {
		Day string `json:"day"`
		runs.CountedDay
	}
	list := []line{}
	for _, d := range days {
		if d.LastRequest != nil {
			d.LastRequest = new(d.LastRequest.UTC())
		}
		list = append(list, line{d.Day.Format(time.DateOnly), d})
	}
	return json.MarshalIndent(list, "", " ")
}

// usageCSV returns a line for each day, after a line with the names of the columns. A value that was
// not measured is empty.
func usageCSV(days []runs.CountedDay) ([]byte, error) {
	var b bytes.Buffer
	out := csv.NewWriter(&b)
	lines := [][]string{{"day", "requests", "errors", "bytes", "p95_seconds", "last_request", "storage_bytes", "rows", "rows_written", "connections", "logins", "events"}}
	for _, d := range days {
		lines = append(lines, []string{d.Day.Format(time.DateOnly), whole(d.Requests), whole(d.Errors), whole(d.Bytes), written(d.P95, func(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }),
			written(d.LastRequest, func(t time.Time) string { return t.UTC().Format(time.RFC3339) }), whole(d.Storage), whole(d.Rows), whole(d.RowsWritten), whole(d.Connections), whole(d.Logins), whole(d.Events)})
	}
	err := out.WriteAll(lines)
	return b.Bytes(), err
}

func whole(n *int64) string {
	return written(n, func(n int64) string { return strconv.FormatInt(n, 10) })
}

// written returns a cell of a spreadsheet.
func written[T any](n *T, text func(T) string) string {
	if n == nil {
		return ""
	}
	return cell(text(*n))
}
