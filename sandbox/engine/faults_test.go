package engine_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/cloud"
	"github.com/genericcorp/platform/sandbox/enginetest"
	"github.com/genericcorp/platform/sandbox/provider"
)

// faults is a sandbox in which faults can be ordered.
type faults struct {
	enginetest.Stack
	folder string
}

func withFaults(t *testing.T, name string) faults {
	t.Helper()
	s := sandbox(t, name)
	folder := t.TempDir()
	s.Env = append(s.Env, cloud.EnvFaults+"="+folder)
	return faults{s, folder}
}

// bothStacks runs a test on each stack, in a sandbox of its own.
func bothStacks(t *testing.T, test func(*testing.T, faults)) {
	t.Parallel()
	for _, name := range []string{"demo", "prod"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, withFaults(t, name))
		})
	}
}

func (f faults) order(t *testing.T, operation, way string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(f.folder, operation), []byte(way), 0o600))
}

// taken are the resources that had their fault.
func (f faults) taken(t *testing.T, operation string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(f.folder, operation+".taken"))
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(t, err)
	var out []string
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(f.folder, operation+".taken", entry.Name()))
		require.NoError(t, err)
		out = append(out, string(data))
	}
	return out
}

// untilDone runs a command until it succeeds. Each run that fails has to name
// every resource that failed in it.
func (f faults) untilDone(t *testing.T, operation string, args ...string) {
	t.Helper()
	for range 60 {
		before := f.taken(t, operation)
		out, err := f.Output(args...)
		after := f.taken(t, operation)
		if err == nil {
			return
		}
		assert.NotContains(t, out, "panic")
		require.Greater(t, len(after), len(before), "a run failed without a fault: %s", out)
		for _, urn := range after {
			if !slices.Contains(before, urn) {
				assert.Contains(t, out, operation+" of "+urn[strings.LastIndex(urn, "::")+2:])
			}
		}
	}
	t.Fatal("it does not come to an end")
}

// byHand changes a thing as its console could, in a field that is updated in
// place. It reports false for what is only ever made anew: a database of a
// cluster, its user, a random password.
func byHand(token string, in map[string]any) bool {
	if meta, ok := in["metadata"].(map[string]any); ok {
		meta["labels"].(map[string]any)["by"] = "hand"
		return true
	}
	switch token {
	case "cloudflare:index/record:Record":
		in["comment"] = "by hand"
	case "digitalocean:index/databaseCluster:DatabaseCluster", "digitalocean:index/kubernetesCluster:KubernetesCluster":
		in["tags"] = []any{"by-hand"}
	case "digitalocean:index/databaseFirewall:DatabaseFirewall":
		in["rules"] = append(in["rules"].([]any), map[string]any{"type": "ip_addr", "value": "192.0.2.1"})
	case "digitalocean:index/databasePostgresqlConfig:DatabasePostgresqlConfig":
		in["tempFileLimit"] = -1
	case "digitalocean:index/vpc:Vpc":
		in["description"] = "by hand"
	case "kubernetes:helm.sh/v3:Release":
		in["timeout"] = 1
	default:
		return false
	}
	return true
}

// spoil changes every thing in the cloud a little, so that all need an update, and
// returns which were changed and which cannot be.
func spoil(t *testing.T, s enginetest.Stack) (spoilt, made []string) {
	t.Helper()
	c := cloud.At(s.CloudFolder())
	all := resources(t, s)
	for _, urn := range custom(all) {
		token, id := all[urn]["type"].(string), all[urn]["id"].(string)
		o, found, err := c.Get(token, id)
		require.NoError(t, err)
		require.True(t, found, urn)
		if !byHand(token, o.Inputs) {
			made = append(made, token[strings.LastIndex(token, ":")+1:])
			continue
		}
		require.NoError(t, c.Put(token, id, o))
		spoilt = append(spoilt, urn)
	}
	slices.Sort(made)
	return spoilt, made
}

// visitedByADestroy are the resources that a destroy asks a provider to delete:
// neither those that stay nor those that end with their cluster.
func visitedByADestroy(t *testing.T, s enginetest.Stack) []string {
	t.Helper()
	all := resources(t, s)
	return slices.DeleteFunc(custom(all), func(urn string) bool {
		r := all[urn]
		return r["retainOnDelete"] == true || r["deletedWith"] != nil
	})
}

func TestEveryResourceMayFailOnceAtEachOperation(t *testing.T) { bothStacks(t, failures) }

func failures(t *testing.T, f faults) {
	t.Helper()
	f.order(t, "create", provider.FaultError)
	f.untilDone(t, "create", "up", "--yes", "--skip-preview", "--continue-on-error")
	all := custom(resources(t, f.Stack))
	assert.Len(t, f.taken(t, "create"), len(all), "each resource failed once")
	assert.Len(t, things(t, f.Stack), len(all), "no duplicate and no orphan")
	f.Succeeds(t, "preview", "--refresh", "--expect-no-changes")

	spoilt, made := spoil(t, f.Stack)
	assert.Equal(t, []string{"DatabaseDb", "DatabaseUser", "RandomPassword", "RandomPassword"}, made, "all others are updated in place")
	f.order(t, "update", provider.FaultError)
	f.untilDone(t, "update", "up", "--yes", "--skip-preview", "--refresh", "--continue-on-error")
	assert.ElementsMatch(t, spoilt, f.taken(t, "update"))
	f.Succeeds(t, "preview", "--refresh", "--expect-no-changes")

	f.Succeeds(t, "state", "unprotect", "--all", "--yes")
	visited := visitedByADestroy(t, f.Stack)
	f.order(t, "delete", provider.FaultError)
	f.untilDone(t, "delete", "destroy", "--yes", "--skip-preview", "--continue-on-error")
	kept := map[string]int{"demo": 0, "prod": 6}[f.Name]
	assert.ElementsMatch(t, visited, f.taken(t, "delete"))
	assert.Len(t, slices.DeleteFunc(things(t, f.Stack), func(path string) bool { return strings.Contains(path, "/random/") }), kept)
	t.Logf("%d creates, %d updates and %d deletes failed once", len(all), len(spoilt), len(visited))
}

// A provider that is busy for a while is waited out by running again: each run
// says what it got from whom, and the last one leaves nothing twice.
func TestAProviderThatIsBusyForAWhileIsWaitedOut(t *testing.T) { bothStacks(t, waitOut) }

func waitOut(t *testing.T, f faults) {
	t.Helper()
	f.order(t, "create", provider.FaultBusy)
	var said strings.Builder
	for range 100 {
		out, err := f.Output("up", "--yes", "--skip-preview", "--continue-on-error")
		said.WriteString(out)
		if err == nil {
			break
		}
	}
	all := custom(resources(t, f.Stack))
	for _, urn := range all {
		for _, answer := range provider.Busy {
			assert.Contains(t, said.String(), "create of "+urn[strings.LastIndex(urn, "::")+2:]+": "+answer)
		}
	}
	assert.Len(t, f.taken(t, "create"), len(all)*len(provider.Busy))
	assert.Len(t, things(t, f.Stack), len(all), "no duplicate and no orphan")
	f.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
	t.Logf("%d answers that were none", len(all)*len(provider.Busy))
}

func TestEveryFaultyStackFileStopsTheEngineBeforeAnything(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../internal/settings/testdata/faulty/*.yaml")
	require.NoError(t, err)
	require.Greater(t, len(files), 40)
	s := sandbox(t, "demo")
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		first, _, _ := strings.Cut(string(data), "\n")
		text := "    " + strings.ReplaceAll(string(data), "\n", "\n    ")
		require.NoError(t, os.WriteFile(filepath.Join(s.Root, "Pulumi.demo.yaml"), []byte("config:\n  platform:settings:\n"+text+"\n"), 0o600))
		require.NoError(t, s.Prepare())
		out, want := s.Fails(t, "preview"), strings.TrimPrefix(first, "# want: ")
		if filepath.Base(file) == "not-yaml.yaml" {
			want = "invalid YAML file: yaml: line 3" // the engine reads it before the program does
		}
		assert.Contains(t, out, want, file)
		assert.NotContains(t, out, "panic", file)
	}
	assert.Empty(t, things(t, s))
	assert.Empty(t, custom(resources(t, s)))
}
