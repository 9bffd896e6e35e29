package postgrestest

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const (
	// debianSuite is the Debian release after the newest stable one: it has PgBouncer
	// 1.26, and Debian 13 has 1.24.
	debianSuite = "forky"
	// debianKeys is where Debian keeps the keys of its archive.
	debianKeys = "/usr/share/keyrings/debian-archive-keyring.gpg"
)

// debianProgram is a program of debianSuite. It runs on an older machine, because its
// release's C library and the other libraries are kept beside it.
type debianProgram struct {
	// name is the program's, and that of its Debian package. folder has it in the
	// package.
	name, folder string
}

// fetch returns a folder that can be copied. The file "run" in it starts the program.
// apt checks the packages' signatures. They are fetched once for each machine, in
// about 10 seconds.
func (p debianProgram) fetch() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	target := filepath.Join(cache, "platform-sandbox", debianSuite+"-"+p.name)
	if _, err := os.Stat(target); err == nil {
		return target, nil
	}
	work, err := os.MkdirTemp("", p.name+"-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	if err := p.unpack(work); err != nil {
		return "", fmt.Errorf("%s of Debian %s: %w", p.name, debianSuite, err)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return "", err
	}
	part, err := os.MkdirTemp(filepath.Dir(target), p.name+"-*.part")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(part)
	if err := p.gather(filepath.Join(work, "root"), part); err != nil {
		return "", err
	}
	// Tests of another package may have fetched the same meanwhile.
	if err := os.Rename(part, target); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	return target, nil
}

// unpack lets apt fetch the package and its libraries, and unpacks them under
// work/root. Apt has a configuration and lists of its own there: the machine's stay
// as they are, and it needs no root.
func (p debianProgram) unpack(work string) error {
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
	// The rest, such as Perl scripts, is not needed to run the program.
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

// newApt returns a function that runs apt's commands for debianSuite alone, as on a
// machine with no package installed.
func newApt(work string) (func(command ...string) (string, error), error) {
	mirror, err := debianMirror()
	if err != nil {
		return nil, err
	}
	for _, folder := range []string{"lists/partial", "cache/archives/partial", "state"} {
		if err := os.MkdirAll(filepath.Join(work, folder), 0o750); err != nil {
			return nil, err
		}
	}
	sources := filepath.Join(work, "sources.list")
	line := fmt.Sprintf("deb [signed-by=%s] %s %s main\n", debianKeys, mirror, debianSuite)
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

// debianMirror is the mirror of Debian that the machine uses already.
func debianMirror() (string, error) {
	out, err := runIn("", "apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages")
	if err != nil {
		return "", err
	}
	for _, uri := range strings.Fields(out) {
		if strings.HasSuffix(strings.TrimSuffix(uri, "/"), "/debian") {
			return uri, nil
		}
	}
	return "", errors.New("apt has no source whose address ends in /debian")
}

// gather copies the program and all libraries that it links to, and writes "run".
func (p debianProgram) gather(root, target string) error {
	program := filepath.Join(root, p.folder, p.name)
	if err := copyProgram(program, filepath.Join(target, p.name)); err != nil {
		return err
	}
	loader, err := loaderOf(program)
	if err != nil {
		return err
	}
	start := `"$here/` + p.name + `"`
	if loader != "" {
		start = `"$here/` + loader + `" --library-path "$here" ` + start
		if err := copyLibraries(root, program, target); err != nil {
			return err
		}
	}
	run := "#!/bin/sh\nhere=$(dirname \"$0\")\nexec " + start + " \"$@\"\n"
	return errors.Join(os.WriteFile(filepath.Join(target, "run"), []byte(run), 0o755), os.Chmod(target, 0o755))
}

// loaderOf is the file name of the dynamic loader that a program asks for; empty for
// a static one.
func loaderOf(program string) (string, error) {
	file, err := elf.Open(program)
	if err != nil {
		return "", err
	}
	defer file.Close()
	section := file.Section(".interp")
	if section == nil {
		return "", nil
	}
	path, err := section.Data()
	return filepath.Base(strings.TrimRight(string(path), "\x00")), err
}

// copyLibraries copies what a program links to, and what that links to. The loader is
// among them.
func copyLibraries(root, program, target string) error {
	folders, err := filepath.Glob(filepath.Join(root, "usr/lib/*/libc.so.6"))
	if err != nil || len(folders) != 1 {
		return fmt.Errorf("found %d C libraries, and one is needed: %w", len(folders), err)
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
