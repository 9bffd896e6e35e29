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

// Every create at DigitalOcean succeeds and its response is lost. The commands that
// `ops adopt` prints import each resource.
func TestAdoptImportsResourcesWhoseResponsesWereLost(t *testing.T) {
	bothStacks(t, func(t *testing.T, f faults) {
		f.inject(t, "create", provider.FaultLate+" digitalocean:")
		imported := 0
		for range 10 {
			out, err := f.Output("up", "--yes", "--skip-preview", "--refresh")
			if err == nil {
				break
			}
			assert.Contains(t, out, "the answer was lost")
			imported += f.adopt(t, opsProgram(t))
		}
		assert.Equal(t, 6, imported, "VPC, cluster, database cluster, database, user, firewall")
		assert.Len(t, f.failed(t, "create"), imported+1, "a second create of the database's settings succeeds, because every cluster has settings")
		checkStateMatchesCloud(t, f)
		f.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
		assert.Zero(t, f.adopt(t, opsProgram(t)), "nothing must be left to import")
	})
}

// A killed run leaves pending creates in the state. They must not prevent an import.
func TestAdoptImportsResourcesOfAKilledRun(t *testing.T) {
	bothStacks(t, func(t *testing.T, f faults) {
		f.inject(t, "create", provider.FaultSlow+" digitalocean:")
		_, err := f.killUpAt(t, 1)
		require.ErrorIs(t, err, errKilled)
		f.unlock(t)
		f.adopt(t, opsProgram(t))
		f.Succeeds(t, "refresh", "--yes", "--skip-preview", "--clear-pending-creates")
		f.Succeeds(t, "up", "--yes", "--skip-preview", "--refresh")
		checkStateMatchesCloud(t, f)
		f.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
	})
}

// opsProgram returns the path of the program cmd/ops.
func opsProgram(t *testing.T) string {
	t.Helper()
	program, err := buildOps()
	require.NoError(t, err)
	return program
}

// buildOps builds cmd/ops once for all tests.
var buildOps = sync.OnceValues(func() (string, error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return "", err
	}
	return build.Ops(root, os.Stderr)
})

// adopt runs `ops adopt`, and then in a shell the script that it printed. It returns how
// many resources the script imported.
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
