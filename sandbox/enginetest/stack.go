// Package enginetest runs stacks with the real Pulumi engine for tests, each in its own
// sandbox. It is package engine with assertions.
package enginetest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/build"
	"github.com/genericcorp/platform/sandbox/engine"
)

// Stack is a stack in temporary folders of one test.
type Stack struct{ engine.Stack }

// New returns the stack with a name, prepared with a copy of the checkout's stack file.
// tools are from build.Engine.
func New(t *testing.T, checkout, name string, tools build.Tools) Stack {
	t.Helper()
	root := t.TempDir()
	for _, file := range []string{"Pulumi.yaml", "Pulumi." + name + ".yaml"} {
		data, err := os.ReadFile(filepath.Join(checkout, file))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(root, file), data, 0o600))
	}
	s := engine.Stack{Name: name, Root: root, Folder: t.TempDir(), Tools: tools}
	// The providers of an engine that a test has killed go on.
	t.Cleanup(func() { assert.NoError(t, s.KillProcesses()) })
	require.NoError(t, s.Prepare())
	return Stack{s}
}

// Edit replaces the first occurrence of before in the stack file. It fails the test if
// there is none.
func (s Stack) Edit(t *testing.T, before, after string) {
	t.Helper()
	path := filepath.Join(s.Root, "Pulumi."+s.Name+".yaml")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(data), before)
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(data), before, after, 1)), 0o600))
	require.NoError(t, s.Prepare())
}

// Succeeds runs a command of the engine and returns its output. It fails the test if the
// command fails.
func (s Stack) Succeeds(t *testing.T, args ...string) string {
	t.Helper()
	out, err := s.Output(args...)
	require.NoError(t, err, out)
	return out
}

// Fails runs a command of the engine and returns its output. It fails the test if the
// command succeeds.
func (s Stack) Fails(t *testing.T, args ...string) string {
	t.Helper()
	out, err := s.Output(args...)
	require.Error(t, err, out)
	return out
}

// Up updates the stack and returns the output.
func (s Stack) Up(t *testing.T) string {
	t.Helper()
	return s.Succeeds(t, "up", "--yes", "--skip-preview")
}

// ReplacesOnlyJobs fails the test unless out, the output of an update, has replacements of
// the tenants' Jobs and of nothing else. Call it after an update that changes the number of
// the app's replicas: that changes the limit of connections of its role, so the Jobs run
// again.
func ReplacesOnlyJobs(t *testing.T, out string) {
	t.Helper()
	replaced := 0
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, " +- ") || strings.HasPrefix(line, " -- ") {
			assert.Contains(t, line, "kubernetes:batch/v1:Job")
			replaced++
		}
	}
	assert.Positive(t, replaced, "the Jobs must be replaced")
}
