package stacks

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/pulumitest"
)

// rereads are the ConfigMaps and Secrets, or one key of them, whose change replaces no Pod, with
// the reason. The key is the workload. An entry that is not needed fails the test.
var rereads = map[string]map[string]string{
	"Deployment/app": {
		"ConfigMap tenants": "the app reads the list again when its file changes (docs/app-contract.md)",
		"Secret tenants":    "the app reads the connection strings again when their files change (docs/app-contract.md)",
	},
	"Deployment/vmalert": {"Secret vmalert": "Alertmanager reads it for each message"},
	"Deployment/pooler":  {"Secret pooler": "the pooler's script reloads PgBouncer when a file changes"},
	"CronJob/reconcile": {
		"ConfigMap reconcile": eachRun, "Secret administrator": eachRun, "Secret verifiers": eachRun,
	},
	"CronJob/usage": {"Secret administrator": eachRun, "Secret verifiers": eachRun},
	"Job/reconcile": {"Secret verifiers/ca.crt": scheduledRun},
	"Job/confirm":   {"Secret verifiers/ca.crt": scheduledRun},
}

const (
	eachRun      = "each run is a new Pod, which reads it"
	scheduledRun = "the Job has run; the next scheduled run reads it"
)

// constants are mounted, and no configuration changes them: only another version of the program.
var constants = []string{"CronJob/usage ConfigMap usage"}

// changes are changes of the configuration of the stack "opposite" with some options. Together
// they change everything that Pods read.
var changes = map[string]func(t *testing.T, cfg map[string]string) map[string]string{
	"another tenant": func(t *testing.T, cfg map[string]string) map[string]string {
		return with(t, cfg, "tenants", []any{tenant("acme"), tenant("beta")})
	},
	"another objective": func(t *testing.T, cfg map[string]string) map[string]string {
		return with(t, cfg, "alerts.latencyMs", 250)
	},
	"other quiet hours": func(t *testing.T, cfg map[string]string) map[string]string {
		return with(t, cfg, "alerts.quietHours", map[string]any{"from": "20:00", "to": "05:00"})
	},
	"another header": func(t *testing.T, cfg map[string]string) map[string]string {
		return with(t, cfg, "ingress.hstsIncludeSubdomains", true)
	},
	"another domain": func(t *testing.T, cfg map[string]string) map[string]string {
		return with(t, cfg, "domain", "store.genericcorp.com")
	},
	"more connections": func(t *testing.T, cfg map[string]string) map[string]string {
		return with(t, cfg, "app.databasePool", 3)
	},
	"another password of the app":           replaced("platform:databaseUrl", "canary-password", "canary-other"),
	"another password of the administrator": replaced("platform:databaseAdminUrl", "canary-admin", "canary-other"),
	"another administrator":                 replaced("platform:databaseAdminUrl", "root", "boss"),
	"another authority":                     replaced("platform:databaseCa", "PEM", "OTHER"),
	"another secret variable":               replaced("platform:appEnv", "canary-app", "canary-other"),
	"another secret of OAuth":               replaced("platform:grafanaOauthSecret", "canary-oauth", "canary-other"),
	"another address of alerts":             replaced("platform:alertWebhookUrl", "canary", "other"),
	"other random passwords":                func(_ *testing.T, cfg map[string]string) map[string]string { return cfg },
}

// replaced returns a change of one secret.
func replaced(key, before, after string) func(t *testing.T, cfg map[string]string) map[string]string {
	return func(_ *testing.T, cfg map[string]string) map[string]string {
		return plus(cfg, key, strings.ReplaceAll(cfg[key], before, after))
	}
}

// readingStack is the stack "opposite" with an option for each object that Pods read.
func readingStack(t *testing.T) map[string]string {
	t.Helper()
	cfg, all := variantConfig(t, opposite), variantConfig(t, everything)
	for _, key := range []string{"platform:appEnv", "platform:alertWebhookUrl", "platform:grafanaOauthSecret"} {
		cfg[key] = all[key]
	}
	cfg = with(t, cfg, "tenants", []any{tenant("acme")})
	cfg = with(t, cfg, "alerts", map[string]any{"webhook": "slack", "quietHours": map[string]any{"from": "22:00", "to": "06:00"}})
	return with(t, cfg, "monitoring.oauth", map[string]any{
		"clientId": "grafana", "authUrl": "https://id.genericcorp.com/a", "tokenUrl": "https://id.genericcorp.com/t", "apiUrl": "https://id.genericcorp.com/u", "allowedDomain": "genericcorp.com",
	})
}

// A Pod that does not read a file again goes on with the old one until somebody restarts it.
func TestPodsAreReplacedWhenSomethingChangesThatTheyReadOnce(t *testing.T) {
	cfg := readingStack(t)
	base := declaredWith(t, opposite, cfg)
	require.Empty(t, changedReads(base, declaredWith(t, opposite, cfg)), "two runs with the same configuration")
	changed, needed := map[string]bool{}, map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		r := &pulumitest.Recorder{Password: "a-password-of-a-test-with-32-chars"}
		if name == "other random passwords" {
			r.Password = "other-password-of-a-test-32-chars"
		}
		require.NoError(t, pulumitest.Run(r, opposite, changes[name](t, cfg), Program))
		reads := changedReads(base, r.Registrations())
		assert.NotEmpty(t, reads, "%s changes nothing that Pods read", name)
		for of, keys := range reads {
			var once []string
			for _, key := range keys {
				object, _, _ := strings.Cut(key, "/")
				changed[of+" "+object] = true
				switch {
				case rereads[of][object] != "":
					needed[of+" "+object] = true
				case rereads[of][key] != "":
					needed[of+" "+key] = true
				default:
					once = append(once, key)
				}
			}
			if len(once) > 0 {
				assert.True(t, isReplaced(base, r.Registrations(), of), "%s changes %q, and %s goes on with the old content", name, once, of)
			}
		}
	}
	for of, objects := range rereads {
		for object := range objects {
			assert.True(t, needed[of+" "+object], "%s: no change needs the exception of %s; delete it", of, object)
		}
	}
	assert.ElementsMatch(t, readPairs(base), append(slices.Collect(maps.Keys(changed)), constants...), "the changes must change each object that Pods read")
}

// kindOf returns the last part of a resource's type.
func kindOf(g pulumitest.Registration) string { return g.Type[strings.LastIndex(g.Type, ":")+1:] }

// workloadKey returns "Kind/name" of an object with Pods.
func workloadKey(g pulumitest.Registration) string { return kindOf(g) + "/" + g.Name }

// readPairs returns each object that Pods read, after their workload.
func readPairs(all []pulumitest.Registration) []string {
	var out []string
	for _, g := range all {
		if template := podTemplate(g); template != nil {
			for _, m := range mountedIn(template) {
				out = append(out, fmt.Sprintf("%s %s %s", workloadKey(g), m.kind, m.name))
			}
		}
	}
	return out
}

// changedReads returns the keys of ConfigMaps and Secrets with another content, as "Kind
// name/key", by the workload that reads them.
func changedReads(before, after []pulumitest.Registration) map[string][]string {
	out := map[string][]string{}
	for _, g := range before {
		template := podTemplate(g)
		if template == nil {
			continue
		}
		namespace := pulumitest.Dig(g.Inputs, "metadata.namespace").(string)
		for _, m := range mountedIn(template) {
			old, fresh := contents(before, namespace, m), contents(after, namespace, m)
			keys := maps.Clone(old)
			maps.Copy(keys, fresh)
			for _, key := range slices.Sorted(maps.Keys(keys)) {
				if old[key] != fresh[key] {
					out[workloadKey(g)] = append(out[workloadKey(g)], m.kind+" "+m.name+"/"+key)
				}
			}
		}
	}
	return out
}

func contents(all []pulumitest.Registration, namespace string, m mounted) map[string]any {
	g, _ := named(all, coreGroup+m.kind, namespace, m.name)
	out := map[string]any{}
	for _, field := range []string{"data", "stringData"} {
		values, _ := g.Inputs[field].(map[string]any)
		maps.Copy(out, values)
	}
	return out
}

// isReplaced reports whether a workload's Pods have another checksum, or a Job another name.
func isReplaced(before, after []pulumitest.Registration, of string) bool {
	identity := func(all []pulumitest.Registration) map[string]any {
		out := map[string]any{}
		for _, g := range all {
			if template := podTemplate(g); template != nil && workloadKey(g) == of {
				annotations, _ := pulumitest.Dig(template, "metadata.annotations").(map[string]any)
				for name, value := range annotations {
					if strings.HasPrefix(name, "checksum/") {
						out[name] = value
					}
				}
				out["name"] = pulumitest.Dig(g.Inputs, "metadata.name")
			}
		}
		return out
	}
	return !reflect.DeepEqual(identity(before), identity(after))
}
