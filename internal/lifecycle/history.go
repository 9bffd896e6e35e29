// Package lifecycle checks the changes that an update makes to tenants, and to sizes that only
// grow. It compares the stack file with what the last update wrote into the stack's outputs.
//
// A preview uses it, so a change that an update would refuse fails before anything is
// changed. The reconcile Job checks the same against the database.
package lifecycle

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/genericcorp/platform/internal/settings"
)

// Renamed is the state of a name whose tenant has another name now.
const Renamed = "renamed"

// Record is the history of one name. It stays when the name's entry is deleted.
type Record struct {
	// State is the state after the last update: a state of settings.Tenant, or Renamed.
	// When the entry of an active tenant is deleted, its state is suspended.
	State string `json:"state"`
	// Declared is true if the stack file of the last update had an entry of this name.
	Declared bool `json:"declared,omitempty"`
	// Life counts the tenants that had this name, from 1. Each gets a new password, so
	// that the password of a purged tenant does not work for the next one.
	Life int `json:"life"`
	// Restore and Fresh are the entry's settings in the last update. They may stay in
	// the stack file after an update has carried them out.
	Restore bool `json:"restore,omitempty"`
	Fresh   bool `json:"fresh,omitempty"`
	// RenamedFrom is the name that this tenant had before.
	RenamedFrom string `json:"renamedFrom,omitempty"`
}

// History has a record for each name that any update of the stack had, by name.
type History map[string]Record

// Of returns the history of a stack after a first update with these tenants. It lacks
// names that were deleted before.
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

// Tenants returns a copy of the tenants with Life set from their records.
func (h History) Tenants(tenants []settings.Tenant) []settings.Tenant {
	out := slices.Clone(tenants)
	for i := range out {
		out[i].Life = h[out[i].Name].Life
	}
	return out
}

// Encode returns the history as plain maps, for the stack's outputs. Decode reads them.
func (h History) Encode() (map[string]any, error) {
	return convert[map[string]any](h)
}

// Decode reads what Encode returned. A record without a state or a life is an error.
func Decode(output map[string]any) (History, error) {
	h, err := convert[History](output)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if h[name].Life < 1 || h[name].State == "" {
			return nil, fmt.Errorf("the record of the tenant %q in the stack's outputs lacks its state or its life", name)
		}
	}
	return h, nil
}

// convert converts a value to another type by its JSON.
func convert[T any](from any) (T, error) {
	var to T
	text, err := json.Marshal(from)
	if err == nil {
		err = json.Unmarshal(text, &to)
	}
	return to, err
}
