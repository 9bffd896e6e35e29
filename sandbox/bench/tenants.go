package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/genericcorp/platform/sandbox/engine"
)

// thousand is a stack with as many tenants as asked for. A priced database with the
// disk for a thousand costs more than the limit, so it brings a database of its own.
func thousand(tenants int) string {
	var b strings.Builder
	b.WriteString(`config:
  pulumi:disable-default-providers: ["*"]
  platform:databaseUrl: postgresql://app:bench@db.example.com/app
  platform:databaseCa: none
  platform:settings:
    domain: bench.example.com
    zone: example.com
    email: sre@genericcorp.com
    database: {kind: external, connections: 5000}
    tenants:
`)
	for i := range tenants {
		fmt.Fprintf(&b, "      - name: t%04d\n", i)
	}
	return b.String()
}

// sizes are the numbers of tenants, each ten times the one before.
var sizes = []int{1, 10, 100, 1000}

// Turns are many, as what 90 tenants more take is less than what one run differs
// from the next. They are odd in number, for the median.
const (
	previewTurns = 101
	upTurns      = 9
)

// tenants measures stacks of 1 to 1,000.
func (b bench) tenants() error {
	previews, err := b.tenantPreviews()
	if err != nil {
		return err
	}
	ups, resources, err := b.tenantUpdates()
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, tenantsHead, previewTurns, upTurns)
	preview, up := medians(previews), medians(ups)
	for i, n := range sizes {
		fmt.Fprintf(b.out, "| %d | %d | %.2f s | %d MiB | %.2f s | %d MiB |\n", n, resources[i],
			preview[i].took.Seconds(), preview[i].peak, up[i].took.Seconds(), up[i].peak)
	}
	fmt.Fprintln(b.out, "\n| milliseconds for each tenant more | from 10 to 100 | from 100 to 1,000 | ratio |\n| --- | --- | --- | --- |")
	slope(b.out, "preview", previews)
	slope(b.out, "up", ups)
	return nil
}

const tenantsHead = `The goal: 1,000 in a preview of less than 60 s and 1.5 GB, and from 100 to 1,000 a slope at most 1.3 times that from 10
to 100. Medians of %d previews and %d updates, in turns; a slope is the median of the differences within a turn.

| tenants | resources | preview | largest process | up | largest process |
| --- | --- | --- | --- | --- | --- |
`

// slope prints what each tenant more takes, between the last three sizes.
func slope(out io.Writer, what string, runs [][]cost) {
	last := len(sizes) - 1
	between := func(i int) float64 {
		var more []cost
		for turn := range runs[i] {
			more = append(more, cost{took: runs[i][turn].took - runs[i-1][turn].took})
		}
		return 1000 * median(more).took.Seconds() / float64(sizes[i]-sizes[i-1])
	}
	fmt.Fprintf(out, "| %s | %.2f | %.2f | %.2f |\n", what, between(last-1), between(last), between(last)/between(last-1))
}

func (b bench) tenantStack(n int) (engine.Stack, error) {
	return b.stack(fmt.Sprintf("tenants%d", n), thousand(n), b.tools.Program)
}

func (b bench) tenantPreviews() ([][]cost, error) {
	stacks, out := make([]engine.Stack, len(sizes)), make([][]cost, len(sizes))
	for i, n := range sizes {
		var err error
		if stacks[i], err = b.tenantStack(n); err != nil {
			return nil, err
		}
	}
	for range previewTurns {
		for i, s := range stacks {
			c, err := measure(s.Command("preview"))
			if err != nil {
				return nil, err
			}
			out[i] = append(out[i], c)
		}
	}
	return out, nil
}

func (b bench) tenantUpdates() ([][]cost, []int, error) {
	out, resources := make([][]cost, len(sizes)), make([]int, len(sizes))
	for range upTurns {
		for i, n := range sizes {
			s, err := b.tenantStack(n)
			if err != nil {
				return nil, nil, err
			}
			c, count, err := update(s)
			if err != nil {
				return nil, nil, err
			}
			out[i], resources[i] = append(out[i], c), count
		}
	}
	return out, resources, nil
}

// update measures an update of a new stack, counts what it has then, and forgets it.
func update(s engine.Stack) (cost, int, error) {
	c, err := measure(s.Command("up", "--yes", "--skip-preview"))
	if err != nil {
		return cost{}, 0, err
	}
	out, err := s.Output("stack", "export")
	if err != nil {
		return cost{}, 0, err
	}
	var export struct {
		Deployment struct {
			Resources []json.RawMessage `json:"resources"`
		} `json:"deployment"`
	}
	if err := json.Unmarshal([]byte(out), &export); err != nil {
		return cost{}, 0, err
	}
	return c, len(export.Deployment.Resources), s.Remove()
}
