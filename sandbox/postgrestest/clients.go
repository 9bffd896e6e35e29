package postgrestest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/debian"
)

// clientSource is a release of PostgreSQL, with the SHA-256 of its source archive. Debian
// distributes PostgreSQL's archive unchanged.
type clientSource struct{ version, sum string }

// clientSources has the majors whose psql, pg_dump, pg_restore and pg_isready are built from source,
// because npm's packages do not contain them.
var clientSources = map[int]clientSource{
	17: {"17.11", "dd27f2b3c59e73ed14aa3324901242bf69a032a6347805f274e6260322d42979"},
	18: {"18.6", "555610c24d53e4316da5b7d3fc25c279d96856d5e0e23ee308c328c5fa881d9f"},
}

// Clients returns the folder with psql, pg_dump, pg_restore and pg_isready of the server's major.
// They are built once for each machine, which takes about a minute on two cores.
func (s *Server) Clients(t testing.TB) string {
	t.Helper()
	if s.major == 0 {
		return s.Bin
	}
	return clients(t, s.major)
}

// Programs unpacks the server of a major version in the folder dir. It returns the folder of the
// server's programs, and that of its clients, as Clients does. 17 and 18 are known.
func Programs(t testing.TB, major int, dir string) (server, client string) {
	t.Helper()
	return binaries(t, major, dir), clients(t, major)
}

func clients(t testing.TB, major int) string {
	t.Helper()
	folder, err := buildClients(major)
	require.NoError(t, err, "PostgreSQL %d's programs; on Debian: apt-get install gcc make bison flex libssl-dev", major)
	return folder
}

func buildClients(major int) (string, error) {
	fetching.Lock()
	defer fetching.Unlock()
	source, known := clientSources[major]
	if !known {
		return "", fmt.Errorf("no sources of PostgreSQL %d are pinned", major)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	target := filepath.Join(cache, "platform-sandbox", "postgres-programs-"+source.version)
	bin := filepath.Join(target, "bin")
	if _, err := os.Stat(filepath.Join(bin, "pg_dump")); err == nil {
		return bin, nil
	}
	work, err := os.MkdirTemp("", "postgres-clients-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	if err := source.build(work, target); err != nil {
		return "", err
	}
	// The tests of another package may have built the same programs at the same time.
	if err := os.Rename(filepath.Join(work, "installed", target), target); err != nil {
		if _, there := os.Stat(filepath.Join(bin, "pg_dump")); there != nil {
			return "", err
		}
	}
	return bin, nil
}

// build compiles the programs for the folder target, and installs them under
// work/installed.
func (c clientSource) build(work, target string) error {
	archive := filepath.Join(work, "sources.tar.bz2")
	if err := c.download(archive); err != nil {
		return err
	}
	for _, step := range [][]string{
		{"tar", "-xjf", archive, "--strip-components=1"},
		{"./configure", "--quiet", "--prefix=" + target, "--without-icu", "--without-readline", "--without-zlib", "--with-openssl"},
		{"make", "-s", "-j2", "-C", "src/backend", "generated-headers"},
		// The programs' makefiles build these by two submakes at the same time, which break each other's files.
		{"make", "-s", "-j2", "-C", "src/port"},
		{"make", "-s", "-j2", "-C", "src/common"},
		{"make", "-s", "-j2", "-C", "src/interfaces/libpq"},
		{"make", "-s", "-j2", "-C", "src/bin/pg_dump"},
		{"make", "-s", "-j2", "-C", "src/bin/psql"},
		{"make", "-s", "-j2", "-C", "src/bin/scripts", "pg_isready"},
		{"make", "-s", "-C", "src/interfaces/libpq", "DESTDIR=" + work + "/installed", "install"},
		{"make", "-s", "-C", "src/bin/pg_dump", "DESTDIR=" + work + "/installed", "install"},
		{"make", "-s", "-C", "src/bin/psql", "DESTDIR=" + work + "/installed", "install"},
		{"cp", "src/bin/scripts/pg_isready", work + "/installed" + target + "/bin"},
	} {
		command := exec.Command(step[0], step[1:]...)
		command.Dir, command.Env = work, append(os.Environ(), "LC_ALL=C")
		if out, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", strings.Join(step, " "), err, out)
		}
	}
	return nil
}

// download writes the source archive to a file. It tries the Debian mirror of this machine
// first. If Debian has a newer release already, it downloads from PostgreSQL.
func (c clientSource) download(to string) error {
	mirror, err := debian.Mirror()
	if err != nil {
		return err
	}
	name := "postgresql-" + strings.Split(c.version, ".")[0]
	var faults []error
	for _, address := range []string{
		strings.TrimSuffix(mirror, "/") + "/pool/main/p/" + name + "/" + name + "_" + c.version + ".orig.tar.bz2",
		"https://ftp.postgresql.org/pub/source/v" + c.version + "/postgresql-" + c.version + ".tar.bz2",
	} {
		err := fetch(address, to, c.sum)
		if err == nil {
			return nil
		}
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// fetch downloads a file, and returns an error if its SHA-256 is not sum.
func fetch(address, to, sum string) error {
	client := http.Client{Timeout: 5 * time.Minute}
	answer, err := client.Get(address)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", address, answer.Status)
	}
	file, err := os.Create(to)
	if err != nil {
		return err
	}
	hash := sha256.New()
	_, err = io.Copy(io.MultiWriter(file, hash), answer.Body)
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != sum {
		return fmt.Errorf("%s has the SHA-256 %s, want %s", address, got, sum)
	}
	return nil
}
