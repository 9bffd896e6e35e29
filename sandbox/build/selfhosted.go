package build

import (
	"io"
	"os"
	"path/filepath"
)

// ComposeVersion is the version of Docker Compose, equal to the one in tools/compose/go.mod.
const ComposeVersion = "2.40.3"

// SelfHostedTools are the paths of the programs with which selfhosted/ is tested.
type SelfHostedTools struct {
	// Compose is Docker Compose as a program of its own. Caddy is for an image.
	Compose, Caddy string
}

// SelfHosted builds the programs of SelfHostedTools. The first build of Compose takes about six
// minutes on two cores, and that of Caddy two.
func SelfHosted(root string, progress io.Writer) (SelfHostedTools, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return SelfHostedTools{}, err
	}
	tools := SelfHostedTools{
		Compose: filepath.Join(cache, "platform-sandbox", "docker-compose-"+ComposeVersion),
		Caddy:   filepath.Join(root, ".sandbox", "bin", "caddy"),
	}
	b := builder{root: root, progress: progress}
	b.once(tools.Compose, "tools/compose", "Docker Compose (about six minutes, once)",
		"-ldflags=-s -X github.com/docker/compose/v2/internal.Version=v"+ComposeVersion, "github.com/docker/compose/v2/cmd")
	b.goBuild(filepath.Join(root, "tools", "caddy"), tools.Caddy, "caddy (the first time about two minutes)", "-ldflags=-s", "github.com/caddyserver/caddy/v2/cmd/caddy")
	return tools, b.err
}

// VersityVersion is the version of Versity S3 Gateway, equal to the one in tools/versitygw/go.mod.
const VersityVersion = "1.8.0"

// S3 builds Versity S3 Gateway, an S3-compatible service that keeps objects in a folder, and returns the
// path of the program. The first build takes about three minutes on two cores.
func S3(root string, progress io.Writer) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	program := filepath.Join(cache, "platform-sandbox", "versitygw-"+VersityVersion)
	b := builder{root: root, progress: progress}
	b.once(program, "tools/versitygw", "Versity S3 Gateway (about three minutes, once)", "-ldflags=-s", "github.com/versity/versitygw/cmd/versitygw")
	return program, b.err
}

// Pebble builds Let's Encrypt's test server for ACME, and returns the path of the program.
func Pebble(root string, progress io.Writer) (string, error) {
	program := filepath.Join(root, ".sandbox", "bin", "pebble")
	b := builder{root: root, progress: progress}
	b.goBuild(filepath.Join(root, "tools", "pebble"), program, "Pebble", "-ldflags=-s", "github.com/letsencrypt/pebble/v2/cmd/pebble")
	return program, b.err
}
