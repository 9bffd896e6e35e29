package build

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
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
	folder := filepath.Join(b.root, ".sandbox", "traefik")
	if b.err == nil {
		b.err = copyTraefik(folder, filepath.Join(b.root, "tools", "traefik"))
	}
	b.goBuild(folder, target, "traefik (the first time about five minutes)", "-ldflags=-s", "github.com/traefik/traefik/v3/cmd/traefik")
}

// copyTraefik copies the module in source to folder, with a copy of lego that has
// withoutDNS.
func copyTraefik(folder, source string) error {
	const lego = "github.com/go-acme/lego/v5"
	original, err := moduleFolder(source, lego)
	if err != nil {
		return err
	}
	changed := filepath.Join(folder, "lego")
	providers := filepath.Join(changed, "providers", "dns", "zz_gen_dns_providers.go")
	for _, do := range []func() error{
		func() error { return os.RemoveAll(folder) },
		func() error { return os.CopyFS(folder, os.DirFS(source)) },
		func() error { return os.CopyFS(changed, os.DirFS(original)) },
		func() error { return os.WriteFile(providers, []byte(withoutDNS), 0o600) },
		// Named, because go takes the go.mod of a folder above if this one is missing.
		exec.Command("go", "mod", "edit", "-replace="+lego+"=./lego", filepath.Join(folder, "go.mod")).Run,
	} {
		if err := do(); err != nil {
			return fmt.Errorf("copy the Traefik module: %w", err)
		}
	}
	return nil
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
