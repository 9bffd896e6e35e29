package web

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/genericcorp/platform/showcase/internal/runs"
	"github.com/genericcorp/platform/showcase/internal/site"
)

const monthForm = "2006-01"

// months returns the first day of the month that a request asks for, and of the oldest one that it may
// ask for. Without a month it is the current one (UTC).
func (a *Web) months(r *http.Request) (month, oldest time.Time, err error) {
	now := a.clock().UTC()
	current := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	oldest = current.AddDate(0, -runs.KeptMonths, 0)
	text := r.URL.Query().Get("month")
	if text == "" {
		return current, oldest, nil
	}
	month, err = time.Parse(monthForm, text)
	if err != nil || month.After(current) || month.Before(oldest) {
		err = &fault{http.StatusUnprocessableEntity, fmt.Sprintf("The month must be from %s to %s, such as month=%[2]s.", oldest.Format(monthForm), current.Format(monthForm))}
	}
	return month, oldest, err
}

// countedDay is a line of the usage page. A value that was not measured is a dash.
type countedDay struct {
	Day                                                        time.Time
	Requests, Errors, Slow, Sent, Storage, Connections, Logins string
}

// countedMonth is what the platform has counted in a month.
type countedMonth struct {
	// Counts is false if there is no platform that counts.
	Counts bool
	Month  time.Time
	// Previous is the month before. It is empty if that one is not kept.
	Previous string
	// ActiveDays have requests.
	ActiveDays int
	Sums       countedDay
	// Meter is the storage. Its name is empty if that was not measured.
	Meter meter
	Days  []countedDay
}

// summary prepares the days of a month for the page.
func summary(days []runs.CountedDay, month, oldest time.Time, s *site.Site) countedMonth {
	m := countedMonth{Counts: true, Month: month}
	if month.After(oldest) {
		m.Previous = month.AddDate(0, -1, 0).Format(monthForm)
	}
	var requests, failed, sent, logins, most *int64
	for _, d := range days {
		if d.Requests != nil && *d.Requests > 0 {
			m.ActiveDays++
		}
		requests, failed, sent, logins = add(requests, d.Requests), add(failed, d.Errors), add(sent, d.Bytes), add(logins, d.Logins)
		if d.Storage != nil {
			most = new(max(*d.Storage, value(most)))
		}
		m.Days = append(m.Days, countedDay{d.Day, shown(d.Requests, group), shown(d.Errors, group), shown(d.P95, seconds), shown(d.Bytes, mib), shown(d.Storage, mib), shown(d.Connections, group), shown(d.Logins, group)})
	}
	m.Sums = countedDay{Requests: shown(requests, group), Errors: shown(failed, group), Sent: shown(sent, mib), Logins: shown(logins, group)}
	if most != nil {
		m.Meter = measure("Largest storage of the month", *most, s.Limits.StorageMiB<<20, mib)
	}
	return m
}

// add returns a sum. It is nil if no value was measured.
func add(sum, n *int64) *int64 {
	if n == nil {
		return sum
	}
	return new(value(sum) + *n)
}

func value(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

func shown[T any](n *T, text func(T) string) string {
	if n == nil {
		return "–"
	}
	return text(*n)
}

func mib(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

func seconds(n float64) string { return strconv.FormatFloat(n*1000, 'f', 0, 64) + " ms" }
