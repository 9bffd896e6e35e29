package engine_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/cloud"
	"github.com/genericcorp/platform/sandbox/enginetest"
	"github.com/genericcorp/platform/sandbox/provider"
)

// A lost response leaves a resource that the state does not have. The next run adopts
// Kubernetes objects. DigitalOcean refuses a second resource with the same name, so nothing
// is billed twice, and `ops adopt` imports the first one.
func TestAResourceWhoseResponseWasLostIsNotCreatedTwice(t *testing.T) {
	bothStacks(t, testLostResponses)
}

func testLostResponses(t *testing.T, f faults) {
	t.Helper()
	f.inject(t, "create", provider.FaultLate)
	runs := 0
	for {
		lost := len(f.failed(t, "create"))
		out, err := f.Output("up", "--yes", "--skip-preview", "--refresh")
		runs++
		if err == nil {
			break
		}
		fixed := fixTakenNames(t, f, out)
		require.True(t, fixed || len(f.failed(t, "create")) > lost, "run %d failed for another reason than a lost response: %s", runs, out)
	}
	checkStateMatchesCloud(t, f)
	f.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
	t.Logf("%d responses were lost in %d runs", len(f.failed(t, "create")), runs)
}

// checkStateMatchesCloud compares the number of resources in the cloud and in the state. It
// ignores random passwords, which are in the state only.
func checkStateMatchesCloud(t *testing.T, f faults) {
	t.Helper()
	random := func(name string) bool { return strings.Contains(name, "random") }
	inState := slices.DeleteFunc(customResources(resources(t, f.Stack)), random)
	inCloud := slices.DeleteFunc(cloudObjects(t, f.Stack), random)
	assert.Equal(t, len(inState), len(inCloud), "the cloud must have the resources of the state and no others: %v", inCloud)
}

// fixTakenNames does what docs/operations.md says about a name that is taken: it imports
// resources of DigitalOcean, and deletes records at Cloudflare and Helm's record of a
// release. It returns false if no name was taken.
func fixTakenNames(t *testing.T, f faults, out string) (taken bool) {
	t.Helper()
	for line := range strings.Lines(out) {
		if _, rest, ok := strings.Cut(line, ":Record \""); ok && strings.Contains(line, "409:") {
			id, _, _ := strings.Cut(rest, "\"")
			deleteObject(t, f.Stack, "Record", id)
			taken = true
		}
	}
	if strings.Contains(out, "cannot re-use a name that is still in use") {
		require.NoError(t, cloud.At(f.CloudFolder()).Delete("kubernetes:core/v1:Secret", "cert-manager/sh.helm.release.v1.cert-manager.v1"))
		taken = true
	}
	if strings.Contains(out, "422: the name") || strings.Contains(out, ":DatabaseDb \"") || strings.Contains(out, ":DatabaseUser \"") ||
		strings.Contains(out, ":DatabaseFirewall \"") {
		taken = f.adopt(t, opsProgram(t)) > 0 || taken
	}
	return taken
}

func deleteObject(t *testing.T, s enginetest.Stack, kind, id string) {
	t.Helper()
	for _, path := range cloudObjects(t, s) {
		if strings.Contains(path, "-"+kind+string(filepath.Separator)) && strings.HasSuffix(path, strings.ReplaceAll(id, "/", "~")+".json") {
			require.NoError(t, os.Remove(path))
		}
	}
}

func TestUpCompletesARunThatWasKilled(t *testing.T) { bothStacks(t, testKills) }

// testKills kills a run after every sixth resource, and does what docs/operations.md says
// before the next run.
func testKills(t *testing.T, f faults) {
	t.Helper()
	f.inject(t, "create", provider.FaultSlow)
	const step = 6
	killed, refused := 0, 0
	for done := false; !done; {
		out, err := f.killUpAt(t, killed*step)
		switch {
		case errors.Is(err, errKilled):
			killed++
			f.unlock(t)
		case err != nil:
			refused++
			require.Less(t, refused, 20, out)
			fixTakenNames(t, f, out)
		default:
			done = true
		}
	}
	all := len(customResources(resources(t, f.Stack)))
	assert.Greater(t, killed, all/step/2, "too few runs were killed")
	checkStateMatchesCloud(t, f)
	f.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
	t.Logf("%d runs were killed while they created %d resources; %d runs failed at a name that was taken", killed, all, refused)
}

// unlock removes the lock of a killed run. A run that was killed while it wrote the state
// damages it; unlock then restores the state as docs/operations.md says.
func (f faults) unlock(t *testing.T) {
	t.Helper()
	out, err := f.Output("cancel", "--yes")
	if err == nil {
		return
	}
	require.Contains(t, out, "failed to load checkpoint")
	restoreState(t, f.Stack)
	f.Succeeds(t, "cancel", "--yes")
}

// stateFile returns the path of the stack's state.
func stateFile(s enginetest.Stack) string {
	return filepath.Join(s.Folder, "state", ".pulumi", "stacks", "platform", s.Name+".json")
}

// restoreState restores the engine's backup, the state before the last write. It deletes the
// file of the state's attributes, which may be damaged too.
func restoreState(t *testing.T, s enginetest.Stack) {
	t.Helper()
	backup, err := os.ReadFile(stateFile(s) + ".bak")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(stateFile(s), backup, 0o600))
	require.NoError(t, os.RemoveAll(stateFile(s)+".attrs"))
}

var errKilled = errors.New("killed")

// killUpAt starts an up and kills it as soon as it has the stack's lock and the cloud has
// count resources. It returns the output, and errKilled or the error of a run that ended
// before.
func (f faults) killUpAt(t *testing.T, count int) (string, error) {
	t.Helper()
	cmd := f.Command("up", "--yes", "--skip-preview", "--refresh")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case err := <-ended:
			return out.String(), err
		case <-time.After(10 * time.Millisecond):
		}
		if !f.locked(t) || len(cloudObjects(t, f.Stack)) < count {
			continue
		}
		if syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) != nil {
			err := <-ended // the run ended before the signal
			return out.String(), err
		}
		<-ended
		// The plugins complete the operations that they have begun.
		time.Sleep(200 * time.Millisecond)
		return out.String(), errKilled
	}
}

// locked reports whether a run has the stack's lock.
func (f faults) locked(t *testing.T) bool {
	t.Helper()
	locks, err := filepath.Glob(filepath.Join(f.Folder, "state", ".pulumi", "locks", "organization", "platform", f.Name, "*.json"))
	require.NoError(t, err)
	return len(locks) > 0
}

func TestATruncatedStateFailsTheUpAndIsRestoredFromTheBackup(t *testing.T) {
	bothStacks(t, testTruncatedState)
}

func testTruncatedState(t *testing.T, f faults) {
	t.Helper()
	f.Up(t)
	data, err := os.ReadFile(stateFile(f.Stack))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(stateFile(f.Stack), data[:len(data)/2], 0o600))
	before := cloudObjects(t, f.Stack)
	refusal := f.Fails(t, "up", "--yes", "--skip-preview")
	assert.Contains(t, refusal, "failed to load checkpoint")
	assert.NotContains(t, refusal, "panic")
	assert.Equal(t, before, cloudObjects(t, f.Stack), "the failed run must not change the cloud")
	// docs/operations.md: the backup is the state before the last run.
	restoreState(t, f.Stack)
	assert.Regexp(t, `\d+ unchanged`, f.Succeeds(t, "up", "--yes", "--skip-preview", "--refresh"))
}
