package containers

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCheckMachineRefusesFoldersThatANodeDoesNotSee(t *testing.T) {
	err := checkMachine(Options{Folder: "/opt/platform/.sandbox/demo", Bin: "/var/lib/ci/cache/node", Images: "/home/me/images"})
	assert.ErrorContains(t, err, "/opt/platform/.sandbox/demo is in /opt, which a node does not see")
	assert.ErrorContains(t, err, "/var/lib/ci/cache/node is in /var/lib")
	assert.NotContains(t, err.Error(), "/home/me")
}

func TestCheckMachineNamesTheMissingPackages(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	assert.ErrorContains(t, checkMachine(Options{}), "apt-get install runc nftables mount")
}

func TestFoldersHaveDifferentControlGroupsAndDatabases(t *testing.T) {
	assert.NotEqual(t, ControlGroup("/a"), ControlGroup("/b"))
	assert.NotEqual(t, DatabaseFolder("/a"), DatabaseFolder("/b"))
	assert.Equal(t, DatabaseFolder("/a"), DatabaseFolder("/a"))
}
