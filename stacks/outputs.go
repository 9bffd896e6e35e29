package stacks

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/lifecycle"
	"github.com/genericcorp/platform/internal/names"
	"github.com/genericcorp/platform/internal/settings"
)

// Names of the stack's outputs. They are API: scripts read them.
const (
	OutputURL             = "url"
	OutputGrafanaURL      = "grafanaUrl"
	OutputGrafanaPassword = "grafanaPassword"
	OutputMonthlyUSD      = "monthlyUsd"
	OutputBill            = "bill"
	OutputNodes           = "nodes"
	OutputDatabase        = "database"
	OutputTenants         = "tenants"
	// OutputTenantHistory is the history with which the next update compares its tenants.
	OutputTenantHistory = "tenantHistory"
	// OutputSizes has the sizes that the next update must not lower (lifecycle.Sizes).
	OutputSizes = "sizes"
	// OutputKubernetesVersion is the declared minor. The next update reads it.
	OutputKubernetesVersion = "kubernetesVersion"
)

// export registers the stack's outputs. The outputs about tenants wait for the last Job. The
// engine also stores the outputs of a failed update, and without this wait a tenant whose
// purge failed would be recorded as purged.
func export(ctx *pulumi.Context, s *stack, grafanaPassword pulumi.StringOutput, tenantsApplied pulumi.Output) error {
	records, err := s.tenantHistory.Encode()
	if err != nil {
		return fmt.Errorf("the tenants' history: %w", err)
	}
	sizes, err := lifecycle.SizesOf(s.Settings, s.plan.Database.Size).Encode()
	if err != nil {
		return fmt.Errorf("the sizes: %w", err)
	}
	ctx.Export(OutputSizes, once(tenantsApplied, sizes))
	ctx.Export(OutputTenants, once(tenantsApplied, states(s.Tenants)))
	ctx.Export(OutputTenantHistory, once(tenantsApplied, records))
	ctx.Export(OutputURL, pulumi.String("https://"+s.Domain))
	ctx.Export(OutputGrafanaURL, pulumi.String("https://"+names.GrafanaHost(s.Domain)))
	ctx.Export(OutputGrafanaPassword, pulumi.ToSecret(grafanaPassword))
	ctx.Export(OutputMonthlyUSD, pulumi.String(s.plan.Bill.Total().String()))
	lines := pulumi.StringMap{}
	for _, line := range s.plan.Bill {
		lines[line.Item] = pulumi.Sprintf("%d × %s = %s", line.Quantity, line.SKU, line.Monthly().String())
	}
	ctx.Export(OutputBill, lines)
	if s.Cluster.Kind == settings.DigitalOcean {
		ctx.Export(OutputKubernetesVersion, pulumi.String(s.Cluster.Version))
		ctx.Export(OutputNodes, pulumi.Sprintf("%d × %s", s.plan.Nodes.Count, s.plan.Nodes.Size))
	}
	if s.Database.Kind == settings.DigitalOcean {
		ctx.Export(OutputDatabase, pulumi.Sprintf("%d × %s", s.plan.Database.Nodes, s.plan.Database.Size))
	}
	return nil
}

// once returns an output with the value that resolves when done does, and fails with it.
func once(done pulumi.Output, value map[string]any) pulumi.MapOutput {
	return done.ApplyT(func(any) map[string]any { return value }).(pulumi.MapOutput)
}
