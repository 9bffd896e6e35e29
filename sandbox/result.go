package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/genericcorp/platform/sandbox/engine"
)

// outputs are the stack's outputs that result prints (stacks/outputs.go).
type outputs struct {
	URL        string            `json:"url"`
	GrafanaURL string            `json:"grafanaUrl"`
	MonthlyUSD string            `json:"monthlyUsd"`
	Bill       map[string]string `json:"bill"`
	Tenants    map[string]string `json:"tenants"`
}

func readOutputs(s engine.Stack) (outputs, error) {
	var o outputs
	text, err := s.Output("stack", "output", "--json")
	if err != nil {
		return o, fmt.Errorf("stack output: %w\n%s", err, text)
	}
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return o, fmt.Errorf("stack output: %w", err)
	}
	return o, nil
}

func (o outputs) printBill(out io.Writer) {
	for _, item := range slices.Sorted(maps.Keys(o.Bill)) {
		fmt.Fprintf(out, "  %-14s %s\n", item, o.Bill[item])
	}
}

// result prints the bill, the URLs and the next commands after an update.
func result(s engine.Stack, out io.Writer) error {
	o, err := readOutputs(s)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s is up, simulated on this machine. On DigitalOcean it costs %s a month:\n", s.Name, o.MonthlyUSD)
	o.printBill(out)
	fmt.Fprintf(out, "URLs, on DigitalOcean:\n  %-14s %s\n  %-14s %s\n", "app", o.URL, "grafana", o.GrafanaURL)
	if len(o.Tenants) > 0 {
		fmt.Fprintln(out, "Tenants:")
	}
	for _, name := range slices.Sorted(maps.Keys(o.Tenants)) {
		fmt.Fprintf(out, "  %-14s %s\n", name, o.Tenants[name])
	}
	fmt.Fprintf(out, `Next:
  make tree STACK=%[1]s      lists the resources
  make preview STACK=%[1]s   shows what an edit of Pulumi.%[1]s.yaml would change
  make down STACK=%[1]s      deletes the stack
`, s.Name)
	return nil
}

func tree(s engine.Stack) error { return s.Pulumi("stack", "--show-urns=false") }
