package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/genericcorp/platform/showcase/internal/ops"
	"github.com/genericcorp/platform/showcase/internal/runs"
	"github.com/genericcorp/platform/showcase/internal/site"
)

// Problem is the body of every response with an error (RFC 9457).
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	// Errors are the faults of the request's body, all at once.
	Errors    []Fault `json:"errors,omitempty"`
	RequestID string  `json:"request_id,omitempty"`
}

// Fault is one fault of a body. Pointer is a JSON pointer (RFC 6901).
type Fault struct {
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

// Error implements error.
func (p *Problem) Error() string { return p.Title + ": " + p.Detail }

func problem(status int, kind, title, detail string) *Problem {
	return &Problem{Type: "urn:agenthq:problem:" + kind, Title: title, Status: status, Detail: detail}
}

// Write writes an error as a problem. An error that is no fault of the client is logged, and the
// response does not have its text.
func Write(w http.ResponseWriter, r *http.Request, err error) {
	p := of(err)
	switch p.Status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", strconv.Itoa(5))
	}
	if p.Status >= 500 {
		ops.InfoOf(r.Context()).Err = err
	}
	p.write(w, r)
}

// Refuse writes a problem for a request that does not reach the API.
func Refuse(w http.ResponseWriter, r *http.Request, status int, kind, title string) {
	problem(status, kind, strings.ToUpper(title[:1])+title[1:], "").write(w, r)
}

func (p *Problem) write(w http.ResponseWriter, r *http.Request) {
	p.RequestID = ops.InfoOf(r.Context()).ID
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // a client that is gone needs no response
}

// of returns the problem of an error.
func of(err error) *Problem {
	var p *Problem
	var quota *runs.QuotaError
	switch {
	case errors.As(err, &p):
		copied := *p
		return &copied
	case errors.As(err, &quota):
		return problem(http.StatusForbidden, "quota", "The plan's limit is reached", quota.Error())
	case errors.Is(err, runs.ErrNotFound):
		return problem(http.StatusNotFound, "not-found", "Not found", err.Error())
	case errors.Is(err, runs.ErrFinished):
		return problem(http.StatusConflict, "finished", "The run is finished", "A finished run does not change any more.")
	case errors.Is(err, runs.ErrFull):
		return problem(http.StatusConflict, "full", "The run is full", err.Error())
	case errors.Is(err, runs.ErrKeyReused):
		return problem(http.StatusUnprocessableEntity, "idempotency-key-reused", "The idempotency key was used before", "Use another Idempotency-Key for another request.")
	case site.Full(err):
		return problem(http.StatusForbidden, "storage", "The team is above the storage of its plan", "It can read. Do not try again: nothing is stored until the operator of the service gives the team a larger plan or frees storage.")
	case site.Busy(err):
		return problem(http.StatusServiceUnavailable, "busy", "The service is busy", "Try again in a few seconds.")
	case site.Unstorable(err):
		return problem(http.StatusUnprocessableEntity, "invalid", "The request is not valid", "A value cannot be stored.")
	}
	return problem(http.StatusInternalServerError, "internal", "Internal error", "The request ID is in the log.")
}
