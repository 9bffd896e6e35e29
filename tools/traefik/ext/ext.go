// Package ext takes the place of a module that Traefik keeps inside its own
// repository and that is published nowhere: types for those who extend its
// configuration. Nothing is added here.
package ext

// HTTP is embedded in the configuration of HTTP.
type HTTP struct{}

// Router is embedded in that of a router.
type Router struct{}
