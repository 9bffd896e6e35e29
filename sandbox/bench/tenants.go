package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// thousand is a stack with as many tenants as asked for. DigitalOcean's databases
// that are priced here admit 197 connections, so it brings a database of its own.
func thousand(tenants int) string {
	var b strings.Builder
	b.WriteString(`config:
  pulumi:disable-default-providers: ["*"]
  platform:databaseUrl: postgresql://app:bench@db.example.com/app
  platform:databaseCa: none
  platform:settings:
    domain: bench.example.com
    zone: example.com
    email: sre@example.com
    database: {kind: external, connections: 5000}
    tenants:
`)
	for i := range tenants {
		fmt.Fprintf(&b, "      - name: t%04d\n", i)
	}
	return b.String()
}

// tenants measures stacks of 1 to 1,000.
func (b bench) tenants() error {
	fmt.Println("\n## Tenants\n\nThe goal: 1,000 in a preview of less than 60 s and 1.5 GB, and from 100 to 1,000 a slope at most 1.3 times that from 10\nto 100.")
	fmt.Println("| tenants | resources | preview | largest process | up | largest process |\n| --- | --- | --- | --- | --- | --- |")
	took := map[int][2]float64{}
	for _, n := range []int{1, 10, 100, 1000} {
		s, err := b.stack(fmt.Sprintf("tenants%d", n), thousand(n), b.tools.Program)
		if err != nil {
			return err
		}
		var costs []cost
		for range 3 {
			c, err := measure(s.Command("preview"))
			if err != nil {
				return err
			}
			costs = append(costs, c)
		}
		preview := median(costs)
		up, err := measure(s.Command("up", "--yes", "--skip-preview"))
		if err != nil {
			return err
		}
		out, err := s.Output("stack", "export")
		if err != nil {
			return err
		}
		var export struct {
			Deployment struct {
				Resources []json.RawMessage `json:"resources"`
			} `json:"deployment"`
		}
		if err := json.Unmarshal([]byte(out), &export); err != nil {
			return err
		}
		took[n] = [2]float64{preview.took.Seconds(), up.took.Seconds()}
		fmt.Printf("| %d | %d | %.1f s | %d MiB | %.1f s | %d MiB |\n", n, len(export.Deployment.Resources),
			preview.took.Seconds(), preview.peak, up.took.Seconds(), up.peak)
	}
	each := func(from, to, what int) float64 {
		return 1000 * (took[to][what] - took[from][what]) / float64(to-from)
	}
	fmt.Printf("\nMilliseconds for each tenant more: preview %.1f from 10 to 100 and %.1f from 100 to 1,000; up %.1f and %.1f.\n",
		each(10, 100, 0), each(100, 1000, 0), each(10, 100, 1), each(100, 1000, 1))
	return nil
}
