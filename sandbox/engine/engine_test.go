package engine_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/build"
	"github.com/genericcorp/platform/sandbox/cloud"
	"github.com/genericcorp/platform/sandbox/engine"
	"github.com/genericcorp/platform/sandbox/enginetest"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

var tools build.Tools

func TestMain(m *testing.M) {
	root, err := filepath.Abs("../..")
	if err == nil {
		tools, err = build.Engine(root, os.Stderr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := os.Setenv(envTests, strconv.Itoa(os.Getpid())); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := m.Run()
	if left := processesLeft(); len(left) > 0 {
		fmt.Fprintf(os.Stderr, "these processes outlive the tests:\n%s\n", strings.Join(left, "\n"))
		status = 1
	}
	os.Exit(status)
}

// envTests is an environment variable with the ID of this process. The processes that the tests
// start inherit it.
const envTests = "PLATFORM_ENGINE_TESTS"

// processesLeft waits at most 10 seconds for the end of all processes that the tests have started.
// It returns the command lines of those that still run.
func processesLeft() []string {
	mark := []byte("\x00" + envTests + "=" + strconv.Itoa(os.Getpid()) + "\x00")
	var left []string
	for range 100 {
		left = nil
		environments, _ := filepath.Glob("/proc/[0-9]*/environ")
		for _, path := range environments {
			// A process that has ended meanwhile has neither file.
			if data, err := os.ReadFile(path); err == nil && bytes.Contains(append([]byte{0}, data...), mark) {
				command, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
				left = append(left, strings.ReplaceAll(string(command), "\x00", " "))
			}
		}
		if len(left) == 0 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	return left
}

// newStack returns a stack of one test, with a copy of the checkout's stack file.
func newStack(t *testing.T, name string) enginetest.Stack {
	t.Helper()
	return enginetest.New(t, filepath.Join("..", ".."), name, tools)
}

// resources returns the resources in the stack's state, by URN.
func resources(t *testing.T, s enginetest.Stack) map[string]map[string]any {
	t.Helper()
	var export struct {
		Deployment struct {
			Resources []map[string]any `json:"resources"`
		} `json:"deployment"`
	}
	require.NoError(t, json.Unmarshal([]byte(s.Succeeds(t, "stack", "export")), &export))
	out := map[string]map[string]any{}
	for _, r := range export.Deployment.Resources {
		out[r["urn"].(string)] = r
	}
	return out
}

// cloudObjects returns the files of the simulated cloud that Pulumi created.
func cloudObjects(t *testing.T, s enginetest.Stack) []string {
	t.Helper()
	return slices.DeleteFunc(files(t, s), func(path string) bool {
		return notFromPulumi.MatchString(path)
	})
}

// notFromPulumi matches the files of the simulated cloud that Pulumi did not create: load
// balancers and volumes of Kubernetes, members that are leaving a VPC, the account, Helm's
// records, and the content of a database.
var notFromPulumi = regexp.MustCompile(`/digitalocean/(associated|leaving|account)-|sh\.helm\.release|/postgres/`)

// leftInCloud returns the files of the simulated cloud without random passwords. Those exist
// in the state only; their files are an artefact of the simulation.
func leftInCloud(t *testing.T, s enginetest.Stack) []string {
	t.Helper()
	return slices.DeleteFunc(files(t, s), func(path string) bool { return strings.Contains(path, "/random/") })
}

// associated returns the files of the load balancers and volumes that Kubernetes created.
// They cost money.
func associated(t *testing.T, s enginetest.Stack) []string {
	t.Helper()
	return slices.DeleteFunc(files(t, s), func(path string) bool { return !strings.Contains(path, "/digitalocean/associated-") })
}

// files returns all files of the simulated cloud.
func files(t *testing.T, s enginetest.Stack) []string {
	t.Helper()
	var out []string
	require.NoError(t, filepath.WalkDir(s.CloudFolder(), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			out = append(out, filepath.ToSlash(path))
		}
		return err
	}))
	return out
}

func TestDemoIsCreatedThenUnchangedThenDeletedCompletely(t *testing.T) {
	t.Parallel()
	s := newStack(t, "demo")
	preview := s.Succeeds(t, "preview")
	assert.Contains(t, preview, "to create")
	assert.Regexp(t, `demo costs \$\d+\.\d\d a month of at most \$80\.00`, preview)
	assert.Empty(t, cloudObjects(t, s), "a preview creates nothing")

	first := s.Up(t)
	assert.NotContains(t, first, "warning")
	assert.Contains(t, first, `"https://demo.genericcorp.com"`)
	assert.Len(t, cloudObjects(t, s), len(customResources(resources(t, s))))

	second := s.Up(t)
	assert.Regexp(t, `Resources:\n    \d+ unchanged\n`, second)

	assert.Len(t, associated(t, s), 2, "the load balancer and the volume of the metrics")
	s.Succeeds(t, "destroy", "--yes", "--skip-preview", "--remove")
	assert.Empty(t, leftInCloud(t, s), "destroy must leave nothing in the cloud")
}

// customResources returns the URNs of the resources that a provider manages, without the
// providers themselves and without stack references.
func customResources(all map[string]map[string]any) []string {
	var out []string
	for urn, r := range all {
		ours := !strings.Contains(urn, "pulumi:providers:") && r["type"] != "pulumi:pulumi:StackReference"
		if r["custom"] == true && ours {
			out = append(out, urn)
		}
	}
	return out
}

func TestAChangedImageUpdatesOnlyTheAppsDeployment(t *testing.T) {
	t.Parallel()
	s := newStack(t, "demo")
	s.Up(t)
	s.Edit(t, "    app:\n", "    app:\n      image: ghcr.io/stefanprodan/podinfo:6.9.1\n")
	out := s.Up(t)
	assert.Contains(t, out, "~ 2 updated", "the app component and its Deployment")
	assert.Contains(t, out, "~  kubernetes:apps/v1:Deployment app")
	assert.NotContains(t, out, "replaced")
}

func TestAnExpiredClusterCredentialChangesNothing(t *testing.T) {
	t.Parallel()
	s := newStack(t, "demo")
	s.Up(t)
	before := clusterToken(t, s)
	s.Succeeds(t, "refresh", "--yes", "--skip-preview")
	require.NotEqual(t, before, clusterToken(t, s), "a refresh must return a new credential")
	s.Succeeds(t, "preview", "--expect-no-changes")
	// The provider can log in with the new credential: this update writes an object.
	s.Edit(t, "concurrentUsers: 100", "concurrentUsers: 60")
	assert.NotContains(t, s.Up(t), "replaced")
}

func clusterToken(t *testing.T, s enginetest.Stack) any {
	t.Helper()
	c := cloud.At(s.CloudFolder())
	const token = "digitalocean:index/kubernetesCluster:KubernetesCluster"
	ids, err := c.IDs(token)
	require.NoError(t, err)
	require.Len(t, ids, 1)
	object, _, err := c.Get(token, ids[0])
	require.NoError(t, err)
	return object.Computed["kubeConfigs"].([]any)[0].(map[string]any)["token"]
}

func TestDriftIsFoundAndCorrected(t *testing.T) {
	bothStacks(t, func(t *testing.T, f faults) { testDrift(t, f.Stack) })
}

func testDrift(t *testing.T, s enginetest.Stack) {
	t.Helper()
	s.Up(t)
	c := cloud.At(s.CloudFolder())
	const deployment = "kubernetes:apps/v1:Deployment"
	object, found, err := c.Get(deployment, "app/app")
	require.NoError(t, err)
	require.True(t, found)
	object.Inputs["spec"].(map[string]any)["replicas"] = 7
	require.NoError(t, c.Put(deployment, "app/app", object))
	require.NoError(t, c.Delete("kubernetes:core/v1:Service", "monitoring/grafana"))

	s.Fails(t, "preview", "--refresh", "--expect-no-changes")
	out := s.Succeeds(t, "up", "--yes", "--refresh", "--skip-preview")
	assert.Contains(t, out, "~ 1 updated")
	assert.Contains(t, out, "+ 1 created")
	corrected, _, err := c.Get(deployment, "app/app")
	require.NoError(t, err)
	assert.EqualValues(t, 2, corrected.Inputs["spec"].(map[string]any)["replicas"])
	s.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
}

func TestFaultySettingsAndBillsOverBudgetRegisterNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ old, new, want string }{
		"over budget": {"    capacity:", "    cluster:\n      ha: true\n    capacity:", "over by $"},
		"two faults":  {"email: sre@genericcorp.com", "email: nobody\n    regoin: fra1", "settings.regoin"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStack(t, "demo")
			s.Edit(t, c.old, c.new)
			for _, command := range [][]string{{"preview"}, {"up", "--yes", "--skip-preview"}} {
				out := s.Fails(t, command...)
				assert.Contains(t, out, c.want)
				assert.NotContains(t, out, "panic")
			}
			assert.Empty(t, cloudObjects(t, s))
			assert.Empty(t, customResources(resources(t, s)))
		})
	}
}

func TestTenantsAreAddedAndSuspendedByTheirEntries(t *testing.T) {
	t.Parallel()
	s := newStack(t, "demo")
	s.Up(t)
	s.Edit(t, "      - name: acme\n        sampleData: true\n", "      - name: acme\n        sampleData: true\n      - name: beta\n        plan: growth\n")
	out := s.Up(t)
	assert.Contains(t, out, "+- kubernetes:batch/v1:Job reconcile", "a Job with other content must run again")
	assert.Contains(t, out, "kubernetes:networking.k8s.io/v1:Ingress route-tenants-growth")

	s.Edit(t, "      - name: beta\n        plan: growth\n", "")
	const report = "no longer declared, and so suspended; nothing of theirs is dropped: beta"
	assert.Contains(t, s.Succeeds(t, "preview"), report)
	assert.Contains(t, s.Up(t), report)
	assert.NotContains(t, s.Succeeds(t, "preview", "--expect-no-changes"), report, "the report must appear only once")

	s.Edit(t, "- name: acme", "- name: acme2")
	before := cloudObjects(t, s)
	assert.Contains(t, s.Fails(t, "up", "--yes", "--skip-preview"), "acme vanished while acme2 appeared. That looks like a rename")
	assert.Equal(t, before, cloudObjects(t, s))
}

func TestUpRefusesAResourceThatTheBillLacks(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "extra")
	build := exec.Command("go", "build", "-o", program, "./testdata/extra")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	for _, extra := range append(pulumitest.Extras(), pulumitest.Late) {
		t.Run(extra, func(t *testing.T) {
			s := newStack(t, "demo")
			s.Tools.Program = program
			s.Env = []string{"SANDBOX_EXTRA=" + extra}
			require.NoError(t, s.Prepare())
			out := s.Fails(t, "up", "--yes", "--skip-preview")
			assert.Contains(t, out, "the budget refuses urn:pulumi:demo::platform::")
			assert.Contains(t, out, "::extra")
			inState := resources(t, s)
			require.NotEmpty(t, inState)
			for urn := range inState {
				assert.False(t, strings.HasSuffix(urn, "::extra") && !strings.Contains(urn, "providers"), urn)
			}
		})
	}
}

func TestOutputsAndStateContainNoCredential(t *testing.T) {
	t.Parallel()
	s := newStack(t, "prod")
	text := s.Up(t) + s.Succeeds(t, "stack", "output", "--json") + s.Succeeds(t, "stack") + s.Succeeds(t, "preview", "--diff")
	state, err := os.ReadFile(filepath.Join(s.Folder, "state", ".pulumi", "stacks", "platform", "prod.json"))
	require.NoError(t, err)
	text += string(state)
	credentials := []string{engine.DigitalOceanToken, engine.CloudflareToken, "AVNS_", "dop_v1_", grafanaPassword(t, s)}
	for _, credential := range credentials {
		require.NotEmpty(t, credential)
		assert.NotContains(t, text, credential)
	}
}

func grafanaPassword(t *testing.T, s enginetest.Stack) string {
	t.Helper()
	return strings.TrimSpace(s.Succeeds(t, "stack", "output", "grafanaPassword", "--show-secrets"))
}

func TestSimulatedProvidersHaveTheVersionsOfTheSDKs(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile("../../go.mod")
	require.NoError(t, err)
	for name, version := range cloud.Providers {
		assert.Regexp(t, fmt.Sprintf(`pulumi-%s/sdk(/v\d+)? v%s`, name, version), string(mod))
	}
}

func TestTheEngineHasTheVersionThatGoModPins(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile("../../tools/pulumi/go.mod")
	require.NoError(t, err)
	assert.Contains(t, string(mod), "github.com/pulumi/pulumi/pkg/v3 v"+build.PulumiVersion)
}
