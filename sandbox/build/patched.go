package build

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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
	var folder string
	if b.err == nil {
		folder, b.err = p.copy(filepath.Join(b.root, ".sandbox"), filepath.Join(b.root, "tools", module))
	}
	b.goBuild(folder, target, what, "-ldflags=-s", from)
}

// copy returns a folder in parent with a copy of the module in source, and with a changed copy of the
// patch's module. It writes each version of them once, so that builds at the same time share it.
func (p patch) copy(parent, source string) (string, error) {
	version, err := p.version(source)
	if err != nil {
		return "", err
	}
	name := filepath.Base(source)
	folder := filepath.Join(parent, name+"-"+version)
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", err
	}
	part, err := os.MkdirTemp(parent, name+"-*.part")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(part) //nolint:errcheck // it was renamed
	if err := p.write(part, source); err != nil {
		return "", fmt.Errorf("copy the module of %s: %w", source, err)
	}
	// Another build may have written the same version meanwhile.
	if err := os.Rename(part, folder); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	return folder, nil
}

// version returns a text that is different for each version of what copy writes.
func (p patch) version(source string) (string, error) {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(p.module + p.file + p.content)) // a hash never returns an error
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

func (p patch) write(folder, source string) error {
	original, err := moduleFolder(source, p.module)
	if err != nil {
		return err
	}
	changed := filepath.Join(folder, "changed")
	file := filepath.Join(changed, filepath.FromSlash(p.file))
	for _, do := range []func() error{
		func() error { return os.CopyFS(folder, os.DirFS(source)) },
		func() error { return os.CopyFS(changed, os.DirFS(original)) },
		func() error { return os.MkdirAll(filepath.Dir(file), 0o755) },
		func() error { return os.WriteFile(file, []byte(p.content), 0o600) },
		// Named, because go takes the go.mod of a folder above if this one is missing.
		exec.Command("go", "mod", "edit", "-replace="+p.module+"=./changed", filepath.Join(folder, "go.mod")).Run,
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
