// Package repository tests the repository as a whole: imports, the runbook, the GitHub
// workflows, and Renovate's configuration. It has no code of its own.
package repository_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/genericcorp/platform/"

// floors has, for each folder, the project's own packages that it may import. An entry that
// ends in a slash allows everything below it. Imports point down only: from main.go to
// stacks, from there to components, and from there to internal.
var floors = map[string][]string{
	".":                       {"stacks"},
	"cmd/plan":                {"internal/lifecycle", "internal/names", "internal/report", "internal/settings"},
	"cmd/ops":                 {"internal/adopt", "internal/budget", "internal/catalog", "internal/lifecycle", "internal/onboarding", "internal/report", "internal/resize", "internal/settings", "internal/sizing", "internal/tenancy", "internal/usage/monthly"},
	"stacks":                  {"components/", "internal/budget", "internal/catalog", "internal/lifecycle", "internal/meter", "internal/names", "internal/pgurl", "internal/settings", "internal/sizing", "internal/workload"},
	"examples/one-component":  {"components", "components/"},
	"components":              {},
	"components/admission":    {"internal/catalog", "internal/kube", "internal/workload"},
	"components/app":          {"components", "internal/kube", "internal/pgurl", "internal/routes", "internal/settings", "internal/tenancy", "internal/workload"},
	"components/tenants":      {"components", "internal/kube", "internal/pgurl", "internal/settings", "internal/tenancy", "internal/usage", "internal/workload"},
	"components/pooler":       {"components", "internal/kube", "internal/settings", "internal/tenancy", "internal/workload"},
	"components/certificates": {"components", "internal/kube", "internal/routes", "internal/workload"},
	"components/cluster":      {"internal/budget", "internal/catalog"},
	"components/dns":          {"internal/names"},
	"components/ingress":      {"components", "internal/catalog", "internal/kube", "internal/routes", "internal/settings", "internal/workload"},
	"components/monitoring":   {"components", "internal/alerts", "internal/budget", "internal/dashboards", "internal/kube", "internal/routes", "internal/tenancy", "internal/workload"},
	"components/postgres":     {"internal/catalog", "internal/pgurl"},
	"components/uptime":       {},
	"internal/adopt":          {},
	"internal/alerts":         {"internal/budget", "internal/catalog", "internal/usage", "internal/workload"},
	"internal/onboarding":     {"internal/budget", "internal/lifecycle", "internal/names", "internal/settings", "internal/sizing", "internal/workload"},
	"internal/dashboards":     {"internal/alerts", "internal/budget", "internal/catalog", "internal/usage", "internal/workload"},
	"internal/resize":         {"internal/budget", "internal/catalog"},
	"internal/kube":           {"components", "internal/workload"},
	"internal/routes":         {"internal/kube", "internal/settings", "internal/workload"},
	"internal/report":         {"internal/budget", "internal/catalog", "internal/lifecycle", "internal/names", "internal/settings", "internal/sizing", "internal/workload"},
	"internal/lifecycle":      {"internal/catalog", "internal/settings"},
	"internal/meter":          {"internal/budget", "internal/catalog"},
	"internal/sizing":         {"components", "internal/budget", "internal/catalog", "internal/settings", "internal/workload"},
	"internal/tenancy":        {"internal/names", "internal/pgurl", "internal/settings"},
	"internal/usage":          {"internal/workload"},
	"internal/usage/monthly":  {"internal/budget", "internal/settings", "internal/usage"},
	"internal/workload":       {"components", "internal/settings"},
	"internal/settings":       {"components", "internal/budget", "internal/catalog", "internal/names"},
	"internal/catalog":        {"internal/budget"},
	"internal/budget":         {},
	"internal/names":          {},
	"internal/pgurl":          {},
	"sandbox":                 {"sandbox/build", "sandbox/cloud", "sandbox/demo", "sandbox/digitalocean", "sandbox/engine"},
	"sandbox/bench":           {"sandbox/build", "sandbox/cloud", "sandbox/demo", "sandbox/engine", "sandbox/load", "sandbox/machine"},
	"sandbox/cluster":         {"sandbox/authority", "sandbox/cloud", "sandbox/cluster/"},

	"sandbox/cluster/chart":        {},
	"sandbox/cluster/containers":   {"internal/workload", "sandbox/cloud", "sandbox/cluster/", "sandbox/machine", "sandbox/postgres"},
	"sandbox/cluster/controlplane": {"sandbox/authority", "sandbox/cluster/vpc", "sandbox/machine"},
	"sandbox/cluster/docker":       {"sandbox/cluster/vpc"},
	"sandbox/cluster/fakecloud":    {"internal/catalog", "sandbox/authority", "sandbox/cloud"},
	"sandbox/cluster/images":       {},
	"sandbox/cluster/machines":     {"internal/catalog", "sandbox/cloud", "sandbox/cluster/"},
	"sandbox/cluster/node":         {"sandbox/cluster/vpc", "sandbox/machine"},
	"sandbox/cluster/standin":      {"internal/dashboards"},
	"sandbox/cluster/vpc":          {},

	"sandbox/digitalocean": {"sandbox/cloud", "internal/catalog"},

	"sandbox/authority":    {},
	"sandbox/build":        {},
	"sandbox/debian":       {},
	"sandbox/demo":         {"internal/settings", "internal/workload", "sandbox/apiserver", "sandbox/build", "sandbox/debian", "sandbox/engine", "sandbox/load", "sandbox/machine"},
	"sandbox/engine":       {"sandbox/build", "sandbox/cloud"},
	"sandbox/enginetest":   {"sandbox/build", "sandbox/engine"},
	"sandbox/golden":       {},
	"sandbox/load":         {},
	"sandbox/machine":      {},
	"sandbox/postgres":     {"sandbox/authority", "sandbox/machine"},
	"sandbox/postgrestest": {"sandbox/debian", "sandbox/machine", "sandbox/postgres"},
	"sandbox/pulumitest":   {"sandbox/provider"},
	"sandbox/plugin":       {"sandbox/provider"},
	"sandbox/provider":     {"sandbox/apiserver", "sandbox/cloud", "internal/catalog", "internal/lifecycle", "internal/settings", "internal/tenancy"},
	"sandbox/apiserver":    {},
	"sandbox/cloud":        {},

	// AgentHQ is a module of its own. It uses nothing of the platform, except in tests.
	"showcase/browser":           {},
	"showcase/cmd/agenthq":       {"showcase/internal/config", "showcase/internal/offsite", "showcase/internal/server"},
	"showcase/internal/accounts": {"showcase/internal/rows"},
	"showcase/internal/api":      {"showcase/internal/accounts", "showcase/internal/ops", "showcase/internal/runs", "showcase/internal/site", "showcase/internal/throttle"},
	"showcase/internal/config":   {},
	"showcase/internal/demo":     {"showcase/internal/accounts", "showcase/internal/runs", "showcase/internal/site"},
	"showcase/internal/migrate":  {"showcase/internal/tenants"},
	"showcase/internal/offsite":  {"showcase/internal/config"},
	"showcase/internal/ops":      {"showcase/internal/migrate", "showcase/internal/tenants"},
	"showcase/internal/pgtest":   {"sandbox/postgrestest", "showcase/internal/migrate", "showcase/internal/tenants"},
	"showcase/internal/rows":     {},
	"showcase/internal/runs":     {"showcase/internal/rows"},
	"showcase/internal/server":   {"showcase/internal/"},
	"showcase/internal/site":     {"showcase/internal/runs", "showcase/internal/tenants"},
	"showcase/internal/tenants":  {},
	"showcase/internal/throttle": {},
	"showcase/internal/web":      {"showcase/internal/accounts", "showcase/internal/demo", "showcase/internal/ops", "showcase/internal/runs", "showcase/internal/site", "showcase/internal/tenants", "showcase/internal/throttle"},
}

// withPulumi are the folders that may import Pulumi. No other folder may.
var withPulumi = []string{".", "examples/", "stacks", "components/", "internal/kube", "internal/routes", "sandbox/"}

// heavyPackages are packages of Pulumi's Kubernetes SDK that import every API group. With
// one of them a build without a cache takes twice as long (docs/benchmarks.md).
var heavyPackages = []string{"kubernetes/helm/v3", "kubernetes/yaml", "kubernetes/kustomize"}

func TestPackagesImportOnlyWhatTheirFloorAllows(t *testing.T) {
	seen := map[string]bool{}
	for _, path := range sources(t) {
		folder := filepath.ToSlash(filepath.Dir(strings.TrimPrefix(path, "../../")))
		seen[folder] = true
		checkImports(t, folder, path)
	}
	for folder := range floors {
		assert.True(t, seen[folder], "there is no folder %s; remove it from floors", folder)
	}
}

// sources returns the project's Go files, without tests and without tools/.
func sources(t *testing.T) []string {
	t.Helper()
	var out []string
	require.NoError(t, filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(entry.Name(), ".") && path != "../.."
		if entry.IsDir() && (hidden || entry.Name() == "testdata" || entry.Name() == "tools") {
			return fs.SkipDir
		}
		if filepath.Ext(path) == ".go" && !strings.HasSuffix(path, "_test.go") {
			out = append(out, path)
		}
		return nil
	}))
	return out
}

func checkImports(t *testing.T, folder, path string) {
	t.Helper()
	allowed, known := floors[folder]
	if !assert.True(t, known, "floors has no entry for the folder %s; add it", folder) {
		return
	}
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	require.NoError(t, err)
	for _, spec := range file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		require.NoError(t, err)
		if ours, ok := strings.CutPrefix(name, module); ok {
			assert.True(t, isIn(ours, allowed), "%s imports %s, and floors does not allow it", path, ours)
		}
		if strings.HasPrefix(name, "github.com/pulumi/") {
			assert.True(t, isIn(folder, withPulumi), "%s imports Pulumi, and withPulumi does not allow it", path)
		}
		for _, heavy := range heavyPackages {
			assert.NotContains(t, name, heavy, path)
		}
	}
}

// isIn reports whether a list has a folder, or an entry with a slash at its end above it.
func isIn(folder string, list []string) bool {
	for _, allowed := range list {
		if folder == allowed || strings.HasSuffix(allowed, "/") && strings.HasPrefix(folder+"/", allowed) {
			return true
		}
	}
	return false
}

// calls returns the selectors that a file calls, such as NewProvider in
// digitalocean.NewProvider().
func calls(file *ast.File) []string {
	var out []string
	ast.Inspect(file, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if selector, ok := call.Fun.(*ast.SelectorExpr); ok {
				out = append(out, selector.Sel.Name)
			}
		}
		return true
	})
	return out
}

func TestOnlyTheProvidersFileConstructsProviders(t *testing.T) {
	var constructs []string
	for _, path := range sources(t) {
		// An example has one file, and its own stack. AgentHQ has providers of goose only.
		if strings.HasPrefix(path, "../../examples/") || strings.HasPrefix(path, "../../showcase/") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		if slices.Contains(calls(file), "NewProvider") {
			constructs = append(constructs, path)
		}
	}
	assert.Equal(t, []string{"../../stacks/providers.go"}, constructs)
}

// A transform could change inputs after the meter has priced them.
func TestOnlyTheMeterHasTransforms(t *testing.T) {
	transforms := []string{
		"RegisterResourceTransform", "RegisterStackTransform", "RegisterStackTransformation", "RegisterInvokeTransform", "Transforms", "Transformations",
	}
	var with []string
	for _, path := range sources(t) {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		if slices.ContainsFunc(calls(file), func(name string) bool { return slices.Contains(transforms, name) }) {
			with = append(with, path)
		}
	}
	slices.Sort(with)
	assert.Equal(t, []string{
		"../../sandbox/pulumitest/extra.go", // a planted transform, which the meter must refuse
		"../../stacks/meter.go",
		"../../stacks/registered.go", // it only records
	}, with)
}
