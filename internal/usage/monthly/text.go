package monthly

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/genericcorp/platform/internal/budget"
)

// Formats are the formats of Write.
var Formats = []string{"table", "csv", "json"}

// Write writes the report in one of Formats.
func (r Report) Write(out io.Writer, format string) error {
	switch format {
	case "csv":
		return r.csv(out)
	case "json":
		return r.json(out)
	default:
		return r.table(out)
	}
}

// Cells that have no figure. In CSV a cell is empty if it was not measured.
const (
	unmeasured = "-"
	unknown    = "unknown"
)

func (r Report) table(out io.Writer) error {
	fmt.Fprintf(out, "Usage of %s in %s (UTC)\n\n", r.Stack.Name, r.Month.Format("January 2006"))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "TENANT\tTIER\tREQUESTS\tERRORS\tP95\tSENT\tROWS\tSTORAGE\tLOGINS\tACTIVE DAYS\tCOST\tREVENUE\tMARGIN\tPERCENT\t")
	lines, width := append(slices.Clone(r.Lines), r.Total()), 0
	for _, l := range lines {
		width = max(width, utf8.RuneCountInString(quoted(l.Tenant)))
	}
	for _, l := range lines {
		fmt.Fprintln(w, strings.Join([]string{
			fmt.Sprintf("%-*s", width, quoted(l.Tenant)), text(l.Tier), number(l.Requests), number(l.Errors), millis(l.P95), size(l.Bytes), number(l.Rows), size(l.Storage),
			number(l.Logins), number(l.ActiveDays), l.Cost.String(), money(l.Revenue, "$"), money(l.Margin(), "$"), percent(l.MarginPercent()), "",
		}, "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	for _, note := range r.Notes() {
		fmt.Fprintln(out, note)
	}
	_, err := fmt.Fprintf(out, "%s is what was not measured. docs/usage.md explains the columns.\n", unmeasured)
	return err
}

// quoted returns a text as it is if it is safe in a terminal. Otherwise it escapes it.
func quoted(text string) string {
	for _, r := range text {
		if !strconv.IsPrint(r) {
			return strconv.QuoteToASCII(text)
		}
	}
	return text
}

func text(s string) string {
	if s == "" {
		return unmeasured
	}
	return s
}

func number(n *int64) string {
	if n == nil {
		return unmeasured
	}
	return strconv.FormatInt(*n, 10)
}

// size returns bytes in KiB, or in MiB from 10 MiB on.
func size(n *int64) string {
	switch {
	case n == nil:
		return unmeasured
	case *n < 10<<20:
		return fmt.Sprintf("%.0f KiB", float64(*n)/(1<<10))
	default:
		return fmt.Sprintf("%.0f MiB", float64(*n)/(1<<20))
	}
}

func millis(seconds *float64) string {
	if seconds == nil {
		return unmeasured
	}
	return fmt.Sprintf("%.0f ms", *seconds*1000)
}

// money returns dollars with a sign in front, which may be empty.
func money(c *budget.Cents, sign string) string {
	if c == nil {
		return unknown
	}
	return strings.Replace(c.String(), "$", sign, 1)
}

func percent(p *float64) string {
	if p == nil {
		return unmeasured
	}
	return fmt.Sprintf("%.1f", *p)
}

var columns = []string{
	"tenant", "month", "tier", "requests", "errors", "p95_seconds", "sent_bytes", "rows", "storage_bytes", "logins", "active_days",
	"cost_usd", "revenue_usd", "margin_usd", "margin_percent",
}

func (r Report) csv(out io.Writer) error {
	w := csv.NewWriter(out)
	rows := [][]string{columns}
	for _, l := range r.Lines {
		p95 := ""
		if l.P95 != nil {
			p95 = strconv.FormatFloat(*l.P95, 'f', -1, 64)
		}
		cells := []string{
			number(l.Requests), number(l.Errors), p95, number(l.Bytes), number(l.Rows), number(l.Storage), number(l.Logins), number(l.ActiveDays),
			money(&l.Cost, ""), money(l.Revenue, ""), money(l.Margin(), ""), percent(l.MarginPercent()),
		}
		for i := range cells {
			if cells[i] == unmeasured {
				cells[i] = ""
			}
		}
		rows = append(rows, append([]string{noFormula(l.Tenant), r.Month.Format("2006-01"), l.Tier}, cells...))
	}
	return w.WriteAll(rows)
}

// noFormula puts an apostrophe before a text that a spreadsheet would evaluate.
func noFormula(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r\n", rune(text[0])) {
		return "'" + text
	}
	return text
}

// jsonLine is a tenant in JSON. Null is what was not measured, or is unknown.
type jsonLine struct {
	Tenant        string        `json:"tenant"`
	Tier          string        `json:"tier"`
	Requests      *int64        `json:"requests"`
	Errors        *int64        `json:"errors"`
	P95Seconds    *float64      `json:"p95Seconds"`
	SentBytes     *int64        `json:"sentBytes"`
	Rows          *int64        `json:"rows"`
	StorageBytes  *int64        `json:"storageBytes"`
	Logins        *int64        `json:"logins"`
	ActiveDays    *int64        `json:"activeDays"`
	CostCents     budget.Cents  `json:"costCents"`
	RevenueCents  *budget.Cents `json:"revenueCents"`
	MarginCents   *budget.Cents `json:"marginCents"`
	MarginPercent *float64      `json:"marginPercent"`
	Unknown       string        `json:"revenueUnknown,omitempty"`
}

func (r Report) json(out io.Writer) error {
	lines := make([]jsonLine, len(r.Lines))
	for i, l := range r.Lines {
		lines[i] = jsonLine{
			l.Tenant, l.Tier, l.Requests, l.Errors, l.P95, l.Bytes, l.Rows, l.Storage, l.Logins, l.ActiveDays,
			l.Cost, l.Revenue, l.Margin(), l.MarginPercent(), l.Unknown,
		}
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(struct {
		Stack     string       `json:"stack"`
		Month     string       `json:"month"`
		Over      bool         `json:"over"`
		Counted   int          `json:"countedDays"`
		Measured  int          `json:"measuredDays"`
		BillCents budget.Cents `json:"billCents"`
		Tenants   []jsonLine   `json:"tenants"`
		Notes     []string     `json:"notes"`
	}{
		r.Stack.Name, r.Month.Format("2006-01"), r.Over, r.Counted, r.Measured, r.Stack.Bill, lines, r.Notes(),
	})
}
