package server

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/genericcorp/platform/showcase/internal/accounts"
	"github.com/genericcorp/platform/showcase/internal/site"
	"github.com/genericcorp/platform/showcase/internal/tenants"
)

// inviteFirst logs a link for the first owner, once for each start, if there is no member. A link of
// an earlier start ends. With several tenants the operator invites their owners, and the demo has an
// account.
func (s *Server) inviteFirst(ctx context.Context) {
	if s.invited || s.config.MultiTenant() || s.config.DemoTenant != "" || !s.runner.State(tenants.Single).Migrated() {
		return
	}
	t, _ := s.registry.ByName(tenants.Single)
	target := site.New(s.pools, t, "")
	var token string
	err := target.Tx(ctx, func(tx pgx.Tx) (err error) {
		token, err = accounts.InviteFirst(ctx, tx)
		return err
	})
	if err != nil {
		s.log.Error("invite the first owner", "error", err.Error())
		return
	}
	s.invited = true
	if token != "" {
		// A warning, because LOG_LEVEL=warn must not hide it.
		s.log.Warn("create the first account: open the link", "link", invitationLink(target, s.config.PublicURL, token), "valid_hours", accounts.InvitationLife.Hours())
	}
}
