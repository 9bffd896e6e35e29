package build

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// images are the container images of the platform that build from Go modules, by
// the names of their workloads. Grafana's and PostgreSQL's are not among them.
var images = []struct{ name, from string }{
	{"kube-state-metrics", "k8s.io/kube-state-metrics/v2"},
	{"node-exporter", "github.com/prometheus/node_exporter"},
	{"victoria-metrics", "github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics"},
}

// Images builds the programs of container images for tests, which run on
// this machine what a cluster runs. It returns the folder that has them, named
// after their workloads.
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

// withoutDNS takes the place of the package of lego that knows every provider of
// DNS: their modules are not all served, and cert-manager does that work here.
const withoutDNS = `package dns

import (
	"errors"

	"github.com/go-acme/lego/v5/challenge"
)

func NewDNSChallengeProviderByName(string) (challenge.Provider, error) {
	return nil, errors.New("built without providers of DNS")
}
`

// traefik builds Traefik from its module, but for its own way to certificates.
// The Go command lets nobody change a package of a module in place, so what is
// changed is a copy, beside a copy of tools/traefik.
func (b *builder) traefik(target string) {
	folder := filepath.Join(b.root, ".sandbox", "traefik")
	if b.err == nil {
		b.err = layOut(folder, filepath.Join(b.root, "tools", "traefik"))
	}
	b.goBuild(folder, target, "traefik (the first time about five minutes)", "-ldflags=-s", "github.com/traefik/traefik/v3/cmd/traefik")
}

// layOut copies a module that requires lego, with lego changed.
func layOut(folder, source string) error {
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
		exec.Command("go", "-C", folder, "mod", "edit", "-replace="+lego+"=./lego").Run,
	} {
		if err := do(); err != nil {
			return fmt.Errorf("traefik's module: %w", err)
		}
	}
	return nil
}

// moduleFolder is where the Go command keeps a module that another one requires.
func moduleFolder(in, module string) (string, error) {
	out, err := exec.Command("go", "-C", in, "mod", "download", "-json", module).Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", module, err)
	}
	var downloaded struct{ Dir string }
	err = json.Unmarshal(out, &downloaded)
	return downloaded.Dir, err
}
