package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/genericcorp/platform/sandbox/demo"
	"github.com/genericcorp/platform/sandbox/load"
)

func TestLoadLimitsNamesTheNumberOfPeopleThatReachedEachFirst(t *testing.T) {
	run := func(people, limited, failures int, p95 float64, peak int64) demo.LoadRun {
		r := demo.LoadRun{Peak: map[string]int64{"app": peak, "pooler": 1}, Limit: map[string]int64{"app": 100, "pooler": 100}}
		r.People, r.P95People = people, p95
		r.Total = load.Page{Limited: limited, Failures: failures}
		return r
	}
	out := loadLimits([]demo.LoadRun{run(100, 0, 0, 299, 10), run(200, 5, 0, 300, 89), run(400, 9, 0, 900, 90)})
	assert.Equal(t, `
What was reached first:

- the rate limit of a plan (429): with 200 people
- a failed request: not with 400 people
- a p95 of 300 ms: with 200 people
- nine tenths of a container's memory limit: with 400 people
`, out)
}
