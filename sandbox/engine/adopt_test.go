package engine_test

import (
	"bytes"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/build"
	"github.com/genericcorp/platform/sandbox/cloud"
	"github.com/genericcorp/platform/sandbox/digitalocean"
	"github.com/genericcorp/platform/sandbox/provider"
)

// Every create on DigitalOcean happens and its answer is lost. The commands that
// `ops adopt` prints bring each thing into the state.
func TestThingsWhoseCreateLostItsAnswerAreImportedByThePrintedCommands(t *testing.T) {
	bothStacks(t, func(t *testing.T, f faults) {
		f.order(t, "create", provider.FaultLate+" digitalocean:")
		imported := 0
		for range 10 {
			out, err := f.Output("up", "--yes", "--skip-preview", "--refresh")
			if err == nil {
				break
			}
			assert.Contains(t, out, "the answer was lost")
			imported += f.adopt(t, ops(t))
		}
		assert.Equal(t, 6, imported, "VPC, cluster, database cluster, database, user, firewall")
		assert.Len(t, f.taken(t, "create"), imported+1, "a second create of the database's settings succeeds: they exist with every cluster")
		nothingLost(t, f)
		f.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
		assert.Zero(t, f.adopt(t, ops(t)), "the state has everything now")
	})
}

// A killed run leaves notes of what it was creating; they do not hinder an import.
func TestThingsOfAKilledRunAreImportedByThePrintedCommands(t *testing.T) {
	bothStacks(t, func(t *testing.T, f faults) {
		f.order(t, "create", provider.FaultSlow+" digitalocean:")
		_, err := f.killAt(t, 1)
		require.ErrorIs(t, err, errKilled)
		f.unlock(t)
		f.adopt(t, ops(t))
		f.Succeeds(t, "refresh", "--yes", "--skip-preview", "--clear-pending-creates")
		f.Succeeds(t, "up", "--yes", "--skip-preview", "--refresh")
		nothingLost(t, f)
		f.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
	})
}

// ops is the program of cmd/ops.
func ops(t *testing.T) string {
	t.Helper()
	program, err := buildOps()
	require.NoError(t, err)
	return program
}

// buildOps builds it once for all tests.
var buildOps = sync.OnceValues(func() (string, error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return "", err
	}
	return build.Ops(root, os.Stderr)
})

// adopt runs `ops adopt` and then, in a shell, what it printed. It returns how many
// things were imported.
func (f faults) adopt(t *testing.T, ops string) int {
	t.Helper()
	api := httptest.NewServer((&digitalocean.Server{Cloud: cloud.At(f.CloudFolder())}).Handler())
	defer api.Close()
	asPulumi := f.Command()
	cmd := exec.Command(ops, "adopt", "--stack", f.Name, "--pulumi", f.Tools.Pulumi)
	cmd.Dir, cmd.Env = asPulumi.Dir, slices.Concat(asPulumi.Env, []string{"DIGITALOCEAN_ACCESS_TOKEN=token", "DIGITALOCEAN_API_URL=" + api.URL})
	var script, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &script, &problems
	err := cmd.Run()
	exit := &exec.ExitError{}
	require.True(t, err == nil || errors.As(err, &exit) && exit.ExitCode() == 1, "%v: %s", err, &problems)

	shell := exec.Command("sh", "-e")
	shell.Dir, shell.Env = asPulumi.Dir, slices.Concat(asPulumi.Env, []string{"PATH=" + filepath.Dir(f.Tools.Pulumi) + string(os.PathListSeparator) + os.Getenv("PATH")})
	shell.Stdin = strings.NewReader(script.String())
	out, err := shell.CombinedOutput()
	require.NoError(t, err, "%s\n%s", &script, out)
	return strings.Count(script.String(), "\npulumi import ")
}
