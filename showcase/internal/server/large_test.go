package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A replica has about 100 MiB. One that needs more is ended by the kernel, for all tenants.
const largestPage = 4 << 20

// addData adds an event with data to a run.
func (c *client) addData(run, data string) response {
	c.t.Helper()
	return c.send("POST", "/api/v1/runs/"+run+"/events", "application/json", `{"events":[{"kind":"log","message":"x","data":`+data+`}]}`)
}

func TestDataThatGrowsWhenItIsReadIsRefused(t *testing.T) {
	a := start(t)
	c := a.visitor(t)
	agent := a.agent(t, c)
	id := agent.newRun("Small data")
	nested := func(n int) string { return `{"a":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `}` }
	for data, want := range map[string]string{
		nested(64):                "",
		nested(65):                "64 levels",
		nested(8000):              "64 levels",
		`{"a":[1e100,-2.5E-3,7]}`: "",
		`{"a":[` + strings.Repeat("1e131000,", 100) + `1]}`:  "all digits",
		`{"a":[` + strings.Repeat("1E+9000,", 2) + `1]}`:     "all digits",
		`{"a":[` + strings.Repeat("1e-16000,", 2) + `1]}`:    "all digits",
		`{"a":1e99999999999999999999}`:                       "all digits",
		`{"a":[` + strings.Repeat(`"1e131000",`, 9) + `""]}`: "",
	} {
		r := agent.addData(id, data)
		if want == "" {
			assert.Equal(t, http.StatusCreated, r.StatusCode, r.body)
			continue
		}
		assert.Equal(t, http.StatusUnprocessableEntity, r.StatusCode)
		assert.Contains(t, r.body, want)
		assert.Contains(t, r.body, `"pointer":"/events/0/data"`)
	}
	assert.Less(t, len(c.get("/runs/"+id).body), 100<<10)
}

func TestAPageOfLargeEventsIsBoundedAndTheNextPageHasTheRest(t *testing.T) {
	a := start(t)
	c := a.visitor(t)
	agent := a.agent(t, c)
	id := agent.newRun("Large")
	deep := strings.Repeat("[", 62) + strings.Repeat("1,", 7900) + "1" + strings.Repeat("]", 62)
	event := object{"kind": "log", "message": strings.Repeat(`"`, 4000), "data": object{"a": strings.Repeat(`"`, 8000)}}
	for range 4 {
		r := agent.json("POST", "/api/v1/runs/"+id+"/events", object{"events": slices.Repeat([]any{event}, 9)})
		require.Equal(t, http.StatusCreated, r.StatusCode, r.body)
		require.Equal(t, http.StatusCreated, agent.addData(id, `{"a":`+deep+`}`).StatusCode)
	}
	seen := 0
	for path, pages := "/runs/"+id, 0; path != ""; pages++ {
		require.Less(t, pages, 40)
		body := c.get(path).body
		assert.Less(t, len(body), largestPage)
		seen += strings.Count(body, `<li id="event-`)
		_, rest, found := strings.Cut(body, `<a class="button" href="`)
		if path = ""; found {
			path, _, _ = strings.Cut(rest, `"`)
		}
	}
	assert.Equal(t, 40, seen)
	require.Equal(t, http.StatusOK, agent.json("PATCH", "/api/v1/runs/"+id, object{"status": "succeeded"}).StatusCode)
	stream := c.get("/runs/" + id + "/stream").body // it ends with the run
	assert.Equal(t, 40, strings.Count(stream, "event: entry\n"))
	assert.Contains(t, stream, fmt.Sprintf("id: %d\n", 40))
}
