// Package postgres declares the stack's managed PostgreSQL: one cluster in the
// VPC that admits the Kubernetes cluster alone, a database and its user.
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

// User is the application's role.
const User = "app"

// Args are plain where they shape the bill, inputs where another resource makes
// them.
type Args struct {
	// Region and Version (major) cannot go back; Size cannot shrink.
	Region, Version, Size string
	// Nodes counts the standby node too.
	Nodes int
	// MaintenanceDay (lower case) and MaintenanceHour ("HH:MM", UTC).
	MaintenanceDay, MaintenanceHour string
	Tags                            []string
	// Protect refuses deletion, and keeps the database when the stack goes.
	Protect bool
	// VPC is the network's UUID, Cluster that of the only cluster to be admitted, and
	// PodRange (CIDR) where its Pods have their addresses.
	VPC      pulumi.StringInput
	Cluster  pulumi.StringInput
	PodRange string
}

// Postgres holds the outputs that its clients use.
type Postgres struct {
	pulumi.ResourceState

	// URL connects as the application's user over the private network, checking
	// the server's certificate against pgurl.CAPath. Secret.
	URL pulumi.StringOutput `pulumi:"url"`
	// Admin connects as the cluster's administrator, to the same database. Secret.
	Admin pulumi.StringOutput `pulumi:"admin"`
	// CA is the certificate authority, PEM.
	CA pulumi.StringOutput `pulumi:"ca"`
}

// New declares the database; invalid args register nothing.
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

// firewall admits one Kubernetes cluster: without a rule the database is open to
// the Internet, so a database that stays keeps its rule. Pods of a VPC-native
// cluster may come with addresses of their own, and no text says that the rule
// "k8s" covers them: their range is a second rule (decision 0012).
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

// limits are settings of the server that hold for every role. Neither needs a restart:
// PostgreSQL takes both when it reads its configuration again. A deletion leaves them
// as they are (resource_database_postgres_config.go of
// digitalocean/terraform-provider-digitalocean).
//
// max_locks_per_transaction is left alone: it needs a restart, DigitalOcean never
// lowers it again, and a tenant fills a larger table of locks too (docs/tenancy.md).
func (a Args) limits(ctx *pulumi.Context, name string, cluster *digitalocean.DatabaseCluster, parent pulumi.Resource) error {
	size, err := catalog.DatabaseBySize(a.Size)
	if err != nil {
		return err
	}
	_, err = digitalocean.NewDatabasePostgresqlConfig(ctx, name, &digitalocean.DatabasePostgresqlConfigArgs{
		ClusterId: cluster.ID(),
		// KiB for each process. No tenant can lift it.
		TempFileLimit: pulumi.Int(size.TempFileMiB() << 10),
		// Milliseconds. A default, for the app's own role above all: a session may set
		// another value. The tenants' roles have their own.
		IdleInTransactionSessionTimeout: pulumi.Int(60_000),
	}, pulumi.Parent(parent), pulumi.RetainOnDelete(a.Protect), pulumi.Protect(a.Protect))
	return err
}

// tenancy is the application's database and the user that connects to it. They
// stay with a protected cluster, whose data they name.
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
		errs = append(errs, fmt.Errorf("nodes: %d is not between 1 and %d, which is what %s may have", a.Nodes, size.MaxNodes, size.SKU))
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
		errs = append(errs, errors.New("cluster: is missing; without it the database would be open to the Internet"))
	}
	return errors.Join(errs...)
}

func (a Args) inputs() pulumi.Map {
	return pulumi.Map{
		"region": pulumi.String(a.Region), "version": pulumi.String(a.Version),
		"size": pulumi.String(a.Size), "nodes": pulumi.Int(a.Nodes),
	}
}
