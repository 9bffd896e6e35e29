// Package adopt compares a DigitalOcean account with a stack's state. It looks for things
// that have the stack's names, and writes a `pulumi import` command for each one that the
// state lacks. Such things are left by a run that was killed, or that lost the answer of
// DigitalOcean. The package changes nothing.
package adopt

import (
	"context"
	"fmt"
	"strings"

	"github.com/digitalocean/godo"
)

// databaseName is the name of the database and of its user, as
// components/postgres declares them.
const databaseName = "app"

// Thing is something in the account that has one of the stack's names.
type Thing struct {
	// What names it for people, for example "VPC platform-demo".
	What string
	// Type is Pulumi's type token for it. Component is the type token of the component
	// that declares it.
	Type, Component string
	// ImportID is the ID that `pulumi import` takes. For databases, users and firewalls
	// it differs from the ID in the state.
	ImportID string
	// inState reports whether an ID in the state is the ID of this thing.
	inState func(id string) bool
}

const (
	clusterComponent  = "platform:cluster:Cluster"
	databaseComponent = "platform:postgres:Postgres"
)

// pageSize is the most that DigitalOcean returns at once.
const pageSize = 200

// Find returns the things in the account that have a name such as "platform-demo": VPC,
// Kubernetes cluster and database cluster. It adds the database, the user and the firewall
// of that database cluster. The error names the list that could not be read.
//
// It does not look for the settings of a database cluster. Every cluster has them, and
// creating them in Pulumi only changes them, so the next update adds them to the state.
func Find(ctx context.Context, client *godo.Client, name string) ([]Thing, error) {
	var out []Thing
	vpcs, err := All(ctx, client.VPCs.List)
	if err != nil {
		return nil, fmt.Errorf("list of VPCs: %w", err)
	}
	for _, vpc := range vpcs {
		if vpc.Name == name {
			out = append(out, withSameID(Thing{
				What: "VPC " + name, Type: "digitalocean:index/vpc:Vpc", Component: clusterComponent, ImportID: vpc.ID,
			}))
		}
	}
	clusters, err := All(ctx, client.Kubernetes.List)
	if err != nil {
		return nil, fmt.Errorf("list of Kubernetes clusters: %w", err)
	}
	for _, cluster := range clusters {
		if cluster.Name == name {
			out = append(out, withSameID(Thing{
				What: "Kubernetes cluster " + name, Type: "digitalocean:index/kubernetesCluster:KubernetesCluster",
				Component: clusterComponent, ImportID: cluster.ID,
			}))
		}
	}
	databases, err := All(ctx, client.Databases.List)
	if err != nil {
		return nil, fmt.Errorf("list of database clusters: %w", err)
	}
	for _, database := range databases {
		if database.Name != name {
			continue
		}
		out = append(out, withSameID(Thing{
			What: "database cluster " + name, Type: "digitalocean:index/databaseCluster:DatabaseCluster",
			Component: databaseComponent, ImportID: database.ID,
		}))
		members, err := findMembers(ctx, client, database.ID)
		if err != nil {
			return nil, err
		}
		out = append(out, members...)
	}
	return out, nil
}

// withSameID returns a thing whose ID in the state is its import ID.
func withSameID(t Thing) Thing {
	t.inState = func(id string) bool { return id == t.ImportID }
	return t
}

// findMembers returns the database, the user and the firewall of a database cluster. The
// sources of digitalocean/terraform-provider-digitalocean (digitalocean/database) document
// their IDs in the state and their import IDs.
func findMembers(ctx context.Context, client *godo.Client, cluster string) ([]Thing, error) {
	var out []Thing
	addMember := func(kind, token string) {
		out = append(out, Thing{
			What: kind + " " + databaseName, Type: token, Component: databaseComponent, ImportID: cluster + "," + databaseName,
			inState: func(id string) bool { return id == cluster+"/"+kind+"/"+databaseName },
		})
	}
	dbs, err := All(ctx, func(ctx context.Context, page *godo.ListOptions) ([]godo.DatabaseDB, *godo.Response, error) {
		return client.Databases.ListDBs(ctx, cluster, page)
	})
	if err != nil {
		return nil, fmt.Errorf("list of databases: %w", err)
	}
	for _, db := range dbs {
		if db.Name == databaseName {
			addMember("database", "digitalocean:index/databaseDb:DatabaseDb")
		}
	}
	users, err := All(ctx, func(ctx context.Context, page *godo.ListOptions) ([]godo.DatabaseUser, *godo.Response, error) {
		return client.Databases.ListUsers(ctx, cluster, page)
	})
	if err != nil {
		return nil, fmt.Errorf("list of database users: %w", err)
	}
	for _, user := range users {
		if user.Name == databaseName {
			addMember("user", "digitalocean:index/databaseUser:DatabaseUser")
		}
	}
	rules, _, err := client.Databases.GetFirewallRules(ctx, cluster)
	if err != nil {
		return nil, fmt.Errorf("list of the database's trusted sources: %w", err)
	}
	if len(rules) > 0 {
		out = append(out, Thing{
			What: "firewall of the database cluster", Type: "digitalocean:index/databaseFirewall:DatabaseFirewall",
			Component: databaseComponent, ImportID: cluster,
			inState: func(id string) bool { return strings.HasPrefix(id, cluster+"-") },
		})
	}
	return out, nil
}

// All returns the items of all pages of a list.
func All[T any](ctx context.Context, list func(context.Context, *godo.ListOptions) ([]T, *godo.Response, error)) ([]T, error) {
	var out []T
	for page := 1; ; page++ {
		items, response, err := list(ctx, &godo.ListOptions{Page: page, PerPage: pageSize})
		if err != nil {
			return nil, err
		}
		out = append(out, items...)
		if response.Links == nil || response.Links.IsLastPage() {
			return out, nil
		}
	}
}
