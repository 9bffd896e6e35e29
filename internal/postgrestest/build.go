package postgrestest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

const (
	// poolerVersion is the oldest PgBouncer that the tests accept, and the one that
	// they build. Debian 12 has 1.18, which knows no prepared statements in
	// transaction mode and no pool size of a user.
	poolerVersion = "1.24.1"
	// poolerSum is the SHA-256 of the sources as PgBouncer published them. Debian 13
	// distributes that archive unchanged, beside its own patches.
	poolerSum = "da72a3aba13072876d055a3e58dd4aba4a5de4ed6148e73033185245598fd3e0"
	// poolerSuite is the Debian release with these sources.
	poolerSuite = "trixie"
	// debianKeys is where Debian keeps the keys of its archive.
	debianKeys = "/usr/share/keyrings/debian-archive-keyring.gpg"
)

// buildPooler returns PgBouncer's program: an installed one that is new enough, or
// one built from Debian's sources. The build takes about 20 seconds on two cores,
// once for each machine.
func buildPooler() (string, error) {
	for _, installed := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} {
		if path, err := exec.LookPath(installed); err == nil && recentPooler(path) {
			return path, nil
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	target := filepath.Join(cache, "platform-sandbox", "pgbouncer-"+poolerVersion)
	if _, err := os.Stat(target); err == nil {
		return target, nil
	}
	work, err := os.MkdirTemp("", "pgbouncer-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	program, err := compilePooler(work)
	if err != nil {
		return "", fmt.Errorf("PgBouncer %s is not installed and does not build; on Debian: apt-get install gcc make pkg-config libevent-dev libssl-dev: %w",
			poolerVersion, err)
	}
	return target, install(program, target)
}

var versionLine = regexp.MustCompile(`PgBouncer (\d+)\.(\d+)`)

// recentPooler reports whether a program is PgBouncer of poolerVersion or later.
func recentPooler(program string) bool {
	out, err := exec.Command(program, "--version").Output()
	found := versionLine.FindSubmatch(out)
	if err != nil || found == nil {
		return false
	}
	var major, minor int
	if _, err := fmt.Sscan(string(found[1])+" "+string(found[2]), &major, &minor); err != nil {
		return false
	}
	return major > 1 || minor >= 24
}

func compilePooler(work string) (string, error) {
	archive, err := downloadPooler(work)
	if err != nil {
		return "", err
	}
	source := filepath.Join(work, "pgbouncer-"+poolerVersion)
	for _, step := range [][]string{
		{"tar", "-xzf", archive},
		// Without c-ares: libevent resolves names, and no further library is needed.
		{"sh", "-c", "cd " + filepath.Base(source) + " && ./configure --quiet --without-cares"},
		{"make", "-C", source, "-j2", "pgbouncer"},
	} {
		if err := runIn(work, step...); err != nil {
			return "", err
		}
	}
	return filepath.Join(source, "pgbouncer"), nil
}

// downloadPooler lets apt fetch the sources into a folder, by configuration and
// lists of its own there: the machine's stay as they are, and it needs no root.
func downloadPooler(work string) (string, error) {
	mirror, err := debianMirror()
	if err != nil {
		return "", err
	}
	for _, folder := range []string{"lists/partial", "cache/archives/partial", "state"} {
		if err := os.MkdirAll(filepath.Join(work, folder), 0o750); err != nil {
			return "", err
		}
	}
	sources := filepath.Join(work, "sources.list")
	line := fmt.Sprintf("deb-src [signed-by=%s] %s %s main\n", debianKeys, mirror, poolerSuite)
	if err := os.WriteFile(sources, []byte(line), 0o600); err != nil {
		return "", err
	}
	options := []string{
		"-qq", "-o", "Dir::Etc::sourcelist=" + sources, "-o", "Dir::Etc::sourceparts=-", "-o", "Dir::State=" + work + "/state",
		"-o", "Dir::State::lists=" + work + "/lists", "-o", "Dir::Cache=" + work + "/cache", "-o", "APT::Sandbox::User=",
	}
	for _, command := range [][]string{{"update"}, {"source", "--download-only", "--tar-only", "pgbouncer"}} {
		if err := runIn(work, append(append([]string{"apt-get"}, options...), command...)...); err != nil {
			return "", err
		}
	}
	archive := filepath.Join(work, "pgbouncer_"+poolerVersion+".orig.tar.gz")
	return archive, checkSum(archive, poolerSum)
}

// debianMirror is the mirror of Debian that the machine uses already.
func debianMirror() (string, error) {
	out, err := exec.Command("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages").Output()
	if err != nil {
		return "", fmt.Errorf("apt-get indextargets: %w", err)
	}
	for _, uri := range strings.Fields(string(out)) {
		if strings.HasSuffix(strings.TrimSuffix(uri, "/"), "/debian") {
			return uri, nil
		}
	}
	return "", errors.New("apt has no source whose address ends in /debian")
}

func checkSum(file, want string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != want {
		return fmt.Errorf("%s has the SHA-256 %x, and %s is pinned", filepath.Base(file), sum, want)
	}
	return nil
}

// install moves a program into place at once: tests of other packages may build the
// same at the same time.
func install(program, target string) error {
	data, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	part, err := os.CreateTemp(filepath.Dir(target), "pgbouncer-*.part")
	if err != nil {
		return err
	}
	defer os.Remove(part.Name())
	_, err = part.Write(data)
	if err := errors.Join(err, part.Chmod(0o755), part.Close()); err != nil {
		return err
	}
	return os.Rename(part.Name(), target)
}

func runIn(folder string, command ...string) error {
	c := exec.Command(command[0], command[1:]...)
	c.Dir, c.Env = folder, append(os.Environ(), "LC_ALL=C")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, out)
	}
	return nil
}
