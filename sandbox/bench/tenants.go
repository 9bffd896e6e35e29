package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/genericcorp/platform/sandbox/engine"
)

// stackFile returns a stack file with n tenants. It has an external database, because a priced
// one with the disk for 1,000 tenants costs more than the budget.
func stackFile(n int) string {
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
	for i := range n {
		fmt.Fprintf(&b, "      - name: t%04d\n", i)
	}
	return b.String()
}

// sizes are the numbers of tenants that are measured. Each is ten times the one before.
var sizes = []int{1, 10, 100, 1000}

// There are many turns, because 90 more tenants take less time than the difference between two
// runs. The numbers are odd, because median needs that.
const (
	previewTurns = 101
	upTurns      = 9
)

// tenants measures previews and updates of stacks with 1 to 1,000 tenants.
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

// slope writes the time for each additional tenant, between the last three sizes.
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
	return b.stack(fmt.Sprintf("tenants%d", n), stackFile(n), b.tools.Program)
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

// update measures the first update of a stack. It returns the number of resources of the stack,
// and removes the stack without a destroy.
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
