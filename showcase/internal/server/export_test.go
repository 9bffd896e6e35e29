package server

import "github.com/genericcorp/platform/showcase/internal/site"

// RefreshDemo is called by the background work every half minute.
var RefreshDemo = (*Server).refreshDemo

// InviteFirst is called by the background work after each migration.
var InviteFirst = (*Server).inviteFirst

// WarnOfHTTP is called by Run.
var WarnOfHTTP = (*Server).warnOfHTTP

// Demo returns the demo's site.
func (s *Server) Demo() *site.Site { return s.demo() }

// Reload is called by the background work every five seconds.
var Reload = (*Server).reload
