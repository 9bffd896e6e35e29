package machine

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFoldersHaveDifferentControlGroupsAndDatabases(t *testing.T) {
	assert.NotEqual(t, ControlGroup("/a"), ControlGroup("/b"))
	assert.NotEqual(t, DatabaseFolder("/a"), DatabaseFolder("/b"))
	assert.Equal(t, DatabaseFolder("/a"), DatabaseFolder("/a"))
}

func TestRemoveGroupRefusesAGroupThatIsNotTheDemos(t *testing.T) {
	for _, path := range []string{"", "/", "/system.slice", "platform-sandbox-1"} {
		assert.ErrorContains(t, RemoveGroup(path), "no control group of the demo", path)
	}
}

func TestCleanDeletesTheDatabaseAndTheControlGroupsWithTheirProcesses(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.MkdirAll(DatabaseFolder(folder), 0o700))
	left, err := Left(folder)
	require.NoError(t, err)
	assert.Equal(t, []string{DatabaseFolder(folder)}, left)

	if os.Geteuid() == 0 {
		for _, hierarchy := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/pids"} { // version 2, version 1
			if _, err := os.Stat(filepath.Join(hierarchy, "cgroup.procs")); err != nil {
				continue
			}
			member := exec.Command("sleep", "600")
			require.NoError(t, member.Start())
			t.Cleanup(func() { assert.ErrorContains(t, member.Wait(), "killed") })
			group := filepath.Join(hierarchy, ControlGroup(folder), "node")
			require.NoError(t, os.MkdirAll(group, 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte(strconv.Itoa(member.Process.Pid)), 0o600))
			break
		}
		left, err := Left(folder)
		require.NoError(t, err)
		assert.Len(t, left, 2)
	}
	require.NoError(t, Clean(folder))
	left, err = Left(folder)
	require.NoError(t, err)
	assert.Empty(t, left)
}
