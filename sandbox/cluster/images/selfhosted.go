package images

import (
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"strings"
)

// Database has the programs of an image of PostgreSQL, as postgrestest.Programs returns them.
type Database struct {
	// Name is that of the image.
	Name string
	// Server and Clients are folders with programs.
	Server, Clients string
	// Volume is the folder for which the official image of this major asks for a volume.
	Volume string
}

// OfSelfHosted returns images in place of those that selfhosted/compose.yaml and its Dockerfile
// name: those of the databases, "caddy" with the program caddy, and "golang" with this machine's Go.
func OfSelfHosted(caddy string, databases ...Database) ([]Image, error) {
	var list []Image
	for _, database := range databases {
		image, err := database.image()
		if err != nil {
			return nil, err
		}
		list = append(list, image)
	}
	proxy, err := WithTools("caddy", "/usr/bin/wget")
	if err != nil {
		return nil, err
	}
	proxy.Files["/usr/bin/caddy"] = caddy
	// As in Caddy's own image.
	proxy.LowPorts = "/usr/bin/caddy"
	proxy.Env = []string{"PATH=/usr/bin:/bin"}
	compiler, err := goToolchain()
	return append(list, proxy, compiler), err
}

// image returns an image with the server and the clients. The server finds its libraries and its data
// beside the folder of its programs. The clients have the path of their library in them.
func (d Database) image() (Image, error) {
	const home = "/usr/lib/postgresql"
	root := filepath.Dir(d.Server)
	modules, err := filepath.Glob(filepath.Join(root, "lib", "postgresql", "*.so"))
	if err != nil {
		return Image{}, err
	}
	out, err := WithTools(d.Name, append(modules, in(d.Server, "postgres", "initdb")...)...)
	if err != nil {
		return out, err
	}
	for target, source := range maps.Clone(out.Files) {
		if rest, inside := strings.CutPrefix(target, root); inside {
			delete(out.Files, target)
			out.Files[filepath.Join(home, rest)] = source
		}
	}
	out.Files[home+"/share"] = filepath.Join(root, "share")
	const locale = "/usr/lib/locale/C.utf8" // compose.yaml asks for it
	out.Files[locale] = locale
	clients, err := WithTools(d.Name, in(d.Clients, "psql", "pg_dump", "pg_restore", "pg_isready")...)
	if err != nil {
		return out, err
	}
	maps.Copy(out.Files, clients.Files)
	// The official image's clients look for the socket there.
	out.Env = []string{"PATH=" + home + "/bin:" + d.Clients + ":/bin", "PGHOST=/var/run/postgresql"}
	out.Volume = d.Volume
	out.Texts = map[string]string{"/etc/passwd": "postgres:x:999:999::/tmp:/bin/sh\n"}
	return out, nil
}

// in returns the paths of programs in a folder.
func in(folder string, names ...string) []string {
	var out []string
	for _, name := range names {
		out = append(out, filepath.Join(folder, name))
	}
	return out
}

// goToolchain returns an image like golang: it has this machine's Go, and the certificates of the
// known authorities. The user is root, as in that image.
func goToolchain() (Image, error) {
	out, err := WithTools("golang")
	if err != nil {
		return out, err
	}
	printed, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return out, fmt.Errorf("find Go: %w", err)
	}
	root := strings.TrimSpace(string(printed))
	for _, part := range []string{"bin", "src", "lib", "pkg/include", "pkg/tool", "go.env", "VERSION"} {
		out.Files["/usr/local/go/"+part] = filepath.Join(root, part)
	}
	const authorities = "/etc/ssl/certs/ca-certificates.crt"
	out.Files[authorities] = authorities
	out.Texts = map[string]string{"/tmp/.keep": ""}
	out.Env = []string{"PATH=/usr/local/go/bin:/bin", "HOME=/root", "GOTOOLCHAIN=local"}
	out.User = "0"
	return out, nil
}
