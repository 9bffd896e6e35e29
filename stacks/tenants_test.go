package stacks

import (
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/sandbox/postgrestest"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

// The test writes the objects of the unchanged demo stack to the folders that the Job's Pod
// would mount, runs the Job's command against a real server, and reads the sample data with
// the tenant's connection string.
func TestDemoTenantReadsItsSampleDataAfterTheJob(t *testing.T) {
	r := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(r, "demo", stackConfig(t, "demo"), Program))
	server := postgrestest.Start(t, 0)
	scripts, credentials := t.TempDir(), t.TempDir()
	mount(t, scripts, inputs(t, r, "ConfigMap", "reconcile", "data"))
	secret := maps.Clone(inputs(t, r, "Secret", "verifiers", "stringData"))
	job, ok := r.Find("kubernetes:batch/v1:Job", "reconcile")
	require.True(t, ok)
	container := pulumitest.Dig(job.Inputs, "spec.template.spec.containers").([]any)[0]
	entry := filepath.Base(pulumitest.Dig(container, "command").([]any)[1].(string))
	admin, err := url.Parse(server.URL(postgrestest.Admin))
	require.NoError(t, err)
	password, _ := admin.User.Password()
	// libpq takes the first line that matches. The test's server has another password.
	secret[tenancy.PasswordsFile] = "localhost:*:*:" + admin.User.Username() + ":" + password + "\n" + secret[tenancy.PasswordsFile].(string)
	mount(t, credentials, secret)
	command := exec.Command("sh", filepath.Join(scripts, entry))
	command.Env = append(os.Environ(), "RECONCILE="+scripts, "CREDENTIALS="+credentials, "ARCHIVE=",
		"PGHOST=localhost", "PGPORT="+strconv.Itoa(server.Port), "PGSSLROOTCERT="+server.CA)
	for name, value := range inputs(t, r, "Secret", "administrator", "stringData") {
		switch name {
		case "PGUSER", "PGDATABASE", "PGSSLMODE":
			command.Env = append(command.Env, name+"="+value.(string))
		}
	}
	out, err := command.CombinedOutput()
	require.NoError(t, err, string(out))

	given, err := url.Parse(inputs(t, r, "Secret", "tenants", "stringData")["acme.url"].(string))
	require.NoError(t, err)
	assert.Equal(t, "verify-full", given.Query().Get("sslmode"))
	given.Host = admin.Host
	given.RawQuery = admin.RawQuery
	var orders int
	require.NoError(t, postgrestest.Connect(t, given.String()).QueryRow(t.Context(), "SELECT count(*) FROM orders").Scan(&orders))
	assert.Equal(t, 200, orders)
}

// The engine starts nothing after a failure. A resource that waits for the last Job would not
// be updated when one tenant fails.
func TestTheLastJobDependsOnAllOtherResources(t *testing.T) {
	for _, stack := range stackNames {
		r := &pulumitest.Recorder{}
		require.NoError(t, pulumitest.Run(r, stack, stackConfig(t, stack), Program))
		confirmation, ok := r.Find("platform:tenants:Confirmation", "platform-"+stack)
		require.True(t, ok)
		before, checked := strings.Join(confirmation.DependsOn, "\n")+"\n", 0
		for _, g := range r.Registrations() {
			dependsOn := strings.Join(g.DependsOn, "\n")
			switch {
			case g.Name == "confirm" || strings.HasPrefix(g.Type, "pulumi:providers:") || g.Type == confirmation.Type:
			case g.Type == guardToken:
				assert.Contains(t, dependsOn, "kubernetes:batch/v1:Job::confirm")
			default:
				assert.NotContains(t, dependsOn, "confirm", g.Name)
				if g.Custom {
					assert.Contains(t, before, g.Type+"::"+g.Name+"\n")
					checked++
				}
			}
		}
		assert.Greater(t, checked, 50, "resources of %s", stack)
	}
}

func inputs(t *testing.T, r *pulumitest.Recorder, kind, name, field string) map[string]any {
	t.Helper()
	g, ok := r.Find("kubernetes:core/v1:"+kind, name)
	require.True(t, ok, name)
	return g.Inputs[field].(map[string]any)
}

func mount(t *testing.T, folder string, files map[string]any) {
	t.Helper()
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text.(string)), 0o600))
	}
}

func TestProgramRefusesTenantsThatLookRenamedSinceTheLastUpdate(t *testing.T) {
	last := resource.PropertyMap{OutputTenants: resource.NewObjectProperty(resource.PropertyMap{
		"acme": resource.NewStringProperty("active"), "gone": resource.NewStringProperty("purged"), "old": resource.NewStringProperty("archived"),
	})}
	for name, c := range map[string]struct {
		tenants []any
		refused string
	}{
		"all there":              {[]any{tenant("acme"), tenant("old")}, ""},
		"one vanishes":           {[]any{tenant("acme")}, ""},
		"a purged one vanishes":  {[]any{tenant("acme"), tenant("old"), tenant("new")}, ""},
		"one becomes another":    {[]any{tenant("acme"), tenant("older")}, "old vanished while older appeared"},
		"all vanish, one is new": {[]any{tenant("new")}, "acme, old vanished while new appeared"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &pulumitest.Recorder{Last: last}
			err := pulumitest.Run(r, "demo", with(t, stackConfig(t, "demo"), "tenants", c.tenants), Program)
			if c.refused == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.refused)
			assert.Empty(t, r.Registrations(), "nothing is registered")
		})
	}
}

func TestProgramChecksTenantStatesAgainstTheHistoryBeforeItRegistersAnything(t *testing.T) {
	record := func(state string, life float64) resource.PropertyValue {
		return resource.NewObjectProperty(resource.PropertyMap{
			"state": resource.NewStringProperty(state), "life": resource.NewNumberProperty(life), "declared": resource.NewBoolProperty(true),
		})
	}
	r := &pulumitest.Recorder{Last: resource.PropertyMap{OutputTenantHistory: resource.NewObjectProperty(resource.PropertyMap{
		"acme": record("active", 1), "gone": record("purged", 2),
	})}}
	cfg := with(t, with(t, stackConfig(t, "demo"), "archive.volumeGiB", 5), "tenants", []any{
		map[string]any{"name": "acme", "state": "purged", "confirmPurge": "acme"}, tenant("gone"),
	})
	err := pulumitest.Run(r, "demo", cfg, Program)
	require.ErrorContains(t, err, "the stack's settings have 2 faults")
	require.ErrorContains(t, err, "settings.tenants[0].state: only an archived tenant can be purged")
	require.ErrorContains(t, err, "settings.tenants[1].state: \"gone\" was purged")
	assert.Empty(t, r.Registrations())
}

func TestProgramFailsOnATenantHistoryThatItCannotRead(t *testing.T) {
	r := &pulumitest.Recorder{Last: resource.PropertyMap{OutputTenantHistory: resource.NewObjectProperty(resource.PropertyMap{
		"acme": resource.NewStringProperty("active"),
	})}}
	require.ErrorContains(t, pulumitest.Run(r, "demo", stackConfig(t, "demo"), Program), "the stack's output tenantHistory")
	assert.Empty(t, r.Registrations())
}

func TestOldHostOfARenamedTenantRedirectsOnlyIfDeclared(t *testing.T) {
	last := resource.PropertyMap{OutputTenants: resource.NewObjectProperty(resource.PropertyMap{"acme": resource.NewStringProperty("active")})}
	for _, redirect := range []bool{true, false} {
		r := &pulumitest.Recorder{Last: last}
		cfg := with(t, stackConfig(t, "demo"), "tenants", []any{map[string]any{"name": "beta", "renamedFrom": "acme", "redirectOldHost": redirect}})
		require.NoError(t, pulumitest.Run(r, "demo", cfg, Program))
		route, found := r.Find("kubernetes:networking.k8s.io/v1:Ingress", "route-moved-to-beta")
		assert.Equal(t, redirect, found)
		dynamic := inputs(t, r, "ConfigMap", "traefik", "data")["dynamic.yaml"]
		if !redirect {
			assert.NotContains(t, dynamic, "moved-to-")
			continue
		}
		assert.Equal(t, "briefly@file,moved-to-beta@file", pulumitest.Dig(route.Inputs, "metadata.annotations.traefik.ingress.kubernetes.io/router.middlewares"))
		rules := pulumitest.Dig(route.Inputs, "spec.rules").([]any)
		require.Len(t, rules, 1)
		assert.Equal(t, "acme.demo.genericcorp.com", pulumitest.Dig(rules[0], "host"))
		assert.Contains(t, dynamic, `regex: '^https://acme\.demo\.genericcorp\.com(:[0-9]+)?/(.*)$'`)
		assert.Contains(t, dynamic, "replacement: 'https://beta.demo.genericcorp.com/${2}'")
	}
}

func tenant(name string) map[string]any { return map[string]any{"name": name} }
