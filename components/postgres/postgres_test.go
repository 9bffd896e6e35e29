package postgres_test

import (
	"net/url"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/components/postgres"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

func args() postgres.Args {
	return postgres.Args{
		Region: "fra1", Version: "17", Size: "db-s-1vcpu-1gb", Nodes: 1, MaintenanceDay: "sunday", MaintenanceHour: "03:00",
		VPC: pulumi.String("vpc"), Cluster: pulumi.String("cluster"), PodRange: "10.100.0.0/16",
	}
}

func TestPostgres(t *testing.T) {
	r := pulumitest.Component{
		Packages: []string{"digitalocean"},
		Good: func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
			_, err := postgres.New(ctx, "test", args(), opts...)
			return err
		},
		Bad: func(ctx *pulumi.Context) error {
			_, err := postgres.New(ctx, "test", postgres.Args{Size: "huge"})
			return err
		},
		Faults: []string{"size:", "region:", "version:", "vpc:", "cluster:", "podRange:", "maintenanceDay:"},
		Type:   "platform:postgres:Postgres", Custom: 5,
	}.Check(t)
	firewall, ok := r.Find("digitalocean:index/databaseFirewall:DatabaseFirewall", "test")
	require.True(t, ok)
	assert.Equal(t, []any{
		map[string]any{"type": "k8s", "value": "cluster"}, map[string]any{"type": "ip_addr", "value": "10.100.0.0/16"},
	}, firewall.Inputs["rules"], "the cluster, its Pods, and no other source")
	limits, ok := r.Find("digitalocean:index/databasePostgresqlConfig:DatabasePostgresqlConfig", "test")
	require.True(t, ok)
	assert.EqualValues(t, 1<<20, limits.Inputs["tempFileLimit"], "1 GiB of 10, in KiB")
	assert.EqualValues(t, 60_000, limits.Inputs["idleInTransactionSessionTimeout"], "milliseconds")
}

func TestAlertEmailAddsThreeAlertsThatAProtectedStackDoesNotKeep(t *testing.T) {
	a := args()
	a.AlertEmail, a.Protect = "sre@genericcorp.com", true
	r := pulumitest.Component{
		Packages: []string{"digitalocean"},
		Good: func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
			_, err := postgres.New(ctx, "test", a, opts...)
			return err
		},
		Bad: func(ctx *pulumi.Context) error {
			_, err := postgres.New(ctx, "test", postgres.Args{})
			return err
		},
		Type: "platform:postgres:Postgres", Custom: 8,
	}.Check(t)
	for name, want := range map[string][]any{
		"test-cpu": {"v1/dbaas/alerts/cpu_alerts", 90.0}, "test-memory": {"v1/dbaas/alerts/memory_utilization_alerts", 90.0},
		"test-disk": {"v1/dbaas/alerts/disk_utilization_alerts", 80.0},
	} {
		alert, ok := r.Find("digitalocean:index/monitorAlert:MonitorAlert", name)
		require.True(t, ok, name)
		assert.Equal(t, want, []any{alert.Inputs["type"], alert.Inputs["value"]})
		assert.Equal(t, map[string]any{"emails": []any{"sre@genericcorp.com"}}, alert.Inputs["alerts"])
		assert.False(t, alert.Protect || alert.Retain, name)
	}
}

func TestNewRefusesMoreNodesThanTheSizeAllows(t *testing.T) {
	a := args()
	a.Nodes = 2
	r := &pulumitest.Recorder{}
	err := pulumitest.Run(r, "test", nil, func(ctx *pulumi.Context) error {
		_, err := postgres.New(ctx, "test", a)
		return err
	})
	assert.ErrorContains(t, err, "nodes: 2 is not between 1 and 1")
	assert.Empty(t, r.Registrations())
}

func TestURLUsesThePrivateHostAndVerifiesTheServer(t *testing.T) {
	var text string
	secret := false
	require.NoError(t, pulumitest.Run(&pulumitest.Recorder{}, "test", nil, func(ctx *pulumi.Context) error {
		p, err := postgres.New(ctx, "test", args())
		if err != nil {
			return err
		}
		secret = pulumi.IsSecret(p.URL)
		done := make(chan struct{})
		p.URL.ApplyT(func(u string) string { text = u; close(done); return u })
		<-done
		return nil
	}))
	u, err := url.Parse(text)
	require.NoError(t, err)
	assert.True(t, secret)
	assert.Regexp(t, "^private-", u.Hostname())
	assert.Equal(t, "25060", u.Port())
	assert.Equal(t, "/app", u.Path)
	assert.Equal(t, "app", u.User.Username())
	assert.Equal(t, "verify-full", u.Query().Get("sslmode"))
	assert.Equal(t, "/etc/postgres/ca.crt", u.Query().Get("sslrootcert"))
}
