package adopt

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// State has the parts of the output of `pulumi stack export` that this package uses.
type State struct {
	Deployment struct {
		Resources []Resource `json:"resources"`
		// PendingOperations are left by a run that was killed.
		PendingOperations []struct {
			Resource Resource `json:"resource"`
			Type     string   `json:"type"`
		} `json:"pending_operations"`
	} `json:"deployment"`
}

// Resource is a resource in the state.
type Resource struct {
	URN  string `json:"urn"`
	ID   string `json:"id"`
	Type string `json:"type"`
	// Delete is true for a resource that was replaced and waits for its deletion.
	Delete bool `json:"delete"`
}

// ParseState parses the output of `pulumi stack export`.
func ParseState(data []byte) (State, error) {
	var s State
	if err := json.Unmarshal(data, &s); err != nil {
		return State{}, fmt.Errorf("`pulumi stack export` did not print a state in JSON: %w", err)
	}
	return s, nil
}

// named returns the resource of a type and logical name. It ignores resources that wait
// for their deletion.
func (s State) named(token, name string) (Resource, bool) {
	at := slices.IndexFunc(s.Deployment.Resources, func(r Resource) bool {
		return r.Type == token && !r.Delete && strings.HasSuffix(r.URN, "::"+name)
	})
	if at < 0 {
		return Resource{}, false
	}
	return s.Deployment.Resources[at], true
}

// HasID reports whether a resource of the state has an ID.
func (s State) HasID(id string) bool {
	return slices.ContainsFunc(s.Deployment.Resources, func(r Resource) bool { return r.ID == id })
}

// pendingCreates returns the URNs of the resources that a killed run was creating.
func (s State) pendingCreates() []string {
	var out []string
	for _, operation := range s.Deployment.PendingOperations {
		if operation.Type == "creating" {
			out = append(out, operation.Resource.URN)
		}
	}
	return out
}
