// Package enginetest runs stacks in the sandbox for tests, with the real engine.
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

// Stack is a stack that a test has to itself.
type Stack struct{ engine.Stack }

// New lays a stack out in temporary folders, with a copy of the checkout's real
// stack file.
func New(t *testing.T, checkout, name string, tools build.Tools) Stack {
	t.Helper()
	root := t.TempDir()
	for _, file := range []string{"Pulumi.yaml", "Pulumi." + name + ".yaml"} {
		data, err := os.ReadFile(filepath.Join(checkout, file))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(root, file), data, 0o600))
	}
	s := engine.Stack{Name: name, Root: root, Folder: t.TempDir(), Tools: tools}
	require.NoError(t, s.Prepare())
	return Stack{s}
}

// Edit changes the stack file as its owner would.
func (s Stack) Edit(t *testing.T, before, after string) {
	t.Helper()
	path := filepath.Join(s.Root, "Pulumi."+s.Name+".yaml")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(data), before)
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(data), before, after, 1)), 0o600))
	require.NoError(t, s.Prepare())
}

// Succeeds runs a command of the engine and returns what it prints.
func (s Stack) Succeeds(t *testing.T, args ...string) string {
	t.Helper()
	out, err := s.Output(args...)
	require.NoError(t, err, out)
	return out
}

// Fails runs a command of the engine that has to fail, and returns what it prints.
func (s Stack) Fails(t *testing.T, args ...string) string {
	t.Helper()
	out, err := s.Output(args...)
	require.Error(t, err, out)
	return out
}

// Up updates the stack.
func (s Stack) Up(t *testing.T) string {
	t.Helper()
	return s.Succeeds(t, "up", "--yes", "--skip-preview")
}

// ReplacesOnlyJobs checks that an update replaced nothing but the tenants' Jobs. More
// replicas of the app have another limit of connections, so the Jobs run again.
func ReplacesOnlyJobs(t *testing.T, out string) {
	t.Helper()
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, " +- ") || strings.HasPrefix(line, " -- ") {
			assert.Contains(t, line, "kubernetes:batch/v1:Job")
		}
	}
}
