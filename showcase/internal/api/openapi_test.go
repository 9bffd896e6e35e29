package api

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/internal/runs"
)

// schema is the part of a JSON schema that these tests compare with the code.
type schema struct {
	Properties           map[string]any
	Required             []string
	AdditionalProperties *bool
}

func description(t *testing.T) (paths map[string]map[string]any, schemas map[string]schema) {
	t.Helper()
	var doc struct {
		Paths      map[string]map[string]any
		Components struct{ Schemas map[string]schema }
	}
	require.NoError(t, json.Unmarshal(openAPI, &doc))
	return doc.Paths, doc.Components.Schemas
}

func TestTheDescriptionHasEveryRouteAndNoOther(t *testing.T) {
	var served, described []string
	New(nil).Register(func(pattern string, _ http.HandlerFunc) {
		if strings.Contains(pattern, " /api/v1/") {
			served = append(served, pattern)
		}
	})
	paths, _ := description(t)
	for path, item := range paths {
		for method := range item {
			if method != "parameters" {
				described = append(described, strings.ToUpper(method)+" "+path)
			}
		}
	}
	assert.ElementsMatch(t, served, described)
}

// fields returns the keys of a struct's JSON, and those that are never left out.
func fields(of any) (all, always []string) {
	kind := reflect.TypeOf(of)
	for i := range kind.NumField() {
		name, options, _ := strings.Cut(kind.Field(i).Tag.Get("json"), ",")
		all = append(all, name)
		if options != "omitempty" {
			always = append(always, name)
		}
	}
	return all, always
}

func TestTheDescriptionHasTheFieldsOfEachBody(t *testing.T) {
	_, schemas := description(t)
	requests := map[string]any{"NewRun": newRun{}, "NewEvents": newEvents{}, "NewEvent": newEvent{}, "Finish": patch{}}
	responses := map[string]any{"Run": runs.Run{}, "Problem": Problem{}}
	assert.Len(t, schemas, len(requests)+len(responses))
	for name, body := range requests {
		all, _ := fields(body)
		s := schemas[name]
		assert.ElementsMatch(t, all, keys(s.Properties), name)
		require.NotNil(t, s.AdditionalProperties, name)
		assert.False(t, *s.AdditionalProperties, "%s: an unknown key is refused", name)
	}
	for name, body := range responses {
		all, always := fields(body)
		s := schemas[name]
		assert.ElementsMatch(t, all, keys(s.Properties), name)
		assert.ElementsMatch(t, always, s.Required, name)
	}
	faults := schemas["Problem"].Properties["errors"].(map[string]any)["items"].(map[string]any)["properties"].(map[string]any)
	all, _ := fields(Fault{})
	assert.ElementsMatch(t, all, keys(faults))
	statuses := schemas["Run"].Properties["status"].(map[string]any)["enum"]
	assert.Equal(t, texts(runs.Statuses), statuses)
	assert.Equal(t, texts(runs.Statuses[1:]), schemas["Finish"].Properties["status"].(map[string]any)["enum"])
}

func keys(m map[string]any) []string {
	var out []string
	for name := range m {
		out = append(out, name)
	}
	return slices.Sorted(slices.Values(out))
}

func texts(list []string) []any {
	var out []any
	for _, text := range list {
		out = append(out, text)
	}
	return out
}
