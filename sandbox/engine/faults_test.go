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

// faults is a stack whose operations can fail. Its folder is that of cloud.EnvFaults.
type faults struct {
	enginetest.Stack
	folder string
}

func newFaultyStack(t *testing.T, name string) faults {
	t.Helper()
	s := newStack(t, name)
	folder := t.TempDir()
	s.Env = append(s.Env, cloud.EnvFaults+"="+folder)
	return faults{s, folder}
}

// bothStacks runs a test for demo and for prod, in parallel, each with its own stack.
func bothStacks(t *testing.T, test func(*testing.T, faults)) {
	t.Parallel()
	for _, name := range []string{"demo", "prod"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newFaultyStack(t, name))
		})
	}
}

// inject makes an operation (create, update or delete) fail with a fault of package provider
// until clear.
func (f faults) inject(t *testing.T, operation, fault string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(f.folder, operation), []byte(fault), 0o600))
}

// failed returns the URNs of the resources whose operation failed, once for each fault.
func (f faults) failed(t *testing.T, operation string) []string {
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

// runUntilSuccess runs a command until it succeeds, at most 60 times. The output of each
// failed run must name every resource that failed in it.
func (f faults) runUntilSuccess(t *testing.T, operation string, args ...string) {
	t.Helper()
	for range 60 {
		before := f.failed(t, operation)
		out, err := f.Output(args...)
		after := f.failed(t, operation)
		if err == nil {
			return
		}
		assert.NotContains(t, out, "panic")
		require.Greater(t, len(after), len(before), "a run failed without an injected fault: %s", out)
		for _, urn := range after {
			if !slices.Contains(before, urn) {
				assert.Contains(t, out, operation+" of "+urn[strings.LastIndex(urn, "::")+2:])
			}
		}
	}
	t.Fatal("the command still fails after 60 runs")
}

// changeByHand changes an input that is updated in place, as a person in the cloud's
// console could. It returns false for types that have no such input: databases, database
// users and random passwords.
func changeByHand(token string, in map[string]any) bool {
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

// changeAllByHand changes every resource in the cloud, so that all need an update. It returns
// the URNs of the changed resources, and the sorted types of those that it cannot change.
func changeAllByHand(t *testing.T, s enginetest.Stack) (changed, unchanged []string) {
	t.Helper()
	c := cloud.At(s.CloudFolder())
	all := resources(t, s)
	for _, urn := range customResources(all) {
		token, id := all[urn]["type"].(string), all[urn]["id"].(string)
		o, found, err := c.Get(token, id)
		require.NoError(t, err)
		require.True(t, found, urn)
		if !changeByHand(token, o.Inputs) {
			unchanged = append(unchanged, token[strings.LastIndex(token, ":")+1:])
			continue
		}
		require.NoError(t, c.Put(token, id, o))
		changed = append(changed, urn)
	}
	slices.Sort(unchanged)
	return changed, unchanged
}

// deletedByDestroy returns the resources that a destroy asks a provider to delete. It does
// not ask for those that are retained and those that are deleted with their cluster.
func deletedByDestroy(t *testing.T, s enginetest.Stack) []string {
	t.Helper()
	all := resources(t, s)
	return slices.DeleteFunc(customResources(all), func(urn string) bool {
		r := all[urn]
		return r["retainOnDelete"] == true || r["deletedWith"] != nil
	})
}

func TestEveryResourceIsCompletedAfterEachOfItsOperationsFailedOnce(t *testing.T) {
	bothStacks(t, testFailOnce)
}

func testFailOnce(t *testing.T, f faults) {
	t.Helper()
	f.inject(t, "create", provider.FaultError)
	f.runUntilSuccess(t, "create", "up", "--yes", "--skip-preview", "--continue-on-error")
	all := customResources(resources(t, f.Stack))
	assert.Len(t, f.failed(t, "create"), len(all), "each resource failed once")
	assert.Len(t, cloudObjects(t, f.Stack), len(all), "no duplicate and no orphan")
	f.Succeeds(t, "preview", "--refresh", "--expect-no-changes")

	changed, unchanged := changeAllByHand(t, f.Stack)
	assert.Equal(t, []string{"DatabaseDb", "DatabaseUser", "RandomPassword", "RandomPassword"}, unchanged, "all other types are updated in place")
	f.inject(t, "update", provider.FaultError)
	f.runUntilSuccess(t, "update", "up", "--yes", "--skip-preview", "--refresh", "--continue-on-error")
	assert.ElementsMatch(t, changed, f.failed(t, "update"))
	f.Succeeds(t, "preview", "--refresh", "--expect-no-changes")

	f.Succeeds(t, "state", "unprotect", "--all", "--yes")
	deleted := deletedByDestroy(t, f.Stack)
	f.inject(t, "delete", provider.FaultError)
	f.runUntilSuccess(t, "delete", "destroy", "--yes", "--skip-preview", "--continue-on-error")
	kept := map[string]int{"demo": 0, "prod": 6}[f.Name]
	assert.ElementsMatch(t, deleted, f.failed(t, "delete"))
	assert.Len(t, slices.DeleteFunc(cloudObjects(t, f.Stack), func(path string) bool { return strings.Contains(path, "/random/") }), kept)
	t.Logf("%d creates, %d updates and %d deletes failed once", len(all), len(changed), len(deleted))
}

// Each run prints the transient error of each resource, and the last run leaves no
// duplicate.
func TestRepeatedUpsSucceedAfterTransientProviderErrors(t *testing.T) { bothStacks(t, testBusy) }

func testBusy(t *testing.T, f faults) {
	t.Helper()
	f.inject(t, "create", provider.FaultBusy)
	var output strings.Builder
	for range 100 {
		out, err := f.Output("up", "--yes", "--skip-preview", "--continue-on-error")
		output.WriteString(out)
		if err == nil {
			break
		}
	}
	all := customResources(resources(t, f.Stack))
	require.NotEmpty(t, all)
	for _, urn := range all {
		for _, busy := range provider.Busy {
			assert.Contains(t, output.String(), "create of "+urn[strings.LastIndex(urn, "::")+2:]+": "+busy)
		}
	}
	assert.Len(t, f.failed(t, "create"), len(all)*len(provider.Busy))
	assert.Len(t, cloudObjects(t, f.Stack), len(all), "no duplicate and no orphan")
	f.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
	t.Logf("%d creates failed with a transient error", len(all)*len(provider.Busy))
}

func TestEveryFaultyStackFileFailsThePreviewAndCreatesNothing(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../internal/settings/testdata/faulty/*.yaml")
	require.NoError(t, err)
	require.Greater(t, len(files), 40)
	s := newStack(t, "demo")
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		first, _, _ := strings.Cut(string(data), "\n")
		text := "    " + strings.ReplaceAll(string(data), "\n", "\n    ")
		require.NoError(t, os.WriteFile(filepath.Join(s.Root, "Pulumi.demo.yaml"), []byte("config:\n  platform:settings:\n"+text+"\n"), 0o600))
		require.NoError(t, s.Prepare())
		out, want := s.Fails(t, "preview"), strings.TrimPrefix(first, "# want: ")
		if filepath.Base(file) == "not-yaml.yaml" {
			want = "invalid YAML file: yaml: line 3" // the engine parses the file before the program does
		}
		assert.Contains(t, out, want, file)
		assert.NotContains(t, out, "panic", file)
	}
	assert.Empty(t, cloudObjects(t, s))
	assert.Empty(t, customResources(resources(t, s)))
}
