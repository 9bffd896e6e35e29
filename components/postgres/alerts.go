package postgres

import (
	"fmt"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// alertWindow is how long a value must be too high. It is long, because a backup or a large query
// may use all of a small CPU for some minutes.
const alertWindow = "30m"

// alerts declares an alert for each resource that the database can run out of. They belong to no
// data, so they are deleted with the stack even if the database is kept.
func (a Args) alerts(ctx *pulumi.Context, name string, cluster *digitalocean.DatabaseCluster, parent pulumi.Resource) error {
	if a.AlertEmail == "" {
		return nil
	}
	for _, alert := range []struct {
		of, kind string
		percent  int
	}{
		{"cpu", "v1/dbaas/alerts/cpu_alerts", 90},
		{"memory", "v1/dbaas/alerts/memory_utilization_alerts", 90},
		{"disk", "v1/dbaas/alerts/disk_utilization_alerts", 80},
	} {
		_, err := digitalocean.NewMonitorAlert(ctx, name+"-"+alert.of, &digitalocean.MonitorAlertArgs{
			Type: pulumi.String(alert.kind), Compare: pulumi.String("GreaterThan"), Value: pulumi.Float64(alert.percent), Window: pulumi.String(alertWindow),
			Entities: pulumi.StringArray{cluster.ID()}, Description: pulumi.String(fmt.Sprintf("%s of the database %s over %d %%", alert.of, name, alert.percent)),
			Alerts: &digitalocean.MonitorAlertAlertsArgs{Emails: pulumi.ToStringArray([]string{a.AlertEmail})},
		}, pulumi.Parent(parent))
		if err != nil {
			return fmt.Errorf("alert %s: %w", alert.of, err)
		}
	}
	return nil
}
