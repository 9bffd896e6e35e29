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

// An answer that is lost leaves a thing that the state does not know. The next run
// adopts Kubernetes objects; a thing of DigitalOcean is refused by its name, so that
// nothing is billed twice, and `ops adopt` imports it.
func TestALostAnswerIsBilledOnce(t *testing.T) { bothStacks(t, lostAnswers) }

func lostAnswers(t *testing.T, f faults) {
	t.Helper()
	f.order(t, "create", provider.FaultLate)
	var out string
	for range 40 {
		var err error
		if out, err = f.Output("up", "--yes", "--skip-preview", "--refresh"); err == nil {
			break
		}
		heal(t, f, out)
	}
	assert.Regexp(t, "unchanged|created", out)
	nothingLost(t, f)
	f.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
	t.Logf("%d answers were lost", len(f.taken(t, "create")))
}

// nothingLost compares the cloud with the state. A random password is nobody's but
// the state's: a lost one is no orphan.
func nothingLost(t *testing.T, f faults) {
	t.Helper()
	random := func(name string) bool { return strings.Contains(name, "random") }
	inState := slices.DeleteFunc(custom(resources(t, f.Stack)), random)
	inCloud := slices.DeleteFunc(things(t, f.Stack), random)
	assert.Equal(t, len(inState), len(inCloud), "nothing lost, nothing twice: %v", inCloud)
}

// heal does what docs/operations.md tells about a name that is taken: what
// DigitalOcean has is imported, a record at Cloudflare and Helm's record of a
// release are deleted.
func heal(t *testing.T, f faults, out string) {
	t.Helper()
	for line := range strings.Lines(out) {
		if _, rest, ok := strings.Cut(line, ":Record \""); ok && strings.Contains(line, "409:") {
			id, _, _ := strings.Cut(rest, "\"")
			removeThing(t, f.Stack, "Record", id)
		}
	}
	if strings.Contains(out, "cannot re-use a name that is still in use") {
		require.NoError(t, cloud.At(f.CloudFolder()).Delete("kubernetes:core/v1:Secret", "cert-manager/sh.helm.release.v1.cert-manager.v1"))
	}
	if strings.Contains(out, "422: the name") || strings.Contains(out, ":DatabaseDb \"") || strings.Contains(out, ":DatabaseUser \"") ||
		strings.Contains(out, ":DatabaseFirewall \"") {
		f.adopt(t, ops(t))
	}
}

func removeThing(t *testing.T, s enginetest.Stack, kind, id string) {
	t.Helper()
	for _, path := range things(t, s) {
		if strings.Contains(path, "-"+kind+string(filepath.Separator)) && strings.HasSuffix(path, strings.ReplaceAll(id, "/", "~")+".json") {
			require.NoError(t, os.Remove(path))
		}
	}
}

func TestARunThatIsKilledIsFinishedByTheNext(t *testing.T) { bothStacks(t, kills) }

// kills ends a run each time that it has made some things more, and begins the
// next one by what docs/operations.md tells.
func kills(t *testing.T, f faults) {
	t.Helper()
	f.order(t, "create", provider.FaultSlow)
	const step = 6
	killed, refused := 0, 0
	for done := false; !done; {
		out, err := f.killAt(t, killed*step)
		switch {
		case errors.Is(err, errKilled):
			killed++
			f.unlock(t)
		case err != nil:
			refused++
			require.Less(t, refused, 20, out)
			heal(t, f, out)
		default:
			done = true
		}
	}
	all := len(custom(resources(t, f.Stack)))
	assert.Greater(t, killed, all/step/2, "it was killed all the way")
	nothingLost(t, f)
	f.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
	t.Logf("killed %d times while it made %d things; %d runs were refused what was there", killed, all, refused)
}

// unlock takes the lock of a killed run off. A run that was killed while it wrote
// the state leaves it damaged, which docs/operations.md has a way back from.
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

// stateFile is where the engine keeps the stack's state.
func stateFile(s enginetest.Stack) string {
	return filepath.Join(s.Folder, "state", ".pulumi", "stacks", "platform", s.Name+".json")
}

// restoreState puts back the file beside it, the state before the last write, and
// takes away the note of its attributes, which may have been hit as well.
func restoreState(t *testing.T, s enginetest.Stack) {
	t.Helper()
	backup, err := os.ReadFile(stateFile(s) + ".bak")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(stateFile(s), backup, 0o600))
	require.NoError(t, os.RemoveAll(stateFile(s)+".attrs"))
}

var errKilled = errors.New("killed")

// killAt starts an up and kills it as soon as it holds the stack's lock and there
// are so many things in the cloud; the error is errKilled then, and the run's own
// when it ended before.
func (f faults) killAt(t *testing.T, count int) (string, error) {
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
		if !f.locked(t) || len(things(t, f.Stack)) < count {
			continue
		}
		if syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) != nil {
			err := <-ended // it was over
			return out.String(), err
		}
		<-ended
		// What was asked of the plugins goes on: they return after the engine is gone.
		time.Sleep(200 * time.Millisecond)
		return out.String(), errKilled
	}
}

// locked reports whether a run holds the stack.
func (f faults) locked(t *testing.T) bool {
	t.Helper()
	locks, err := filepath.Glob(filepath.Join(f.Folder, "state", ".pulumi", "locks", "organization", "platform", f.Name, "*.json"))
	require.NoError(t, err)
	return len(locks) > 0
}

func TestATruncatedStateIsAClearErrorWithAWayBack(t *testing.T) { bothStacks(t, truncated) }

func truncated(t *testing.T, f faults) {
	t.Helper()
	f.Up(t)
	data, err := os.ReadFile(stateFile(f.Stack))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(stateFile(f.Stack), data[:len(data)/2], 0o600))
	before := things(t, f.Stack)
	refusal := f.Fails(t, "up", "--yes", "--skip-preview")
	assert.Contains(t, refusal, "failed to load checkpoint")
	assert.NotContains(t, refusal, "panic")
	assert.Equal(t, before, things(t, f.Stack), "nothing in the cloud is touched")
	// docs/operations.md: the file beside it is the state before the last run.
	restoreState(t, f.Stack)
	assert.Regexp(t, `\d+ unchanged`, f.Succeeds(t, "up", "--yes", "--skip-preview", "--refresh"))
}
