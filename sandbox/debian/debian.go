// Package debian fetches programs from a newer release of Debian than this machine's.
package debian

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

const (
	// suite is the Debian release after the newest stable one. It has PgBouncer 1.26;
	// Debian 13 has 1.24.
	suite = "forky"
	// keys is the file with the keys of Debian's archive.
	keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
)

// program is a program of suite. It also runs on an older release, because it is
// copied together with its C library and all other libraries.
type program struct {
	// name is the name of the program and of its Debian package. folder is its folder in the
	// package.
	name, folder string
}

var (
	pgbouncer = program{"pgbouncer", "usr/sbin"}
	exporter  = program{"prometheus-pgbouncer-exporter", "usr/bin"}
)

// fetching lets one goroutine fetch programs, while the others wait for it.
var fetching sync.Mutex

// PgBouncer returns a folder with PgBouncer, whose file "run" starts it. The first call on a
// machine fetches it, which takes about 10 s.
func PgBouncer() (string, error) { return pgbouncer.fetch() }

// Exporter returns a folder like that of PgBouncer with the exporter of PgBouncer's metrics.
func Exporter() (string, error) { return exporter.fetch() }

// fetched reports whether the program is in the cache folder.
func (p program) fetched(cache string) bool {
	_, err := os.Stat(p.target(cache))
	return err == nil
}

func (p program) target(cache string) string {
	return filepath.Join(cache, "platform-sandbox", suite+"-"+p.name)
}

// fetch returns a folder with the program. The folder can be copied; its file "run" starts the
// program. apt checks the packages' signatures. The packages are fetched once for each machine,
// which takes about 10 s.
func (p program) fetch() (string, error) {
	fetching.Lock()
	defer fetching.Unlock()
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	target := p.target(cache)
	if p.fetched(cache) {
		return target, nil
	}
	if err := checkTools(keys); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp("", p.name+"-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work) //nolint:errcheck // a leftover in the temporary folder does no harm
	if err := p.unpack(work); err != nil {
		return "", fmt.Errorf("%s of Debian %s: %w", p.name, suite, err)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return "", err
	}
	part, err := os.MkdirTemp(filepath.Dir(target), p.name+"-*.part")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(part) //nolint:errcheck // it was renamed
	if err := p.gather(filepath.Join(work, "root"), part); err != nil {
		return "", err
	}
	// The tests of another package may have fetched the same program at the same time.
	if err := os.Rename(part, target); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	return target, nil
}

// unpack fetches the package and its libraries with apt, and unpacks them in work/root. apt uses
// a configuration and package lists in work. So it does not change those of the machine, and
// needs no root.
func (p program) unpack(work string) error {
	apt, err := newApt(work)
	if err != nil {
		return err
	}
	if _, err := apt("apt-get", "update"); err != nil {
		return err
	}
	wanted, err := apt("apt-cache", "depends", p.name)
	if err != nil {
		return err
	}
	// The program does not need the other packages, such as Perl scripts.
	fetch := []string{"apt-get", "install", "--yes", "--download-only", "--no-install-recommends"}
	for line := range strings.Lines(wanted) {
		if library, ok := strings.CutPrefix(strings.TrimSpace(line), "Depends: lib"); ok {
			fetch = append(fetch, "lib"+library)
		}
	}
	if _, err := apt(fetch...); err != nil {
		return err
	}
	if _, err := apt("apt-get", "download", p.name); err != nil {
		return err
	}
	var packages []string
	for _, folder := range []string{"cache/archives", "."} {
		found, err := filepath.Glob(filepath.Join(work, folder, "*.deb"))
		if err != nil {
			return err
		}
		packages = append(packages, found...)
	}
	for _, file := range packages {
		if _, err := runIn(work, "dpkg-deb", "--extract", file, "root"); err != nil {
			return err
		}
	}
	return nil
}

// newApt returns a function that runs apt's commands. They know only suite, and no package
// as installed.
func newApt(work string) (func(command ...string) (string, error), error) {
	mirror, err := Mirror()
	if err != nil {
		return nil, err
	}
	for _, folder := range []string{"lists/partial", "cache/archives/partial", "state"} {
		if err := os.MkdirAll(filepath.Join(work, folder), 0o750); err != nil {
			return nil, err
		}
	}
	sources := filepath.Join(work, "sources.list")
	line := fmt.Sprintf("deb [signed-by=%s] %s %s main\n", keys, mirror, suite)
	if err := errors.Join(os.WriteFile(sources, []byte(line), 0o600), os.WriteFile(filepath.Join(work, "status"), nil, 0o600)); err != nil {
		return nil, err
	}
	options := []string{
		"-qq", "-o", "Dir::Etc::sourcelist=" + sources, "-o", "Dir::Etc::sourceparts=-", "-o", "Dir::State=" + work + "/state",
		"-o", "Dir::State::lists=" + work + "/lists", "-o", "Dir::State::status=" + work + "/status",
		"-o", "Dir::Cache=" + work + "/cache", "-o", "APT::Sandbox::User=",
	}
	return func(command ...string) (string, error) {
		return runIn(work, slices.Concat(command[:1], options, command[1:])...)
	}, nil
}

// gather copies the program and its libraries to the folder target, and writes "run".
func (p program) gather(root, target string) error {
	file := filepath.Join(root, p.folder, p.name)
	if err := copyProgram(file, filepath.Join(target, p.name)); err != nil {
		return err
	}
	loader, err := loaderOf(file)
	if err != nil {
		return err
	}
	start := `"$here/` + p.name + `"`
	if loader != "" {
		start = `"$here/` + loader + `" --library-path "$here" ` + start
		if err := copyLibraries(root, file, target); err != nil {
			return err
		}
	}
	run := "#!/bin/sh\nhere=$(dirname \"$0\")\nexec " + start + " \"$@\"\n"
	return errors.Join(os.WriteFile(filepath.Join(target, "run"), []byte(run), 0o755), os.Chmod(target, 0o755)) //nolint:gosec // the server's user runs what is in it
}

// loaderOf returns the file name of a program's dynamic loader, or nothing for a static program.
func loaderOf(program string) (string, error) {
	file, err := elf.Open(program)
	if err != nil {
		return "", err
	}
	defer file.Close() //nolint:errcheck // it was only read
	section := file.Section(".interp")
	if section == nil {
		return "", nil
	}
	path, err := section.Data()
	return filepath.Base(strings.TrimRight(string(path), "\x00")), err
}

// copyLibraries copies the libraries that a program needs, those that these need, and so on. The
// loader is one of them.
func copyLibraries(root, program, target string) error {
	folders, err := filepath.Glob(filepath.Join(root, "usr/lib/*/libc.so.6"))
	if err != nil || len(folders) != 1 {
		return fmt.Errorf("found %d C libraries, want 1: %w", len(folders), err)
	}
	todo, done := []string{program}, map[string]bool{}
	for len(todo) > 0 {
		file, err := elf.Open(todo[0])
		if err != nil {
			return err
		}
		libraries, err := file.ImportedLibraries()
		if err := errors.Join(err, file.Close()); err != nil {
			return err
		}
		todo = todo[1:]
		for _, name := range libraries {
			if done[name] {
				continue
			}
			done[name] = true
			library := filepath.Join(filepath.Dir(folders[0]), name)
			if err := copyProgram(library, filepath.Join(target, name)); err != nil {
				return err
			}
			todo = append(todo, library)
		}
	}
	return nil
}

func copyProgram(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o755)
}

func runIn(folder string, command ...string) (string, error) {
	c := exec.Command(command[0], command[1:]...)
	var failure strings.Builder
	c.Dir, c.Env, c.Stderr = folder, append(os.Environ(), "LC_ALL=C"), &failure
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s%s", strings.Join(command, " "), err, out, failure.String())
	}
	return string(out), nil
}
