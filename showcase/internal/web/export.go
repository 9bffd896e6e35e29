package web

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/genericcorp/platform/showcase/internal/ops"
	"github.com/genericcorp/platform/showcase/internal/runs"
	"github.com/genericcorp/platform/showcase/internal/site"
)

const (
	exportBatch = 500    // runs of one transaction
	maxExport   = 20_000 // runs of one file
)

// encoder writes runs to a file.
type encoder interface {
	begin() error
	write(r runs.Run) error
	end() error
}

// export sends the runs of a filter as a file. Each batch has a transaction of its own, so that a
// slow client keeps none open.
func (a *Web) export(w http.ResponseWriter, r *http.Request) {
	var e encoder
	var kind string
	switch r.PathValue("file") {
	case "runs.csv":
		e, kind = csvEncoder{csv.NewWriter(w)}, "text/csv; charset=utf-8"
	case "runs.json":
		e, kind = &jsonEncoder{out: w}, "application/json"
	default:
		a.fail(w, r, errPage)
		return
	}
	s, f := site.Of(r), filter(r.URL.Query())
	f.Limit = exportBatch
	for sent := 0; sent < maxExport; sent += exportBatch {
		list, more, signedIn, err := batch(r, s, f)
		if err != nil || !signedIn {
			a.endExport(w, r, sent > 0, err)
			return
		}
		if sent == 0 {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Content-Disposition", `attachment; filename="`+r.PathValue("file")+`"`)
			w.Header().Set("Cache-Control", "no-store")
			if e.begin() != nil {
				return // the client is gone
			}
		}
		if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(sendLimit)); err != nil {
			panic(http.ErrAbortHandler)
		}
		for _, run := range list {
			if e.write(run) != nil {
				return // the client is gone
			}
		}
		if !more {
			break
		}
		last := list[len(list)-1]
		f.BeforeTime, f.BeforeID = last.StartedAt, last.ID
	}
	if e.end() == nil {
		a.metrics.Count(s.Tenant.Name, ops.Exported, 1)
	}
}

func batch(r *http.Request, s *site.Site, f runs.Filter) (list []runs.Run, more, signedIn bool, err error) {
	err = s.Tx(r.Context(), func(tx pgx.Tx) error {
		if _, signedIn, err = session(r.Context(), tx, r); err != nil || !signedIn {
			return err
		}
		list, more, err = runs.List(r.Context(), tx, f)
		return err
	})
	return list, more, signedIn, err
}

// endExport ends an export that failed. A file that was sent in part is broken off, so that
// a client does not take it for the whole.
func (a *Web) endExport(w http.ResponseWriter, r *http.Request, started bool, err error) {
	switch {
	case started:
		ops.InfoOf(r.Context()).Err = err
		panic(http.ErrAbortHandler)
	case err != nil:
		a.fail(w, r, err)
	default:
		http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
	}
}

// csvEncoder writes a line for each run, after a line with the names of the columns.
type csvEncoder struct{ out *csv.Writer }

func (e csvEncoder) begin() error {
	return e.out.Write([]string{"id", "agent", "title", "model", "status", "error", "cost_usd", "tokens", "events", "started_at", "finished_at"})
}

func (e csvEncoder) write(r runs.Run) error {
	end := ""
	if r.FinishedAt != nil {
		end = r.FinishedAt.UTC().Format(time.RFC3339)
	}
	return e.out.Write([]string{r.ID, cell(r.Agent), cell(r.Title), cell(r.Model), r.Status, cell(r.Error), strconv.FormatFloat(float64(r.CostMicroUSD)/1e6, 'f', 6, 64),
		strconv.FormatInt(r.Tokens, 10), strconv.Itoa(r.Events), r.StartedAt.UTC().Format(time.RFC3339), end})
}

func (e csvEncoder) end() error {
	e.out.Flush()
	return e.out.Error()
}

// cell keeps a spreadsheet from taking a text for a formula.
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

// jsonEncoder writes an array with a line for each run.
type jsonEncoder struct {
	out       io.Writer
	separator string
}

func (e *jsonEncoder) begin() error {
	_, err := io.WriteString(e.out, "[")
	return err
}

func (e *jsonEncoder) write(r runs.Run) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.out, "%s\n%s", e.separator, text)
	e.separator = ","
	return err
}

func (e *jsonEncoder) end() error {
	_, err := io.WriteString(e.out, "\n]\n")
	return err
}
