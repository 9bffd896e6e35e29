// Package ext replaces the module github.com/traefik/traefik/dynamic/ext. Traefik has that
// module in its own repository and publishes it nowhere, so `go build` cannot download
// it. Its types are for people who extend Traefik's configuration. Here they are empty.
package ext

// HTTP is embedded in Traefik's HTTP configuration.
type HTTP struct{}

// Router is embedded in Traefik's configuration of a router.
type Router struct{}
