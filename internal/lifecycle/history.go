// Package lifecycle says which changes of tenants an update may make. It compares
// the stack file with what the last update left, which the stack keeps in its
// outputs. The reconcile Job refuses the same, by what it finds in the database.
package lifecycle

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/genericcorp/platform/internal/settings"
)

// Renamed is the state of a name that its tenant gave up for another one.
const Renamed = "renamed"

// Record is what a stack remembers of a name, also after its entry was deleted.
type Record struct {
	// State is what the last update left: a state of settings.Tenant, or Renamed. An
	// entry that was deleted while active leaves a suspended tenant.
	State string `json:"state"`
	// Declared reports whether the last update found an entry of this name.
	Declared bool `json:"declared,omitempty"`
	// Life counts the tenants that had this name, from 1. Each has another password.
	Life int `json:"life"`
	// Restore and Fresh are the settings that the last update found. They may stay in
	// the stack file after they had their effect.
	Restore bool `json:"restore,omitempty"`
	Fresh   bool `json:"fresh,omitempty"`
	// RenamedFrom is the name that this tenant had before.
	RenamedFrom string `json:"renamedFrom,omitempty"`
}

// History has a record for each name that any update of the stack found.
type History map[string]Record

// Of returns the history of a stack whose first update found these tenants. Names
// that were deleted or purged before are not in it.
func Of(tenants []settings.Tenant) History {
	h := History{}
	for _, t := range tenants {
		h[t.Name] = Record{State: t.State, Declared: true, Life: 1, Restore: t.Restore, Fresh: t.Fresh, RenamedFrom: t.RenamedFrom}
		if t.RenamedFrom != "" {
			h[t.RenamedFrom] = Record{State: Renamed, Life: 1}
		}
	}
	return h
}

// Tenants returns the tenants with their lives filled in.
func (h History) Tenants(tenants []settings.Tenant) []settings.Tenant {
	out := slices.Clone(tenants)
	for i := range out {
		out[i].Life = h[out[i].Name].Life
	}
	return out
}

// Encode returns the history as plain maps, for a stack's outputs.
func (h History) Encode() (map[string]any, error) {
	return convert[map[string]any](h)
}

// Decode reads what Encode returned. It refuses a record without a life.
func Decode(output map[string]any) (History, error) {
	h, err := convert[History](output)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if h[name].Life < 1 || h[name].State == "" {
			return nil, fmt.Errorf("the record of %q has no state or no life", name)
		}
	}
	return h, nil
}

func convert[T any](from any) (T, error) {
	var to T
	text, err := json.Marshal(from)
	if err == nil {
		err = json.Unmarshal(text, &to)
	}
	return to, err
}
