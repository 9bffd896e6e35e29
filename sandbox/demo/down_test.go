package demo

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/cloud"
	"github.com/genericcorp/platform/sandbox/machine"
)

func TestDownDeletesWhatADemoThatWasKilledHasLeft(t *testing.T) {
	d := withPorts(filepath.Join(t.TempDir(), "demo"), Ports{})
	left, err := d.Left()
	require.NoError(t, err)
	assert.Empty(t, left)

	require.NoError(t, os.MkdirAll(d.ClusterFolder(), 0o700))
	require.NoError(t, os.MkdirAll(machine.DatabaseFolder(d.ClusterFolder()), 0o700))
	provider := exec.Command("sleep", "600")
	provider.Env = []string{cloud.EnvFolder + "=" + d.CloudFolder()}
	require.NoError(t, provider.Start())
	ended := make(chan error, 1)
	go func() { ended <- provider.Wait() }()

	left, err = d.Left()
	require.NoError(t, err)
	assert.Equal(t, []string{machine.DatabaseFolder(d.ClusterFolder()), fmt.Sprintf("process %d", provider.Process.Pid), d.Folder}, left)
	require.NoError(t, d.Down())
	assert.ErrorContains(t, <-ended, "killed")
	left, err = d.Left()
	require.NoError(t, err)
	assert.Empty(t, left)
}
