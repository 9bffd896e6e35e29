package server_test

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// field is a path of keys of a body, with a value.
func field(body object, path []string, value any) object {
	out := maps.Clone(body)
	if len(path) == 1 {
		out[path[0]] = value
		return out
	}
	events := out[path[0]].([]any)
	out[path[0]] = []any{field(events[0].(object), path[1:], value)}
	return out
}

func TestEachLimitOfTheDescriptionIsTheLastValueThatIsAccepted(t *testing.T) {
	a := start(t)
	agent := a.agent(t, a.owner(t))
	event := object{"kind": "log", "message": "m"}
	checked := 0
	for name, request := range map[string]struct {
		call func(object) response
		body object
		path []string
	}{
		"NewRun":    {func(b object) response { return agent.json("POST", "/api/v1/runs", b) }, object{"agent": "a", "title": "t"}, nil},
		"NewEvents": {func(b object) response { return agent.json("POST", "/api/v1/runs/"+agent.newRun("E")+"/events", b) }, object{"events": []any{event}}, nil},
		"NewEvent":  {func(b object) response { return agent.json("POST", "/api/v1/runs/"+agent.newRun("E")+"/events", b) }, object{"events": []any{event}}, []string{"events"}},
		"Finish":    {func(b object) response { return agent.json("PATCH", "/api/v1/runs/"+agent.newRun("E"), b) }, object{"status": "failed"}, nil},
	} {
		s := follow(openAPI(), "components", "schemas", name)
		required, _ := s["required"].([]any)
		for key := range follow(s, "properties") {
			p := follow(s, "properties", key)
			try := func(value any, want bool) {
				checked++
				r := request.call(field(request.body, append(slices.Clone(request.path), key), value))
				assert.Equal(t, want, r.StatusCode < 300, "%s.%s: %s", name, key, r.body)
				if !want {
					assert.Equal(t, http.StatusUnprocessableEntity, r.StatusCode, "%s.%s", name, key)
					assert.Regexp(t, `"pointer":"/(events/0/)?`+key+`"`, r.body)
				}
			}
			if n, ok := p["maxLength"].(float64); ok {
				try(strings.Repeat("é", int(n)), true)
				try(strings.Repeat("é", int(n)+1), false)
			}
			if n, ok := p["maximum"].(float64); ok {
				try(int(n), true)
				try(int(n)+1, false)
				try(int(p["minimum"].(float64)), true)
				try(int(p["minimum"].(float64))-1, false)
			}
			if n, ok := p["maxItems"].(float64); ok {
				try(slices.Repeat([]any{event}, int(n)), true)
				try(slices.Repeat([]any{event}, int(n)+1), false)
				try([]any{}, false)
			}
			if list, ok := p["enum"].([]any); ok {
				for _, value := range list {
					try(value, true)
				}
				try("running", false)
			}
			if slices.Contains(required, any(key)) {
				try(nil, false)
			}
		}
	}
	assert.Greater(t, checked, 25)

	most := number(t, follow(openAPI(), "components", "schemas", "NewEvent", "properties", "data"), `at most (\d+) bytes`)
	for more, want := range map[int]int{0: http.StatusCreated, 1: http.StatusUnprocessableEntity} {
		data := object{"a": strings.Repeat("x", most-len(`{"a":""}`)+more)}
		r := agent.json("POST", "/api/v1/runs/"+agent.newRun("Data")+"/events", object{"events": []any{object{"kind": "log", "message": "m", "data": data}}})
		assert.Equal(t, want, r.StatusCode, r.body)
	}
	most = number(t, follow(openAPI(), "components", "responses", "TooLarge"), `more than (\d+) bytes`)
	for more, want := range map[int]int{0: http.StatusCreated, 1: http.StatusRequestEntityTooLarge} {
		body := `{"agent":"a","title":"t"}`
		body += strings.Repeat(" ", most-len(body)+more)
		assert.Equal(t, want, agent.send("POST", "/api/v1/runs", "application/json", body).StatusCode)
	}
	most = number(t, follow(openAPI(), "paths", "/api/v1/runs/{id}/events", "post"), `A run may have (\d+) events`)
	id := agent.newRun("Long")
	a.postgres.Run(t, "UPDATE tenant_beta.runs SET events = "+strconv.Itoa(most-1)+" WHERE id = '"+id+"'")
	for _, want := range []int{http.StatusCreated, http.StatusConflict} {
		assert.Equal(t, want, agent.json("POST", "/api/v1/runs/"+id+"/events", object{"events": []any{event}}).StatusCode)
	}
}

// number returns the number in a description.
func number(t *testing.T, of object, pattern string) int {
	t.Helper()
	match := regexp.MustCompile(pattern).FindStringSubmatch(of["description"].(string))
	require.NotNil(t, match, of)
	n, err := strconv.Atoi(match[1])
	require.NoError(t, err)
	return n
}
