package build

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// patch replaces a file of a module, or adds one.
type patch struct{ module, file, content string }

// withoutDNS replaces the package of lego that imports all DNS providers. Not every Go
// module proxy has all their modules, and the platform uses cert-manager instead.
var withoutDNS = patch{"github.com/go-acme/lego/v5", "providers/dns/zz_gen_dns_providers.go", `package dns

import (
	"errors"

	"github.com/go-acme/lego/v5/challenge"
)

func NewDNSChallengeProviderByName(string) (challenge.Provider, error) {
	return nil, errors.New("built without DNS providers")
}
`}

// withoutPages takes the place of Alertmanager's pages, which its module embeds and does not
// have.
var withoutPages = patch{"github.com/prometheus/alertmanager", "ui/app/dist/index.html", "<!doctype html><title>Alertmanager</title>built without pages\n"}

func (b *builder) traefik(target string) {
	b.patched(target, "traefik", withoutDNS, "traefik (the first time about five minutes)", "github.com/traefik/traefik/v3/cmd/traefik")
}

func (b *builder) alertmanager(target string) {
	b.patched(target, "alertmanager", withoutPages, "alertmanager (the first time about two minutes)", "github.com/prometheus/alertmanager/cmd/alertmanager")
}

// patched builds a program of a module in tools/ with one changed file of another module. The
// Go command cannot replace one file of a module. So it builds in a copy of the module, with a
// changed copy of the other one.
func (b *builder) patched(target, module string, p patch, what, from string) {
	folder := filepath.Join(b.root, ".sandbox", module)
	if b.err == nil {
		b.err = p.copy(folder, filepath.Join(b.root, "tools", module))
	}
	b.goBuild(folder, target, what, "-ldflags=-s", from)
}

// copy copies the module in source to folder, with a changed copy of the patch's module.
func (p patch) copy(folder, source string) error {
	original, err := moduleFolder(source, p.module)
	if err != nil {
		return err
	}
	changed := filepath.Join(folder, "changed")
	file := filepath.Join(changed, filepath.FromSlash(p.file))
	for _, do := range []func() error{
		func() error { return os.RemoveAll(folder) },
		func() error { return os.CopyFS(folder, os.DirFS(source)) },
		func() error { return os.CopyFS(changed, os.DirFS(original)) },
		func() error { return os.MkdirAll(filepath.Dir(file), 0o755) },
		func() error { return os.WriteFile(file, []byte(p.content), 0o600) },
		// Named, because go takes the go.mod of a folder above if this one is missing.
		exec.Command("go", "mod", "edit", "-replace="+p.module+"=./changed", filepath.Join(folder, "go.mod")).Run,
	} {
		if err := do(); err != nil {
			return fmt.Errorf("copy the module of %s: %w", source, err)
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
