package images

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// OfSelfHosted returns images in place of those that selfhosted/compose.yaml and its Dockerfile
// name: "postgres" with the server in the folder postgres, "caddy" with the program caddy, and
// "golang" with this machine's Go.
func OfSelfHosted(postgres, caddy string) ([]Image, error) {
	database, err := databaseServer(postgres)
	if err != nil {
		return nil, err
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
	return []Image{database, proxy, compiler}, err
}

// databaseServer returns an image with the server and the clients of a Debian package. The folder
// is that of its programs.
func databaseServer(folder string) (Image, error) {
	libraries, err := filepath.Glob(filepath.Join(filepath.Dir(folder), "lib", "*.so"))
	if err != nil {
		return Image{}, err
	}
	var files []string
	for _, library := range libraries {
		// Without it, PostgreSQL does not compile queries. It needs all of LLVM.
		if filepath.Base(library) != "llvmjit.so" {
			files = append(files, library)
		}
	}
	for _, program := range []string{"postgres", "initdb", "psql", "pg_dump", "pg_restore", "pg_isready"} {
		files = append(files, filepath.Join(folder, program))
	}
	out, err := WithTools("postgres", files...)
	if err != nil {
		return out, err
	}
	share := filepath.Join("/usr/share/postgresql", filepath.Base(filepath.Dir(folder)))
	for _, data := range []string{share, "/usr/share/zoneinfo/UTC", "/usr/lib/locale/C.utf8"} {
		out.Files[data] = data
	}
	out.Env = []string{"PATH=" + folder + ":/bin"}
	out.Volume = "/var/lib/postgresql/data"
	out.Texts = map[string]string{"/etc/passwd": "postgres:x:999:999::/tmp:/bin/sh\n"}
	return out, nil
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
