// Command prices compares the catalogue's node prices with what DigitalOcean
// says today, and prints what differs. It needs a token that may read sizes.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/digitalocean/godo"
	"golang.org/x/oauth2"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
)

// Exit statuses.
const (
	exitSame   = 0
	exitDiffer = 1
	exitFailed = 2
)

// pageSize is the most that DigitalOcean returns at once.
const pageSize = 200

func main() {
	client, err := newClient(os.Getenv("DIGITALOCEAN_TOKEN"), "")
	if err != nil {
		fmt.Fprintln(os.Stderr, "prices:", err)
		os.Exit(exitFailed)
	}
	os.Exit(run(context.Background(), client, os.Stdout, os.Stderr))
}

// newClient talks to DigitalOcean, or to another address in tests. It waits and
// tries again when it is told that it asks too often.
func newClient(token, address string) (*godo.Client, error) {
	if token == "" {
		return nil, errors.New("DIGITALOCEAN_TOKEN is not set; make a token with the scope sizes:read at https://cloud.digitalocean.com/account/api/tokens")
	}
	options := []godo.ClientOpt{godo.WithRetryAndBackoffs(godo.RetryConfig{RetryMax: 4})}
	if address != "" {
		options = append(options, godo.SetBaseURL(address))
	}
	source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})
	return godo.New(oauth2.NewClient(context.Background(), source), options...)
}

func run(ctx context.Context, client *godo.Client, out, errs io.Writer) int {
	offered, err := sizes(ctx, client)
	if err != nil {
		fmt.Fprintln(errs, "prices: DigitalOcean's sizes cannot be read:", err)
		return exitFailed
	}
	differences := compare(offered)
	for _, line := range differences {
		fmt.Fprintln(out, line)
	}
	fmt.Fprintf(out, "%d node sizes compared, %d differ. Databases, load balancers, volumes and the HA control plane have no price API: look at https://www.digitalocean.com/pricing\n",
		len(catalog.Nodes()), len(differences))
	if len(differences) > 0 {
		fmt.Fprintln(out, "mend internal/catalog/nodes.go, with today as the date of the rows")
		return exitDiffer
	}
	return exitSame
}

// sizes are all pages of what DigitalOcean offers, by slug.
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

// compare says of each row what is not so any more.
func compare(offered map[string]godo.Size) []string {
	var out []string
	for _, node := range catalog.Nodes() {
		size, ok := offered[node.SKU]
		if !ok {
			out = append(out, fmt.Sprintf("%s: no longer offered", node.SKU))
			continue
		}
		if now, ok := budget.FromUSD(size.PriceMonthly); !ok || now != node.Unit {
			out = append(out, fmt.Sprintf("%s: %s here (%s), $%.2f there", node.SKU, node.Unit, node.AsOf, size.PriceMonthly))
		}
		if size.Vcpus != node.VCPU || size.Memory != node.MemoryMiB {
			out = append(out, fmt.Sprintf("%s: %d vCPU and %d MiB here, %d and %d there", node.SKU, node.VCPU, node.MemoryMiB, size.Vcpus, size.Memory))
		}
	}
	return out
}
