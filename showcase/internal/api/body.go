package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/genericcorp/platform/showcase/internal/runs"
)

// The limits of a request. openapi.json repeats them.
const (
	maxBody    = 256 << 10 // bytes
	maxBatch   = 100       // events
	maxName    = 100       // characters of an agent, a model and a kind
	maxTitle   = 200       // characters
	maxMessage = 4000      // characters of a message and an error
	maxData    = 16 << 10  // bytes of an event's data, also with all digits of its numbers
	maxDepth   = 64        // levels of an event's data
	maxAmount  = 1_000_000_000_000
)

// read returns the body of a request with a JSON body.
func read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, problem(http.StatusUnsupportedMediaType, "media-type", "Unsupported media type", "Send Content-Type: application/json.")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, problem(http.StatusRequestEntityTooLarge, "too-large", "The body is too large", fmt.Sprintf("A body may have %d bytes.", maxBody))
	case err != nil:
		return nil, problem(http.StatusBadRequest, "body", "The body ended early", "Send the whole body within 15 seconds.")
	case !utf8.Valid(body):
		return nil, problem(http.StatusBadRequest, "json", "The body is not JSON", "The body is not UTF-8.")
	}
	return body, nil
}

// decode parses a body. A key that is not known is a fault, because it is probably misspelled.
func decode(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil && d.More() {
		err = errors.New("there is text after the object")
	}
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind):
		return invalid([]Fault{{"/" + strings.ReplaceAll(kind.Field, ".", "/"), "has the wrong type: " + kind.Value}})
	case err != nil:
		return problem(http.StatusBadRequest, "json", "The body is not the JSON that is expected", strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

func invalid(faults []Fault) *Problem {
	p := problem(http.StatusUnprocessableEntity, "invalid", "The request is not valid", "See errors.")
	p.Errors = faults
	return p
}

// check collects the faults of a body.
type check struct{ faults []Fault }

func (c *check) add(pointer, format string, args ...any) {
	c.faults = append(c.faults, Fault{pointer, fmt.Sprintf(format, args...)})
}

func (c *check) err() error {
	if len(c.faults) == 0 {
		return nil
	}
	return invalid(c.faults)
}

func (c *check) text(pointer, text string, required bool, most int) {
	switch {
	case required && strings.TrimSpace(text) == "":
		c.add(pointer, "is required")
	case utf8.RuneCountInString(text) > most:
		c.add(pointer, "may have %d characters", most)
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' }):
		c.add(pointer, "has a control character")
	}
}

func (c *check) when(pointer string, t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	if now := time.Now(); t.After(now.Add(5*time.Minute)) || t.Before(now.AddDate(-1, 0, 0)) {
		c.add(pointer, "is in the future, or more than a year ago")
	}
	return *t
}

func (c *check) amount(pointer string, n int64) {
	if n < 0 || n > maxAmount {
		c.add(pointer, "is not a number from 0 to %d", int64(maxAmount))
	}
}

// newRun is the body of POST /api/v1/runs.
type newRun struct {
	Agent     string     `json:"agent"`
	Title     string     `json:"title"`
	Model     string     `json:"model"`
	StartedAt *time.Time `json:"started_at"`
}

func (n newRun) run() (runs.Run, error) {
	var c check
	c.text("/agent", n.Agent, true, maxName)
	c.text("/title", n.Title, true, maxTitle)
	c.text("/model", n.Model, false, maxName)
	started := c.when("/started_at", n.StartedAt)
	return runs.Run{Agent: n.Agent, Title: n.Title, Model: n.Model, StartedAt: started}, c.err()
}

// newEvents is the body of POST /api/v1/runs/{id}/events.
type newEvents struct {
	Events []newEvent `json:"events"`
}

type newEvent struct {
	Kind         string          `json:"kind"`
	Message      string          `json:"message"`
	At           *time.Time      `json:"at"`
	Data         json.RawMessage `json:"data"`
	CostMicroUSD int64           `json:"cost_microusd"`
	Tokens       int64           `json:"tokens"`
}

func (n newEvents) list() ([]runs.Event, error) {
	var c check
	if len(n.Events) == 0 || len(n.Events) > maxBatch {
		c.add("/events", "needs 1 to %d events", maxBatch)
		return nil, c.err()
	}
	var out []runs.Event
	for i, e := range n.Events {
		at := fmt.Sprintf("/events/%d", i)
		c.text(at+"/kind", e.Kind, true, maxName)
		c.text(at+"/message", e.Message, true, maxMessage)
		c.amount(at+"/cost_microusd", e.CostMicroUSD)
		c.amount(at+"/tokens", e.Tokens)
		c.data(at+"/data", e.Data)
		out = append(out, runs.Event{At: c.when(at+"/at", e.At), Kind: e.Kind, Message: e.Message, Data: e.Data, CostMicroUSD: e.CostMicroUSD, Tokens: e.Tokens})
	}
	return out, c.err()
}

func (c *check) data(pointer string, data json.RawMessage) {
	switch {
	case len(data) > maxData:
		c.add(pointer, "may have %d bytes", maxData)
	case data != nil && data[0] != '{':
		c.add(pointer, "is not an object")
	case bytes.Contains(data, []byte(`\u0000`)):
		c.add(pointer, `has the character \u0000, which cannot be stored`)
	default:
		c.written(pointer, data)
	}
}

// written checks how large data is when it is read. PostgreSQL writes the digits of a number without an
// exponent, so 1e100000 becomes 100,000 bytes, and a page indents each level.
func (c *check) written(pointer string, data json.RawMessage) {
	size, depth := len(data), 0
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil { // the end: data is valid JSON
			return
		}
		switch t := token.(type) {
		case json.Delim:
			if depth++; t == '}' || t == ']' {
				depth -= 2
			}
		case json.Number:
			size += exponent(t)
		}
		if size > maxData {
			c.add(pointer, "may have %d bytes, with all digits of its numbers", maxData)
			return
		}
		if depth > maxDepth {
			c.add(pointer, "may have %d levels", maxDepth)
			return
		}
	}
}

// exponent returns the exponent of a number without its sign. Above maxData it may be any number above
// maxData.
func exponent(n json.Number) int {
	_, text, found := strings.Cut(strings.ToLower(n.String()), "e")
	if !found {
		return 0
	}
	e, err := strconv.Atoi(text)
	if err != nil || e > maxData || e < -maxData {
		return maxData + 1
	}
	return max(e, -e)
}

// patch is the body of PATCH /api/v1/runs/{id}.
type patch struct {
	Status string `json:"status"`
	Error  string `json:"error"`
}

func (p patch) check() error {
	var c check
	if final := runs.Statuses[1:]; !slices.Contains(final, p.Status) {
		c.add("/status", "is not one of %s", strings.Join(final, ", "))
	}
	c.text("/error", p.Error, false, maxMessage)
	if p.Error != "" && p.Status != runs.Failed {
		c.add("/error", "is for the status failed only")
	}
	return c.err()
}
