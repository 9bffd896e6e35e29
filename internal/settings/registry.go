package settings

import (
	"regexp"
	"strings"
)

// Registry is a login to the registry of the app's image. The caller must not log it.
type Registry struct {
	// Server is a host, with its port if it has one, for example "ghcr.io". Docker Hub is
	// "docker.io".
	Server string
	// Username and Password log in. A token that may only read is enough as Password.
	Username, Password string
}

// DockerHub is the Server of images whose name has no host.
const DockerHub = "docker.io"

var (
	registryKeys   = []string{"server", "username", "password"}
	registryServer = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$`)
)

// loadRegistry returns the login, or nil if there is none or it has a fault.
func (a App) loadRegistry(in map[string]string, faults *Faults) *Registry {
	if in == nil {
		return nil
	}
	before := len(*faults)
	unknownKeys(RegistryKey, in, registryKeys, faults)
	for _, key := range registryKeys {
		path := RegistryKey + "." + key
		if _, ok := in[key]; !ok && !faults.has(path) {
			faults.at(path, "is missing; run: %s", setSecret(RegistryKey, key))
		}
	}
	if server, ok := in["server"]; ok {
		a.validateServer(server, faults)
	}
	// In HTTP basic authentication, "name:password", the first colon ends the name
	// (RFC 7617).
	if strings.Contains(in["username"], ":") {
		faults.at(RegistryKey+".username", "has a colon, which no user name of a registry can have")
	}
	if len(*faults) > before {
		return nil
	}
	return &Registry{Server: in["server"], Username: in["username"], Password: in["password"]}
}

// validateServer checks the server. Its faults do not contain the server's text, which may be
// a secret that was set for the wrong key.
func (a App) validateServer(server string, faults *Faults) {
	const path = RegistryKey + ".server"
	if !registryServer.MatchString(server) {
		faults.at(path, "has to be a host without a scheme and without a path, such as ghcr.io or registry.example.com:5000")
		return
	}
	if from := imageServer(a.Image); server != from {
		faults.at(path, "is not where settings.app.image comes from: %q comes from %s; set this to %[2]s, or change the image", a.Image, from)
	}
}

// imageServer returns the host that an image is pulled from. The first segment of its name is
// a host if it has a dot or a colon, or is "localhost". All other images are on Docker Hub
// (splitDockerDomain in github.com/distribution/reference).
func imageServer(image string) string {
	host, _, ok := strings.Cut(image, "/")
	if !ok || !strings.ContainsAny(host, ".:") && host != "localhost" || host == "index.docker.io" {
		return DockerHub
	}
	return host
}
