package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/report"
)

// repository makes a git repository with the real stack files the working folder.
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
		{"init", "-q"}, {"add", "."}, {"-c", "user.name=t", "-c", "user.email=t@genericcorp.com", "commit", "-qm", "first"},
	} {
		out, err := exec.Command("git", args...).CombinedOutput()
		require.NoError(t, err, string(out))
	}
}

// monthly returns the bill of a stack file in the working folder.
func monthly(t *testing.T, stack string) budget.Cents {
	t.Helper()
	data, err := os.ReadFile("Pulumi." + stack + ".yaml")
	require.NoError(t, err)
	planned, err := report.PlanStack(stack, data, nil)
	require.NoError(t, err)
	return planned.MonthlyCents
}

func replace(t *testing.T, file, before, after string) {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(data), before)
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(data), before, after, 1)), 0o600))
}

// runPlan returns the exit status, standard output and standard error.
func runPlan(args ...string) (int, string, string) {
	var out, errs bytes.Buffer
	status := run(args, &out, &errs)
	return status, out.String(), errs.String()
}

func TestPlanKeepsWhatTheFileOfOutputsHas(t *testing.T) {
	repository(t)
	write := func(text string) { require.NoError(t, os.WriteFile("outputs.json", []byte(text), 0o600)) }
	write(`{"url": "https://demo.genericcorp.com", "sizes": {"databaseSize": "db-s-1vcpu-2gb", "databaseVersion": "17", "monitoringGiB": 5}}`)
	status, out, errs := runPlan("-deployed", "outputs.json", "demo")
	assert.Equal(t, exitFits, status, errs)
	assert.Contains(t, out, "database: 1 × db-s-1vcpu-2gb, kept")
	assert.NotContains(t, out, "-deployed FILE")
	_, out, _ = runPlan("demo")
	assert.Contains(t, out, "database: 1 × db-s-1vcpu-1gb")
	assert.Contains(t, out, "what runs already is not known")

	write(`{"sizes": {"monitoringGiB": 50, "ha": true}}`)
	status, out, _ = runPlan("-deployed", "outputs.json", "demo")
	assert.Equal(t, exitMisfit, status)
	assert.Contains(t, out, "settings.monitoring.volumeGiB: is 5, and the running volume has 50 GiB")
	assert.Contains(t, out, "settings.cluster.ha: is false")

	for text, want := range map[string]string{
		`{"sizes": {"databaseSize": "db-other"}}`: `"db-other" is not a database size`,
		`{"url": "x"}`:   `has no output "sizes"`,
		`{"sizes": [1]}`: "write it with: pulumi stack output --json -s demo",
		`no JSON`:        "write it with: pulumi stack output --json -s demo",
		`null`:           `has no output "sizes"`,
	} {
		write(text)
		status, _, errs = runPlan("-deployed", "outputs.json", "demo")
		assert.Equal(t, exitFaulty, status)
		assert.Contains(t, errs, want)
	}
	status, _, errs = runPlan("-deployed", "outputs.json")
	assert.Equal(t, exitFaulty, status)
	assert.Contains(t, errs, "-deployed is for one stack; name it")
	status, _, errs = runPlan("-deployed", "missing.json", "demo")
	assert.Equal(t, exitFaulty, status)
	assert.Contains(t, errs, "missing.json")
}

func TestPlanPrintsAllStacksOrTheNamedOnes(t *testing.T) {
	repository(t)
	status, out, errs := runPlan()
	assert.Equal(t, exitFits, status)
	assert.Empty(t, errs)
	assert.Contains(t, out, "demo: "+monthly(t, "demo").String())
	assert.Contains(t, out, "prod: "+monthly(t, "prod").String())
	status, out, _ = runPlan("-format", "json", "prod")
	assert.Equal(t, exitFits, status)
	var decoded map[string]any
	require.NoError(t, json.Unmarshal([]byte(out), &decoded))
	assert.Len(t, decoded["stacks"], 1)
}

func TestPlanExitStatusTellsMisfitsFromFaults(t *testing.T) {
	repository(t)
	over := monthly(t, "demo") - 4000
	replace(t, "Pulumi.demo.yaml", "monthlyUsd: 80", "monthlyUsd: 40")
	status, out, _ := runPlan("demo")
	assert.Equal(t, exitMisfit, status)
	assert.Contains(t, out, "over by "+over.String())
	replace(t, "Pulumi.demo.yaml", "monthlyUsd: 40", "monthlyUsd: -3")
	replace(t, "Pulumi.prod.yaml", "zone: genericcorp.com", "zone: x")
	status, _, errs := runPlan()
	assert.Equal(t, exitFaulty, status)
	assert.Contains(t, errs, "Pulumi.demo.yaml")
	assert.Contains(t, errs, "settings.budget.monthlyUsd")
	assert.Contains(t, errs, "Pulumi.prod.yaml")
	for _, args := range [][]string{{"-format", "xml"}, {"-x"}, {"nosuch"}, {"-base", "nosuch"}} {
		status, _, errs := runPlan(args...)
		assert.Equal(t, exitFaulty, status, args)
		assert.NotEmpty(t, errs, args)
	}
	status, out, errs = runPlan("--help")
	assert.Equal(t, exitFits, status)
	assert.Contains(t, out, "Exit status")
	assert.Empty(t, errs, "--help is no error")
}

func TestPlanComparesWithTheStackFilesOfARevision(t *testing.T) {
	repository(t)
	more := 10 * catalog.BlockStorage.Unit
	after := monthly(t, "demo") + more
	replace(t, "Pulumi.demo.yaml", "concurrentUsers: 100", "concurrentUsers: 100\n    monitoring: {volumeGiB: 15}")
	require.NoError(t, os.Remove("Pulumi.prod.yaml"))
	status, out, errs := runPlan("-base", "HEAD", "-format", "markdown")
	assert.Equal(t, exitFits, status, errs)
	assert.Contains(t, out, fmt.Sprintf("| demo | %s | +%s |", after, more))
	assert.Contains(t, out, "| prod | **removed**")
}

// commitProgram makes a repository whose commit has the real program with one change, and takes the
// change back. It returns the bill of demo.
func commitProgram(t *testing.T, file, before, after string) budget.Cents {
	t.Helper()
	checkout, err := filepath.Abs("../..")
	require.NoError(t, err)
	repository(t)
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(checkout, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(name, data, 0o600))
	}
	for _, folder := range []string{"cmd/plan", "internal", "components"} {
		require.NoError(t, os.CopyFS(folder, os.DirFS(filepath.Join(checkout, folder))))
	}
	replace(t, file, before, after)
	for _, args := range [][]string{{"add", "."}, {"-c", "user.name=t", "-c", "user.email=t@genericcorp.com", "commit", "-qm", "program"}} {
		out, err := exec.Command("git", args...).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	replace(t, file, after, before)
	return monthly(t, "demo")
}

func TestPlanComparesWithWhatTheProgramOfTheRevisionPlans(t *testing.T) {
	now := commitProgram(t, "internal/workload/stack.go", "MiB: 512}, Limit: components.Resources{MiB: 768}", "MiB: 2048}, Limit: components.Resources{MiB: 2048}")
	status, out, errs := runPlan("-base", "HEAD", "demo")
	assert.Equal(t, exitFits, status, errs)
	assert.NotContains(t, out, now.String()+" before", "the stack file is the same, the program is not")
	assert.Contains(t, out, now.String()+" now (-$")
	assert.NotContains(t, out, "planned by this program")
	tracked, err := exec.Command("git", "status", "--porcelain").Output()
	require.NoError(t, err)
	assert.Equal(t, " M internal/workload/stack.go\n", string(tracked), "the comparison changes nothing in the repository")

	require.NoError(t, os.WriteFile("outputs.json", []byte(`{"sizes": {"databaseSize": "db-s-1vcpu-2gb", "monitoringGiB": 5}}`), 0o600))
	status, out, errs = runPlan("-base", "HEAD", "-deployed", "outputs.json", "demo")
	assert.Equal(t, exitFits, status, errs)
	assert.NotContains(t, out, "database size", "both programs know the size that runs")
	assert.NotContains(t, out, "planned by this program")
}

func TestPlanSaysWhyTheProgramOfTheRevisionCannotPlan(t *testing.T) {
	now := commitProgram(t, "cmd/plan/main.go", "package main", "package mein")
	status, out, errs := runPlan("-base", "HEAD", "demo")
	assert.Equal(t, exitFits, status, errs)
	assert.Contains(t, out, now.String()+" before")
	assert.Contains(t, out, "both are planned by this program, which differs from that of HEAD: its program cannot be built")
	_, out, _ = runPlan("-base", "HEAD", "-format", "markdown", "demo")
	assert.Contains(t, out, "demo: both revisions are planned by the new program: its program cannot be built")
}

func TestPlanOfAFixedFileSucceedsIfTheRevisionIsFaulty(t *testing.T) {
	repository(t)
	replace(t, "Pulumi.demo.yaml", "zone: genericcorp.com", "zone: x")
	out, err := exec.Command("git", "-c", "user.name=t", "-c", "user.email=t@genericcorp.com", "commit", "-qam", "faulty").CombinedOutput()
	require.NoError(t, err, string(out))
	replace(t, "Pulumi.demo.yaml", "zone: x", "zone: genericcorp.com")
	status, text, errs := runPlan("-base", "HEAD", "demo")
	assert.Equal(t, exitFits, status, errs)
	assert.Contains(t, text, "cannot be compared")
}

func TestPlanPlansAStackOnceIfItIsNamedTwice(t *testing.T) {
	repository(t)
	status, once, _ := runPlan("demo")
	assert.Equal(t, exitFits, status)
	status, twice, errs := runPlan("demo", "demo")
	assert.Equal(t, exitFits, status, errs)
	assert.Equal(t, once, twice)
}

func TestPlanRefusesNamesOfStacksThatDigitalOceanDoesNotAllow(t *testing.T) {
	repository(t)
	demo, err := os.ReadFile("Pulumi.demo.yaml")
	require.NoError(t, err)
	for _, name := range []string{"::error::x", "café", "a b", "-x", "a\x1b[31m", "a\nb", "my_stack", "Prod", "a.b", strings.Repeat("x", 41)} {
		require.NoError(t, os.WriteFile("Pulumi."+name+".yaml", demo, 0o600))
		status, out, errs := runPlan("--", name)
		assert.Equal(t, exitFaulty, status, name)
		assert.Empty(t, out, name)
		assert.Contains(t, errs, "is no name for a stack; write lower-case letters", name)
		assert.NotContains(t, errs, "\x1b")
		assert.Equal(t, 1, strings.Count(errs, "\n"), name)
	}
}

func TestPlanRefusesTwoStacksWithOneHostOrWithOverlappingNetworks(t *testing.T) {
	repository(t)
	demo, err := os.ReadFile("Pulumi.demo.yaml")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile("Pulumi.again.yaml", demo, 0o600))
	status, out, errs := runPlan()
	assert.Equal(t, exitFaulty, status)
	assert.Empty(t, out)
	for _, host := range []string{"demo.genericcorp.com", "grafana.demo.genericcorp.com", "acme.demo.genericcorp.com"} {
		assert.Contains(t, errs, `stack files Pulumi.again.yaml and Pulumi.demo.yaml: both have the host "`+host+`"`)
	}
	assert.Contains(t, errs, "settings.network.vpc 10.10.0.0/20 overlaps 10.10.0.0/20")

	other := strings.NewReplacer("demo.genericcorp.com", "genericcorp.com", "name: acme", "name: demo", "vpc: 10.10.", "vpc: 10.30.", "DEMO_TENANT: acme", "DEMO_TENANT: demo").Replace(string(demo))
	require.NoError(t, os.WriteFile("Pulumi.again.yaml", []byte(other), 0o600))
	status, _, errs = runPlan()
	assert.Equal(t, exitFaulty, status)
	assert.Equal(t, "plan: stack files Pulumi.again.yaml and Pulumi.demo.yaml: both have the host \"demo.genericcorp.com\"; change the domain or the tenant of one\n", errs,
		"a tenant's host is the domain of the other stack")

	elsewhere := "config:\n  platform:settings: {domain: other.genericcorp.com, zone: genericcorp.com, email: sre@genericcorp.com,\n    cluster: {kind: existing}, database: {kind: external}}\n"
	require.NoError(t, os.WriteFile("Pulumi.again.yaml", []byte(elsewhere), 0o600))
	status, _, errs = runPlan()
	assert.Equal(t, exitFits, status, "an existing cluster has no VPC of this account: %s", errs)
}

func TestPlanRefusesAStackFileThatIsAPipe(t *testing.T) {
	repository(t)
	require.NoError(t, syscall.Mkfifo("Pulumi.pipe.yaml", 0o600))
	status, _, errs := runPlan("pipe")
	assert.Equal(t, exitFaulty, status)
	assert.Contains(t, errs, "stack file Pulumi.pipe.yaml: is not a regular file")
}

func TestPlanWithBaseSaysThatGitIsMissing(t *testing.T) {
	repository(t)
	t.Setenv("PATH", t.TempDir())
	status, _, errs := runPlan("-base", "HEAD", "demo")
	assert.Equal(t, exitFaulty, status)
	assert.Contains(t, errs, "-base needs git, which is not installed")
	status, _, errs = runPlan("demo")
	assert.Equal(t, exitFits, status, errs)
}
