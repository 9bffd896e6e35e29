package provider_test

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/cloud"
	"github.com/genericcorp/platform/sandbox/provider"
)

type object = map[string]any

func props(o object) resource.PropertyMap { return resource.NewPropertyMapFromMap(o) }

// account is one simulated cloud with all its providers. Its methods call the provider of
// a resource type.
type account struct {
	t     *testing.T
	cloud cloud.Cloud
}

func newAccount(t *testing.T) account { return account{t, cloud.At(t.TempDir())} }

func (a account) provider(token string) *provider.Provider {
	a.t.Helper()
	name, _, _ := strings.Cut(token, ":")
	p, err := provider.New(name, a.cloud)
	require.NoError(a.t, err)
	return p
}

func (a account) check(token string, inputs object) string {
	a.t.Helper()
	response, err := a.provider(token).Check(a.t.Context(), plugin.CheckRequest{Name: "x", Type: tokens.Type(token), News: props(inputs)})
	require.NoError(a.t, err)
	var out []string
	for _, failure := range response.Failures {
		out = append(out, string(failure.Property)+": "+failure.Reason)
	}
	return strings.Join(out, "\n")
}

func (a account) create(token string, inputs object) (string, error) {
	a.t.Helper()
	response, err := a.provider(token).Create(a.t.Context(), plugin.CreateRequest{Name: "x", Type: tokens.Type(token), Properties: props(inputs)})
	return string(response.ID), err
}

func (a account) remove(token, id string, timeout float64) error {
	a.t.Helper()
	_, err := a.provider(token).Delete(a.t.Context(), plugin.DeleteRequest{Type: tokens.Type(token), ID: resource.ID(id), Timeout: timeout})
	return err
}

func (a account) invoke(token string, args object) (object, error) {
	a.t.Helper()
	response, err := a.provider(token).Invoke(a.t.Context(), plugin.InvokeRequest{Tok: tokens.ModuleMember(token), Args: props(args)})
	return response.Properties.Mappable(), err
}

func (a account) diff(token string, before, after object) plugin.DiffResult {
	a.t.Helper()
	result, err := a.provider(token).Diff(a.t.Context(), plugin.DiffRequest{
		Type: tokens.Type(token), OldInputs: props(before), NewInputs: props(after),
	})
	require.NoError(a.t, err)
	return result
}

const (
	vpc        = "digitalocean:index/vpc:Vpc"
	cluster    = "digitalocean:index/kubernetesCluster:KubernetesCluster"
	database   = "digitalocean:index/databaseCluster:DatabaseCluster"
	firewall   = "digitalocean:index/databaseFirewall:DatabaseFirewall"
	record     = "cloudflare:index/record:Record"
	namespace  = "kubernetes:core/v1:Namespace"
	configMap  = "kubernetes:core/v1:ConfigMap"
	deployment = "kubernetes:apps/v1:Deployment"
	issuer     = "kubernetes:cert-manager.io/v1:ClusterIssuer"
)

func TestDiffReplacesAResourceOnlyForInputsThatCannotChange(t *testing.T) {
	a := newAccount(t)
	pool := func(size string, count int) object {
		return object{"region": "fra1", "nodePool": object{"size": size, "nodeCount": count}}
	}
	for name, c := range map[string]struct {
		token         string
		before, after object
		replaced      bool
	}{
		"region":         {cluster, object{"region": "fra1"}, object{"region": "ams3"}, true},
		"pool size":      {cluster, pool("s-2vcpu-4gb", 1), pool("s-4vcpu-8gb", 1), true},
		"pool count":     {cluster, pool("s-2vcpu-4gb", 1), pool("s-2vcpu-4gb", 2), false},
		"zone":           {record, object{"zoneId": "a"}, object{"zoneId": "b"}, true},
		"content":        {record, object{"content": "192.0.2.1"}, object{"content": "192.0.2.2"}, false},
		"database size":  {database, object{"size": "db-s-1vcpu-1gb"}, object{"size": "db-s-1vcpu-2gb"}, false},
		"database name":  {database, object{"name": "a"}, object{"name": "b"}, true},
		"object's name":  {configMap, object{"metadata": object{"name": "a"}}, object{"metadata": object{"name": "b"}}, true},
		"selector":       {deployment, object{"spec": object{"selector": object{"a": "1"}}}, object{"spec": object{"selector": object{"a": "2"}}}, true},
		"replicas":       {deployment, object{"spec": object{"replicas": 1}}, object{"spec": object{"replicas": 2}}, false},
		"password rules": {"random:index/randomPassword:RandomPassword", object{"length": 8}, object{"length": 9}, true},
	} {
		result := a.diff(c.token, c.before, c.after)
		assert.Equal(t, plugin.DiffSome, result.Changes, name)
		assert.Equal(t, c.replaced, len(result.ReplaceKeys) > 0, name)
	}
	assert.Equal(t, plugin.DiffNone, a.diff(cluster, pool("s-2vcpu-4gb", 1), pool("s-2vcpu-4gb", 1)).Changes)
}

func TestDiffConfigReplacesOnlyForAnotherCluster(t *testing.T) {
	p := newAccount(t).provider("kubernetes:")
	diff := func(before, after object) plugin.DiffResult {
		result, err := p.DiffConfig(t.Context(), plugin.DiffConfigRequest{OldInputs: props(before), NewInputs: props(after)})
		require.NoError(t, err)
		return result
	}
	assert.Empty(t, diff(object{"kubeconfig": "a", "clusterIdentifier": "1"}, object{"kubeconfig": "b", "clusterIdentifier": "1"}).ReplaceKeys)
	assert.NotEmpty(t, diff(object{"kubeconfig": "a"}, object{"kubeconfig": "b"}).ReplaceKeys, "without clusterIdentifier it may be another cluster")
	assert.NotEmpty(t, diff(object{"clusterIdentifier": "1"}, object{"clusterIdentifier": "2"}).ReplaceKeys)
}

// podDeployment returns a valid Deployment whose Pod specification was passed to change.
func podDeployment(change func(spec object)) object {
	spec := object{
		"containers": []any{object{"name": "app", "image": "app:1", "resources": object{
			"requests": object{"memory": "64Mi"}, "limits": object{"memory": "128Mi"},
		}}},
	}
	change(spec)
	return object{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": object{"name": "app", "namespace": "app"},
		"spec": object{
			"selector": object{"matchLabels": object{"app": "app"}},
			"template": object{"metadata": object{"labels": object{"app": "app"}}, "spec": spec},
		},
	}
}

// container returns the only container of a Pod specification.
func container(spec object) object { return spec["containers"].([]any)[0].(object) }

func TestCheckRefusesObjectsThatTheAPIServerRefuses(t *testing.T) {
	a := newAccount(t)
	assert.Empty(t, a.check(deployment, podDeployment(func(object) {})))
	for want, change := range map[string]func(object){
		`unknown field "spec.template.spec.nodeSelectr"`: func(s object) { s["nodeSelectr"] = object{} },
		"quantities must match":                          func(s object) { container(s)["resources"] = object{"requests": object{"memory": "lots"}} },
		"cannot unmarshal string":                        func(s object) { s["terminationGracePeriodSeconds"] = "30" },
		"is below the request": func(s object) {
			container(s)["resources"] = object{"requests": object{"memory": "2Gi"}, "limits": object{"memory": "1Gi"}}
		},
		"has no volume with that name": func(s object) { container(s)["volumeMounts"] = []any{object{"name": "data", "mountPath": "/data"}} },
		"has no port with that name":   func(s object) { container(s)["livenessProbe"] = object{"httpGet": object{"port": "http"}} },
	} {
		assert.Contains(t, a.check(deployment, podDeployment(change)), want)
	}
	mismatch := podDeployment(func(object) {})
	mismatch["spec"].(object)["selector"] = object{"matchLabels": object{"app": "other"}}
	assert.Contains(t, a.check(deployment, mismatch), "does not match the template's labels")
	assert.Contains(t, a.check(configMap, object{"apiVersion": "v1", "kind": "Secret", "metadata": object{"name": "x", "namespace": "y"}}), "kind:")
	assert.Contains(t, a.check(configMap, object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": object{"name": "x"}}), "metadata.namespace")
	assert.Contains(t, a.check(issuer, object{
		"apiVersion": "cert-manager.io/v1", "kind": "ClusterIssuer", "metadata": object{"name": "x"},
		"spec": object{"acme": object{"servr": "https://example.com"}},
	}), `unknown field "spec.acme.servr"`)
}

func TestCheckRefusesUnknownMissingAndInvalidInputs(t *testing.T) {
	a := newAccount(t)
	assert.Contains(t, a.check(vpc, object{"region": "fra1", "ip_range": "10.0.0.0/20"}), `has no property "ip_range"`)
	assert.Contains(t, a.check(vpc, object{"region": "moon1"}), "is not a region")
	assert.Contains(t, a.check(cluster, object{"region": "fra1"}), "nodePool: is required")
	assert.Contains(t, a.check(cluster, object{"region": "fra1", "version": "1.2", "nodePool": object{"size": "huge"}}), "not a node size")
	assert.Contains(t, a.check(firewall, object{"clusterId": "x", "rules": []any{}}), "open to the Internet")
	assert.Contains(t, a.check(record, object{"zoneId": "z", "name": "a", "type": "A", "content": "nowhere"}), "is not an IPv4 address")
	assert.Contains(t, a.check(record, object{"zoneId": "z", "name": "a", "type": "CAA", "data": object{"tag": "issue"}}), "needs flags, tag and value")
}

// restricted returns a namespace that enforces the Pod Security standard "restricted".
func restricted(name string) object {
	return object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{
		"name": name, "labels": object{"pod-security.kubernetes.io/enforce": "restricted"},
	}}
}

func TestCreateRefusesAnObjectWhoseReferencesDoNotExist(t *testing.T) {
	a := newAccount(t)
	_, err := a.create(deployment, podDeployment(func(object) {}))
	require.ErrorContains(t, err, `Namespace "app" not found`)
	_, err = a.create(namespace, restricted("app"))
	require.NoError(t, err)
	for want, change := range map[string]func(object){
		`ServiceAccount "app/app"`: func(s object) { s["serviceAccountName"] = "app" },
		`Secret "app/tls"`:         func(s object) { s["volumes"] = []any{object{"name": "v", "secret": object{"secretName": "tls"}}} },
		`Secret "app/login"`:       func(s object) { s["imagePullSecrets"] = []any{object{"name": "login"}} },
		`ConfigMap "app/config"`:   func(s object) { s["volumes"] = []any{object{"name": "v", "configMap": object{"name": "config"}}} },
		`PersistentVolumeClaim "app/data"`: func(s object) {
			s["volumes"] = []any{object{"name": "v", "persistentVolumeClaim": object{"claimName": "data"}}}
		},
		`Secret "app/db"`: func(s object) {
			container(s)["env"] = []any{object{"name": "URL", "valueFrom": object{"secretKeyRef": object{"name": "db", "key": "url"}}}}
		},
	} {
		_, err := a.create(deployment, podDeployment(change))
		require.ErrorContains(t, err, want)
	}
	_, err = a.create(configMap, object{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": object{"name": "config", "namespace": "app"}, "data": object{"a": "1"},
	})
	require.NoError(t, err)
	_, err = a.create(deployment, podDeployment(func(s object) {
		s["volumes"] = []any{object{"name": "v", "configMap": object{"name": "config", "items": []any{object{"key": "b", "path": "b"}}}}}
	}))
	require.ErrorContains(t, err, `the key "b" of ConfigMap "app/config"`)
	_, err = a.create(issuer, object{"apiVersion": "cert-manager.io/v1", "kind": "ClusterIssuer", "metadata": object{"name": "x"}})
	require.ErrorContains(t, err, "no matches for kind")
}

func TestCreateRefusesPodsThatViolateTheNamespacesPodSecurity(t *testing.T) {
	a := newAccount(t)
	_, err := a.create(namespace, restricted("app"))
	require.NoError(t, err)
	_, err = a.create(deployment, podDeployment(func(object) {}))
	require.ErrorContains(t, err, `violates PodSecurity "restricted"`)
	_, err = a.create(deployment, podDeployment(func(s object) {
		s["securityContext"] = object{"runAsNonRoot": true, "seccompProfile": object{"type": "RuntimeDefault"}}
		container(s)["securityContext"] = object{"allowPrivilegeEscalation": false, "capabilities": object{"drop": []any{"ALL"}}}
	}))
	require.NoError(t, err)
}

func TestConfigureRefusesAnExpiredTokenButNotDoctl(t *testing.T) {
	a := newAccount(t)
	network, err := a.create(vpc, object{"region": "fra1"})
	require.NoError(t, err)
	id, err := a.create(cluster, object{
		"region": "fra1", "version": "1.36.1-do.0", "vpcUuid": network, "nodePool": object{"size": "s-2vcpu-4gb", "nodeCount": 1},
	})
	require.NoError(t, err)
	token := func() string {
		o, _, err := a.cloud.Get(cluster, id)
		require.NoError(t, err)
		return o.Computed["kubeConfigs"].([]any)[0].(object)["token"].(string)
	}
	login := func(user string) error {
		config := `{"clusters":[{"cluster":{"server":"https://` + id + `.k8s.ondigitalocean.com"}}],"users":[{"user":` + user + `}]}`
		_, err := a.provider("kubernetes:").Configure(t.Context(), plugin.ConfigureRequest{Inputs: props(object{"kubeconfig": config})})
		return err
	}
	static := `{"token":"` + token() + `"}`
	doctl := `{"exec":{"command":"doctl","args":["exec-credential","` + id + `"]}}`
	t.Setenv("DIGITALOCEAN_ACCESS_TOKEN", "token")
	require.NoError(t, login(static))
	require.NoError(t, login(doctl))
	_, err = a.provider(cluster).Read(t.Context(), plugin.ReadRequest{Type: tokens.Type(cluster), ID: resource.ID(id)})
	require.NoError(t, err)
	require.ErrorContains(t, login(static), "Unauthorized")
	require.NoError(t, login(doctl))
	require.ErrorContains(t, login(`{"exec":{"command":"doctl","args":["no-such-cluster"]}}`), "no cluster")
	t.Setenv("DIGITALOCEAN_ACCESS_TOKEN", "")
	require.ErrorContains(t, login(doctl), "access token is required", "doctl does not read the provider's other variable")
}

func TestReadKeepsSecretInputsSecret(t *testing.T) {
	a := newAccount(t)
	_, err := a.create(namespace, restricted("app"))
	require.NoError(t, err)
	inputs := props(object{"apiVersion": "v1", "kind": "Secret", "metadata": object{"name": "s", "namespace": "app"}})
	inputs["stringData"] = resource.MakeSecret(resource.NewObjectProperty(props(object{"password": "hunter2"})))
	_, err = a.provider(secret).Create(t.Context(), plugin.CreateRequest{Name: "s", Type: secret, Properties: inputs})
	require.NoError(t, err)
	read, err := a.provider(secret).Read(t.Context(), plugin.ReadRequest{Type: secret, ID: "app/s", Inputs: inputs, State: inputs})
	require.NoError(t, err)
	assert.True(t, read.Inputs["stringData"].IsSecret())
	assert.True(t, read.Outputs["stringData"].IsSecret())
}

// idOf returns the first ID of a list.
func idOf(ids []string) resource.ID { return resource.ID(ids[0]) }
