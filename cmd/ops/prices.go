package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/digitalocean/godo"
	"github.com/spf13/cobra"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
)

// today returns the time at which prices are old or not. Tests set it.
var today = time.Now

// pageSize is the most that DigitalOcean returns at once.
const pageSize = 200

func pricesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "prices",
		Short: "Compare the node prices in internal/catalog with DigitalOcean's",
		Long: `Compares the node sizes in internal/catalog with DigitalOcean's of today, and prints the
differences in price, CPUs, memory and regions. It also prints the prices that were read 180 days ago or
earlier. Needs DIGITALOCEAN_ACCESS_TOKEN with the scope sizes:read.`,
		RunE: func(command *cobra.Command, _ []string) error {
			client, err := digitalOcean("sizes:read")
			if err != nil {
				return err
			}
			return prices(command, client, today())
		},
	}
}

func prices(command *cobra.Command, client *godo.Client, now time.Time) error {
	offered, err := sizes(command.Context(), client)
	if err != nil {
		return fmt.Errorf("DigitalOcean's sizes cannot be read: %w", err)
	}
	differences := compare(offered)
	for _, line := range differences {
		command.Println(line)
	}
	command.Printf("%d node sizes compared, %d differences. Databases, load balancers, volumes and the HA control plane have no price API: look at https://www.digitalocean.com/pricing\n",
		len(catalog.Nodes()), len(differences))
	if len(differences) > 0 {
		command.Println("Correct these rows in internal/catalog/nodes.go, and write each as confirmed with today's date.")
	}
	old := oldPrices(now)
	for _, line := range old {
		command.Println(line)
	}
	if len(old) > 0 {
		command.Println("Read these prices again, and write today's date into internal/catalog.")
	}
	if len(differences)+len(old) > 0 {
		return errFound
	}
	return nil
}

// oldPrices returns a line for each price that is too old.
func oldPrices(now time.Time) []string {
	var out []string
	for _, p := range catalog.Prices() {
		if catalog.IsOld(p.AsOf, now) {
			out = append(out, fmt.Sprintf("%s: %s was read on %s, at least %d days ago", p.SKU, p.Unit, p.AsOf, catalog.MaxAgeDays))
		}
	}
	return out
}

// sizes returns all of DigitalOcean's Droplet sizes, by slug.
func sizes(ctx context.Context, client *godo.Client) (map[string]godo.Size, error) {
	out := map[string]godo.Size{}
	for page := 1; ; page++ {
		list, response, err := client.Sizes.List(ctx, &godo.ListOptions{Page: page, PerPage: pageSize})
		if err != nil {
			return nil, err
		}
		for _, size := range list {
			out[size.Slug] = size
		}
		if response.Links == nil || response.Links.IsLastPage() {
			return out, nil
		}
	}
}

// compare returns a line for each difference between the catalogue and DigitalOcean's
// sizes.
func compare(offered map[string]godo.Size) []string {
	var out []string
	for _, node := range catalog.Nodes() {
		size, ok := offered[node.SKU]
		if !ok {
			out = append(out, fmt.Sprintf("%s: no longer offered", node.SKU))
			continue
		}
		if now, ok := budget.FromUSD(size.PriceMonthly); !ok || now != node.Unit {
			out = append(out, fmt.Sprintf("%s: %s in the catalogue (%s), $%.2f at DigitalOcean", node.SKU, node.Unit, node.AsOf, size.PriceMonthly))
		}
		if !size.Available {
			out = append(out, fmt.Sprintf("%s: not available", node.SKU))
		} else if missing := lacking(size.Regions); len(missing) > 0 && !node.PinOnly {
			out = append(out, fmt.Sprintf("%s: not in %s. Make it PinOnly, or take the region out of catalog.Regions", node.SKU, strings.Join(missing, ", ")))
		}
		if size.Vcpus != node.VCPU || size.Memory != node.MemoryMiB {
			out = append(out, fmt.Sprintf("%s: %d vCPU and %d MiB in the catalogue, %d and %d at DigitalOcean", node.SKU, node.VCPU, node.MemoryMiB, size.Vcpus, size.Memory))
		}
	}
	return out
}

// lacking returns the regions of the catalogue that are not in a list. A stack may be in each of
// them, and the plan chooses a size without regard to the region.
func lacking(regions []string) []string {
	return slices.DeleteFunc(slices.Clone(catalog.Regions), func(region string) bool { return slices.Contains(regions, region) })
}
