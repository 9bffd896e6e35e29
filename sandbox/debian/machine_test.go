package debian

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withPrograms makes a folder with programs the whole PATH. Each prints a text.
func withPrograms(t *testing.T, programs map[string]string) {
	t.Helper()
	folder := t.TempDir()
	for name, prints := range programs {
		script := fmt.Sprintf("#!/bin/sh\nprintf '%s'\n", prints)
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(script), 0o755))
	}
	t.Setenv("PATH", folder)
}

// mirrors are apt's sources on Debian.
const mirrors = "http://mirror.example/debian-security/\\nhttp://mirror.example/debian/\\n"

func TestMirrorIsTheOneInAptsSources(t *testing.T) {
	withPrograms(t, map[string]string{"apt-get": mirrors})
	mirror, err := Mirror()
	require.NoError(t, err)
	assert.Equal(t, "http://mirror.example/debian/", mirror)
	for _, sources := range []string{"http://mirror.example/ubuntu/\\n", ""} {
		withPrograms(t, map[string]string{"apt-get": sources})
		_, err := Mirror()
		assert.ErrorContains(t, err, "apt's sources have no Debian mirror", sources)
	}
}

func TestCheckNamesWhatTheMachineLacks(t *testing.T) {
	keys := filepath.Join(t.TempDir(), "keys.gpg")
	withPrograms(t, map[string]string{"apt-get": "", "apt-cache": ""})
	assert.ErrorContains(t, checkTools(keys), "this machine has no dpkg-deb; use Debian")
	withPrograms(t, map[string]string{"apt-get": "", "apt-cache": "", "dpkg-deb": ""})
	assert.ErrorContains(t, checkTools(keys), "apt-get install debian-archive-keyring")
	require.NoError(t, os.WriteFile(keys, nil, 0o600))
	assert.ErrorContains(t, checkTools(keys), "apt's sources have no Debian mirror")
	withPrograms(t, map[string]string{"apt-get": mirrors, "apt-cache": "", "dpkg-deb": ""})
	assert.NoError(t, checkTools(keys))
}

func TestCheckNeedsNothingWhenTheProgramsAreFetched(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	assert.Error(t, Check())
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	for _, p := range []program{pgbouncer, exporter} {
		require.NoError(t, os.MkdirAll(p.target(cache), 0o755))
	}
	assert.NoError(t, Check())
}
