package main

import (
	"context"
	"fmt"

	"github.com/digitalocean/godo"
	"github.com/spf13/cobra"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
)

// pageSize is the most that DigitalOcean returns at once.
const pageSize = 200

func pricesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "prices",
		Short: "Compare the node prices in internal/catalog with DigitalOcean's",
		Long: `Compares the node sizes in internal/catalog with DigitalOcean's of today, and prints the
differences in price, CPUs and memory. Needs DIGITALOCEAN_ACCESS_TOKEN with the scope sizes:read.`,
		RunE: func(command *cobra.Command, _ []string) error {
			client, err := digitalOcean("sizes:read")
			if err != nil {
				return err
			}
			return prices(command, client)
		},
	}
}

func prices(command *cobra.Command, client *godo.Client) error {
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
		return errFound
	}
	return nil
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
		if size.Vcpus != node.VCPU || size.Memory != node.MemoryMiB {
			out = append(out, fmt.Sprintf("%s: %d vCPU and %d MiB in the catalogue, %d and %d at DigitalOcean", node.SKU, node.VCPU, node.MemoryMiB, size.Vcpus, size.Memory))
		}
	}
	return out
}
