// Package postgres declares DigitalOcean's managed PostgreSQL in a VPC: a database cluster,
// a database, a user for the app, and a firewall that admits one Kubernetes cluster only.
package postgres

import (
	"errors"
	"fmt"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/pgurl"
)

const typeToken = "platform:postgres:Postgres"

// User is the name of the app's role in the database.
const User = "app"

// Args are the arguments of New. Values that the bill depends on are plain; inputs are
// outputs of other resources. All but Tags, Protect and AlertEmail are required.
type Args struct {
	// Region is a region of DigitalOcean, such as "fra1".
	Region string
	// Version is PostgreSQL's major, such as "17". It cannot be lowered later.
	Version string
	// Size is a size of internal/catalog, such as "db-s-1vcpu-1gb". It cannot be lowered
	// later.
	Size string
	// Nodes is the number of nodes, a standby node included: 1 up to the most that Size
	// allows.
	Nodes int
	// MaintenanceDay is a weekday in lower case. MaintenanceHour is "HH:MM" in UTC.
	MaintenanceDay, MaintenanceHour string
	// Tags are set on the database cluster.
	Tags []string
	// Protect refuses deletion. It also keeps the database if the stack is deleted
	// nevertheless.
	Protect bool
	// AlertEmail receives DigitalOcean's alerts of the CPU, the memory and the disk. It must be
	// the verified address of a member of the DigitalOcean team. Empty means no alerts.
	AlertEmail string
	// VPC is the UUID of the network.
	VPC pulumi.StringInput
	// Cluster is the UUID of the only Kubernetes cluster that may connect.
	Cluster pulumi.StringInput
	// PodRange is the range of that cluster's Pods, in CIDR notation.
	PodRange string
}

// Postgres holds the outputs that its clients use.
type Postgres struct {
	pulumi.ResourceState

	// URL is the connection string of User over the private network. Clients check the
	// server's certificate with the file pgurl.CAPath, which must have CA. Secret.
	URL pulumi.StringOutput `pulumi:"url"`
	// Admin is the connection string of the cluster's administrator, to the same database.
	// Secret.
	Admin pulumi.StringOutput `pulumi:"admin"`
	// CA is the certificate authority (PEM) of the server.
	CA pulumi.StringOutput `pulumi:"ca"`
}

// New declares the database. If args are invalid it returns all faults and registers
// nothing.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*Postgres, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("postgres %q: %w", name, err)
	}
	p := &Postgres{}
	if err := ctx.RegisterComponentResourceV2(typeToken, name, args.inputs(), p, opts...); err != nil {
		return nil, fmt.Errorf("postgres %q: register: %w", name, err)
	}
	cluster, err := digitalocean.NewDatabaseCluster(ctx, name, args.cluster(name),
		pulumi.Parent(p), pulumi.Protect(args.Protect), pulumi.RetainOnDelete(args.Protect))
	if err != nil {
		return nil, fmt.Errorf("postgres %q: cluster: %w", name, err)
	}
	if err := args.firewall(ctx, name, cluster, p); err != nil {
		return nil, fmt.Errorf("postgres %q: firewall: %w", name, err)
	}
	if err := args.limits(ctx, name, cluster, p); err != nil {
		return nil, fmt.Errorf("postgres %q: limits: %w", name, err)
	}
	if err := args.alerts(ctx, name, cluster, p); err != nil {
		return nil, fmt.Errorf("postgres %q: %w", name, err)
	}
	database, user, err := args.appDatabase(ctx, name, cluster, p)
	if err != nil {
		return nil, fmt.Errorf("postgres %q: %w", name, err)
	}
	p.URL = connection(cluster, database, user.Name, user.Password)
	p.Admin = connection(cluster, database, cluster.User, cluster.Password)
	p.CA = digitalocean.GetDatabaseCaOutput(ctx, digitalocean.GetDatabaseCaOutputArgs{
		ClusterId: cluster.ID().ToStringOutput(),
	}, pulumi.Parent(p)).Certificate()
	return p, ctx.RegisterResourceOutputs(p, pulumi.Map{"url": p.URL, "admin": p.Admin, "ca": p.CA})
}

// firewall admits one Kubernetes cluster. Without a rule the database is open to the
// Internet, so a database that is kept also keeps its rules. Pods of a VPC-native cluster
// may connect from their own addresses, and DigitalOcean does not say that the rule "k8s"
// covers them: so their range is a second rule (decision 0012).
func (a Args) firewall(ctx *pulumi.Context, name string, cluster *digitalocean.DatabaseCluster, parent pulumi.Resource) error {
	_, err := digitalocean.NewDatabaseFirewall(ctx, name, &digitalocean.DatabaseFirewallArgs{
		ClusterId: cluster.ID(),
		Rules: digitalocean.DatabaseFirewallRuleArray{
			&digitalocean.DatabaseFirewallRuleArgs{Type: pulumi.String("k8s"), Value: a.Cluster},
			&digitalocean.DatabaseFirewallRuleArgs{Type: pulumi.String("ip_addr"), Value: pulumi.String(a.PodRange)},
		},
	}, pulumi.Parent(parent), pulumi.RetainOnDelete(a.Protect), pulumi.Protect(a.Protect))
	return err
}

// limits declares two settings of the server for all roles. Neither needs a restart:
// PostgreSQL applies them when it reloads its configuration. A deletion of the resource
// changes nothing on the server (resource_database_postgres_config.go of
// digitalocean/terraform-provider-digitalocean).
//
// It does not set max_locks_per_transaction: that needs a restart, DigitalOcean cannot lower
// it later, and a tenant can fill a larger table of locks too (docs/tenancy.md).
func (a Args) limits(ctx *pulumi.Context, name string, cluster *digitalocean.DatabaseCluster, parent pulumi.Resource) error {
	size, err := catalog.DatabaseBySize(a.Size)
	if err != nil {
		return err
	}
	_, err = digitalocean.NewDatabasePostgresqlConfig(ctx, name, &digitalocean.DatabasePostgresqlConfigArgs{
		ClusterId: cluster.ID(),
		// KiB for each process. A tenant cannot raise it.
		TempFileLimit: pulumi.Int(size.TempFileMiB() << 10),
		// Milliseconds. It is a default that a session may change. It is for the app's own
		// role; the tenants' roles have their own.
		IdleInTransactionSessionTimeout: pulumi.Int(60_000),
	}, pulumi.Parent(parent), pulumi.RetainOnDelete(a.Protect), pulumi.Protect(a.Protect))
	return err
}

// appDatabase declares the app's database and its user. A protected cluster keeps both,
// because they belong to its data.
func (a Args) appDatabase(ctx *pulumi.Context, name string, cluster *digitalocean.DatabaseCluster, parent pulumi.Resource) (
	*digitalocean.DatabaseDb, *digitalocean.DatabaseUser, error,
) {
	opts := []pulumi.ResourceOption{pulumi.Parent(parent), pulumi.RetainOnDelete(a.Protect), pulumi.Protect(a.Protect)}
	database, err := digitalocean.NewDatabaseDb(ctx, name, &digitalocean.DatabaseDbArgs{
		ClusterId: cluster.ID(), Name: pulumi.String("app"),
	}, opts...)
	if err != nil {
		return nil, nil, fmt.Errorf("database: %w", err)
	}
	user, err := digitalocean.NewDatabaseUser(ctx, name, &digitalocean.DatabaseUserArgs{
		ClusterId: cluster.ID(), Name: pulumi.String(User),
	}, append(opts, pulumi.AdditionalSecretOutputs([]string{"password"}))...)
	if err != nil {
		return nil, nil, fmt.Errorf("user: %w", err)
	}
	return database, user, nil
}

func connection(cluster *digitalocean.DatabaseCluster, database *digitalocean.DatabaseDb, user, password pulumi.StringOutput) pulumi.StringOutput {
	plain := pulumi.All(cluster.PrivateHost, cluster.Port, database.Name, user, password).ApplyT(func(v []any) string {
		return pgurl.URL{Host: v[0].(string), Port: v[1].(int), Database: v[2].(string), User: v[3].(string), Password: v[4].(string)}.Verified().String()
	}).(pulumi.StringOutput)
	return pulumi.ToSecret(plain).(pulumi.StringOutput)
}

func (a Args) cluster(name string) *digitalocean.DatabaseClusterArgs {
	return &digitalocean.DatabaseClusterArgs{
		Name: pulumi.String(name), Engine: pulumi.String("pg"), Version: pulumi.String(a.Version),
		Region: pulumi.String(a.Region), Size: pulumi.String(a.Size), NodeCount: pulumi.Int(a.Nodes),
		PrivateNetworkUuid: a.VPC.ToStringOutput(),
		MaintenanceWindows: digitalocean.DatabaseClusterMaintenanceWindowArray{
			&digitalocean.DatabaseClusterMaintenanceWindowArgs{
				Day: pulumi.String(a.MaintenanceDay), Hour: pulumi.String(a.MaintenanceHour),
			},
		},
		Tags: pulumi.ToStringArray(a.Tags),
	}
}

func (a Args) validate() error {
	var errs []error
	if size, err := catalog.DatabaseBySize(a.Size); err != nil {
		errs = append(errs, fmt.Errorf("size: %w", err))
	} else if a.Nodes < 1 || a.Nodes > size.MaxNodes {
		errs = append(errs, fmt.Errorf("nodes: %d is not between 1 and %d, the most that %s may have", a.Nodes, size.MaxNodes, size.SKU))
	}
	for _, required := range []struct{ path, value string }{
		{"region", a.Region}, {"version", a.Version}, {"podRange", a.PodRange},
		{"maintenanceDay", a.MaintenanceDay}, {"maintenanceHour", a.MaintenanceHour},
	} {
		if required.value == "" {
			errs = append(errs, fmt.Errorf("%s: is missing", required.path))
		}
	}
	if a.VPC == nil {
		errs = append(errs, errors.New("vpc: is missing"))
	}
	if a.Cluster == nil {
		errs = append(errs, errors.New("cluster: is missing; without a trusted cluster the database would be open to the Internet"))
	}
	return errors.Join(errs...)
}

func (a Args) inputs() pulumi.Map {
	return pulumi.Map{
		"region": pulumi.String(a.Region), "version": pulumi.String(a.Version),
		"size": pulumi.String(a.Size), "nodes": pulumi.Int(a.Nodes),
	}
}
