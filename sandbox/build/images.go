package build

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// images are the platform's container images that can be built from Go modules, by the
// names of their workloads. Those of Grafana, PostgreSQL and PgBouncer are not among them.
var images = []struct{ name, from string }{
	{"kube-state-metrics", "k8s.io/kube-state-metrics/v2"},
	{"node-exporter", "github.com/prometheus/node_exporter"},
	{"victoria-metrics", "github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics"},
}

// Images builds the programs in container images, so that tests run on this machine what
// runs in the cluster. It returns the folder of the programs, which have the names of their
// workloads. The first build of Traefik takes about five minutes, of the others one or two.
func Images(root string, progress io.Writer) (string, error) {
	folder := filepath.Join(root, ".sandbox", "bin")
	b := builder{root: root, progress: progress}
	for _, image := range images {
		b.goBuild(filepath.Join(root, "tools", "images"), filepath.Join(folder, image.name),
			image.name+" (the first time a minute or two)", "-ldflags=-s", image.from)
	}
	b.traefik(filepath.Join(folder, "traefik"))
	return folder, b.err
}

// withoutDNS replaces the package of lego that imports all DNS providers. Not every Go
// module proxy has all their modules, and the platform uses cert-manager instead.
const withoutDNS = `package dns

import (
	"errors"

	"github.com/go-acme/lego/v5/challenge"
)

func NewDNSChallengeProviderByName(string) (challenge.Provider, error) {
	return nil, errors.New("built without DNS providers")
}
`

// traefik builds Traefik without lego's DNS providers. The Go command cannot replace one
// package of a module. So it builds in a copy of tools/traefik, with a changed copy of lego.
func (b *builder) traefik(target string) {
	if b.err != nil {
		return
	}
	var folder string
	folder, b.err = copyTraefik(filepath.Join(b.root, ".sandbox"), filepath.Join(b.root, "tools", "traefik"))
	b.goBuild(folder, target, "traefik (the first time about five minutes)", "-ldflags=-s", "github.com/traefik/traefik/v3/cmd/traefik")
}

// copyTraefik returns a folder in parent with a copy of the module in source and with a copy of lego
// that has withoutDNS. It writes each version of them once, so that builds at the same time share it.
func copyTraefik(parent, source string) (string, error) {
	version, err := traefikVersion(source)
	if err != nil {
		return "", err
	}
	folder := filepath.Join(parent, "traefik-"+version)
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", err
	}
	part, err := os.MkdirTemp(parent, "traefik-*.part")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(part) //nolint:errcheck // it was renamed
	if err := writeTraefik(part, source); err != nil {
		return "", fmt.Errorf("copy the Traefik module: %w", err)
	}
	// Another build may have written the same version meanwhile.
	if err := os.Rename(part, folder); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	return folder, nil
}

// traefikVersion returns a text that is different for each version of what copyTraefik writes.
func traefikVersion(source string) (string, error) {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(withoutDNS)) // a hash never returns an error
	module := os.DirFS(source)
	err := fs.WalkDir(module, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(module, path)
		_, _ = hash.Write(append([]byte(path), data...))
		return err
	})
	return strconv.FormatUint(hash.Sum64(), 16), err
}

func writeTraefik(folder, source string) error {
	const lego = "github.com/go-acme/lego/v5"
	original, err := moduleFolder(source, lego)
	if err != nil {
		return err
	}
	changed := filepath.Join(folder, "lego")
	providers := filepath.Join(changed, "providers", "dns", "zz_gen_dns_providers.go")
	for _, do := range []func() error{
		func() error { return os.CopyFS(folder, os.DirFS(source)) },
		func() error { return os.CopyFS(changed, os.DirFS(original)) },
		func() error { return os.WriteFile(providers, []byte(withoutDNS), 0o600) },
		// Named, because go takes the go.mod of a folder above if this one is missing.
		exec.Command("go", "mod", "edit", "-replace="+lego+"=./lego", filepath.Join(folder, "go.mod")).Run,
	} {
		if err := do(); err != nil {
			return err
		}
	}
	return os.Chmod(folder, 0o755) //nolint:gosec // a build folder
}

// moduleFolder returns the folder of a module in the module cache, in the version that the
// module in folder requires. It downloads the module if necessary.
func moduleFolder(folder, module string) (string, error) {
	out, err := exec.Command("go", "-C", folder, "mod", "download", "-json", module).Output()
	if err != nil {
		return "", fmt.Errorf("download %s: %w", module, err)
	}
	var downloaded struct{ Dir string }
	err = json.Unmarshal(out, &downloaded)
	return downloaded.Dir, err
}
