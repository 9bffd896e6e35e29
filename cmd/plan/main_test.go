package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// repository is a git repository with the real stack files, as working folder.
func repository(t *testing.T) {
	t.Helper()
	folder := t.TempDir()
	for _, name := range []string{"Pulumi.demo.yaml", "Pulumi.prod.yaml"} {
		data, err := os.ReadFile(filepath.Join("..", "..", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), data, 0o600))
	}
	t.Chdir(folder)
	for _, args := range [][]string{
		{"init", "-q"}, {"add", "."}, {"-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "first"},
	} {
		out, err := exec.Command("git", args...).CombinedOutput()
		require.NoError(t, err, string(out))
	}
}

func replace(t *testing.T, file, before, after string) {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(data), before)
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(data), before, after, 1)), 0o600))
}

func plan1(args ...string) (int, string, string) {
	var out, errs bytes.Buffer
	status := run(args, &out, &errs)
	return status, out.String(), errs.String()
}

func TestAllStacksArePlannedWhenNoneIsNamed(t *testing.T) {
	repository(t)
	status, out, errs := plan1()
	assert.Equal(t, exitFits, status)
	assert.Empty(t, errs)
	assert.Contains(t, out, "demo: $51.65")
	assert.Contains(t, out, "prod: $76.15")
	status, out, _ = plan1("-format", "json", "prod")
	assert.Equal(t, exitFits, status)
	var decoded map[string]any
	require.NoError(t, json.Unmarshal([]byte(out), &decoded))
	assert.Len(t, decoded["stacks"], 1)
}

func TestExitStatusesMeanSomething(t *testing.T) {
	repository(t)
	replace(t, "Pulumi.demo.yaml", "monthlyUsd: 80", "monthlyUsd: 50")
	status, out, _ := plan1("demo")
	assert.Equal(t, exitMisfit, status)
	assert.Contains(t, out, "over by $1.65")
	replace(t, "Pulumi.demo.yaml", "monthlyUsd: 50", "monthlyUsd: -3")
	replace(t, "Pulumi.prod.yaml", "zone: genericcorp.com", "zone: x")
	status, _, errs := plan1()
	assert.Equal(t, exitFaulty, status)
	assert.Contains(t, errs, "Pulumi.demo.yaml")
	assert.Contains(t, errs, "settings.budget.monthlyUsd")
	assert.Contains(t, errs, "Pulumi.prod.yaml")
	for _, args := range [][]string{{"-format", "xml"}, {"-x"}, {"nosuch"}, {"-base", "nosuch"}} {
		status, _, errs := plan1(args...)
		assert.Equal(t, exitFaulty, status, args)
		assert.NotEmpty(t, errs, args)
	}
	status, out, errs = plan1("--help")
	assert.Equal(t, exitFits, status)
	assert.Contains(t, out, "Exit status")
	assert.Empty(t, errs, "help that was asked for is no error")
}

func TestARevisionIsComparedWith(t *testing.T) {
	repository(t)
	replace(t, "Pulumi.demo.yaml", "concurrentUsers: 100", "concurrentUsers: 100\n    monitoring: {volumeGiB: 15}")
	require.NoError(t, os.Remove("Pulumi.prod.yaml"))
	status, out, errs := plan1("-base", "HEAD", "-format", "markdown")
	assert.Equal(t, exitFits, status, errs)
	assert.Contains(t, out, "| demo | $52.65 | +$1.00 |")
	assert.Contains(t, out, "| prod | **removed**")
}

func TestAFaultyRevisionDoesNotHinderItsMend(t *testing.T) {
	repository(t)
	replace(t, "Pulumi.demo.yaml", "zone: genericcorp.com", "zone: x")
	out, err := exec.Command("git", "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qam", "faulty").CombinedOutput()
	require.NoError(t, err, string(out))
	replace(t, "Pulumi.demo.yaml", "zone: x", "zone: genericcorp.com")
	status, text, errs := plan1("-base", "HEAD", "demo")
	assert.Equal(t, exitFits, status, errs)
	assert.Contains(t, text, "cannot be compared")
}
