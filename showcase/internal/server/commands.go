package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"text/tabwriter"

	"github.com/jackc/pgx/v5"

	"github.com/genericcorp/platform/showcase/internal/accounts"
	"github.com/genericcorp/platform/showcase/internal/site"
	"github.com/genericcorp/platform/showcase/internal/tenants"
)

// PrintMigrations migrates all active tenants, and prints a table. It returns an error if one
// failed.
func (s *Server) PrintMigrations(ctx context.Context, out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "tenant\tstate\tversion")
	failed := 0
	states := s.runner.Run(ctx, s.registry.All())
	if !s.config.MultiTenant() && states[0].Fault != "" {
		return errors.New(states[0].Fault)
	}
	for _, state := range states {
		if state.Fault != "" {
			failed++
			fmt.Fprintf(table, "%s\tfailed\t%s\n", state.Tenant, state.Fault)
			continue
		}
		fmt.Fprintf(table, "%s\tmigrated\t%d\n", state.Tenant, state.Version)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d tenants failed", failed, len(states))
	}
	return nil
}

// PrintInvitation stores an invitation for an owner of a tenant, and prints its link. An empty
// tenant is the one of single-tenant mode.
func (s *Server) PrintInvitation(ctx context.Context, out io.Writer, email, tenant string) error {
	if tenant == "" {
		tenant = tenants.Single
	}
	t, ok := s.registry.ByName(tenant)
	if !ok || !t.Active() {
		return fmt.Errorf("there is no active tenant %q; with tenants, the command is: agenthq invite EMAIL TENANT", tenant)
	}
	if state := s.runner.Run(ctx, []tenants.Tenant{t})[0]; state.Fault != "" {
		return fmt.Errorf("migrate %s: %s", tenant, state.Fault)
	}
	email, err := accounts.Email(email)
	if err != nil {
		return err
	}
	target := site.New(s.pools, t, s.config.DemoTenant)
	var token string
	err = target.Tx(ctx, func(tx pgx.Tx) (err error) {
		token, err = accounts.Invite(ctx, tx, email, accounts.Owner, target.Limits.Seats)
		return err
	})
	if err != nil {
		return explain(err, t)
	}
	fmt.Fprintln(out, invitationLink(target, s.config.PublicURL, token))
	return nil
}

func invitationLink(target *site.Site, public *url.URL, token string) string {
	return target.BaseURL(public) + "/invitations/" + token
}

// explain returns what an operator can do about an error that a tenant's limits cause, or the error.
func explain(err error, t tenants.Tenant) error {
	switch {
	case errors.Is(err, accounts.ErrSeats):
		return fmt.Errorf("all seats of the plan %s of %s are taken; remove a member or withdraw an invitation on the page Members, or give the tenant a larger plan", t.Plan, t.Name)
	case errors.Is(err, accounts.ErrMember):
		return fmt.Errorf("%w; a lost password cannot be set anew: invite another address, and remove the old member then", err)
	case site.Full(err):
		return fmt.Errorf("%s is above the storage of its plan %s, and stores nothing new; delete old runs or give the tenant a larger plan", t.Name, t.Plan)
	case site.DiskFull(err):
		return errors.New("the disk of the database is full; free space, then try again")
	}
	return err
}
