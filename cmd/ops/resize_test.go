package main

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/cloud"
	"github.com/genericcorp/platform/sandbox/digitalocean"
)

// checkout makes a folder with prod's stack file the working folder. It also starts an
// account that has prod's cluster, with two nodes of a size.
func checkout(t *testing.T, size string) {
	t.Helper()
	folder := t.TempDir()
	for _, name := range []string{"Pulumi.yaml", "Pulumi.prod.yaml"} {
		data, err := os.ReadFile(filepath.Join("..", "..", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), data, 0o600))
	}
	t.Chdir(folder)
	c := cloud.At(t.TempDir())
	o := cloud.Object{Inputs: map[string]any{"name": "platform-prod"}}
	require.NoError(t, o.SetNodePools([]cloud.NodePool{{ID: "p", Name: "default", Size: size, Count: 2, Tags: []string{"terraform:default-node-pool"}}},
		func() string { return "n" }))
	require.NoError(t, c.Put(cloud.TokenCluster, "c", o))
	server := httptest.NewServer((&digitalocean.Server{Cloud: c, DropletLimit: 10}).Handler())
	t.Cleanup(server.Close)
	t.Setenv(envToken, "secret")
	t.Setenv(envURL, server.URL)
}

func TestResizeDoesNothingForAPoolOfThePlannedSize(t *testing.T) {
	checkout(t, "s-2vcpu-4gb")
	status, out, errs := ops(t, "resize", "--stack", "prod", "--yes")
	assert.Equal(t, exitDone, status, errs)
	assert.Contains(t, out, "have the size s-2vcpu-4gb already: nothing to do")
}

func TestResizePrintsThePlanBeforeItConnects(t *testing.T) {
	checkout(t, "s-4vcpu-8gb")
	status, out, errs := ops(t, "resize", "-stack", "prod", "-yes")
	assert.Equal(t, exitFailed, status)
	assert.Contains(t, out, "platform-prod: from 2 × s-4vcpu-8gb (pool default) to 2 × s-2vcpu-4gb")
	assert.Contains(t, errs, "nothing was changed: credential for the cluster")
}

func TestResizeWithoutATerminalRequiresTheFlagYes(t *testing.T) {
	checkout(t, "s-4vcpu-8gb")
	status, out, errs := ops(t, "resize", "--stack", "prod")
	assert.Equal(t, exitUsage, status)
	assert.Empty(t, out)
	assert.Contains(t, errs, "pass --yes in a script")
}

func TestResizeExitsWith2AndNamesTheFaultyInput(t *testing.T) {
	checkout(t, "s-4vcpu-8gb")
	for want, args := range map[string][]string{
		"--stack is missing":            {"--yes"},
		"Pulumi.nosuch.yaml does not":   {"--yes", "--stack", "nosuch"},
		"DIGITALOCEAN_ACCESS_TOKEN":     {"--yes", "--stack", "prod"},
		"settings.capacity.concurrent":  {"--yes", "--stack", "faulty"},
		"does not belong to the stack":  {"--yes", "--stack", "existing"},
		"unknown shorthand flag: 'x'":   {"-x"},
		"unknown flag: --concurrent":    {"--concurrent"},
		"invalid argument \"soon\" for": {"--timeout", "soon"},
	} {
		t.Setenv(envToken, "")
		stackFile(t, "faulty", "concurrentUsers: 100", "concurrentUsers: -1")
		stackFile(t, "existing", "    network:\n      vpc: 10.20.0.0/20\n      pods: 10.104.0.0/16\n      services: 10.105.0.0/19\n", "    cluster: {kind: existing}\n    database: {kind: external}\n")
		status, _, errs := ops(t, append([]string{"resize"}, args...)...)
		assert.Equal(t, exitUsage, status, errs)
		assert.Contains(t, errs, want)
	}
}

// stackFile writes a changed copy of prod's stack file under another name.
func stackFile(t *testing.T, name, before, after string) {
	t.Helper()
	data, err := os.ReadFile("Pulumi.prod.yaml")
	require.NoError(t, err)
	require.Contains(t, string(data), before)
	require.NoError(t, os.WriteFile("Pulumi."+name+".yaml", []byte(strings.Replace(string(data), before, after, 1)), 0o600))
}

func TestConfirmedAsksUntilTheAnswerIsYesOrNo(t *testing.T) {
	for answer, want := range map[string]bool{"yes\n": true, "no\n": false, "": false, "y\nmaybe\nYES\n": true} {
		command := &cobra.Command{}
		command.SetIn(strings.NewReader(answer))
		command.SetOut(&strings.Builder{})
		assert.Equal(t, want, confirmed(command), answer)
	}
}
