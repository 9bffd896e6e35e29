package engine_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/engine"
)

func TestStopClusterSparesAnotherProgramThatHasItsProcessID(t *testing.T) {
	s := engine.Stack{Name: "demo", Folder: t.TempDir()}
	require.NoError(t, os.MkdirAll(s.ClusterFolder(), 0o700))
	// The process of this test would end.
	require.NoError(t, os.WriteFile(filepath.Join(s.ClusterFolder(), "pid"), []byte(strconv.Itoa(os.Getpid())), 0o600))
	assert.False(t, s.ClusterRuns())
	require.NoError(t, s.StopCluster())
	assert.NoDirExists(t, s.ClusterFolder())
}
