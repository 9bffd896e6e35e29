package provider

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"sigs.k8s.io/yaml"

	"github.com/genericcorp/platform/sandbox/apiserver"
	"github.com/genericcorp/platform/sandbox/cloud"
)

// kubernetes simulates the Kubernetes provider. If api is nil it simulates the API server
// too, otherwise it applies objects to that real one.
type kubernetes struct {
	cloud cloud.Cloud
	api   *apiserver.Client
	options
}

// options are the provider's inputs that change how it treats objects. The default of
// each is false (provider.go, DiffConfig and Configure, of pulumi-kubernetes 4.33).
type options struct {
	// secretMutable and configMapMutable make a change of data update the object in
	// place. Otherwise it replaces the object (diff.go, forceNewProperties).
	secretMutable, configMapMutable bool
	// upsert makes a create adopt an object that exists. Otherwise the create fails.
	upsert bool
}

func optionsOf(inputs resource.PropertyMap) options {
	set := func(key resource.PropertyKey) bool {
		value := inputs[key]
		// The engine passes nested and boolean inputs of a provider as JSON text.
		return value.IsBool() && value.BoolValue() || value.IsString() && value.StringValue() == "true"
	}
	return options{
		secretMutable: set("enableSecretMutable"), configMapMutable: set("enableConfigMapMutable"), upsert: set("upsertExistingObjects"),
	}
}

func newKubernetes(c cloud.Cloud) (*kubernetes, error) {
	k := &kubernetes{cloud: c}
	var err error
	if path := os.Getenv(cloud.EnvKubeconfig); path != "" {
		k.api, err = apiserver.New(path)
	}
	return k, err
}

func (k *kubernetes) invoke(token string, _ resource.PropertyMap) (resource.PropertyMap, error) {
	return nil, notSimulated(token)
}

// kubeconfig has the fields that the sandbox checks.
type kubeconfig struct {
	Clusters []struct {
		Cluster struct {
			Server string `json:"server"`
			CA     string `json:"certificate-authority-data"`
		} `json:"cluster"`
	} `json:"clusters"`
	Users []struct {
		User struct {
			Token string `json:"token"`
			Exec  *struct {
				Command string   `json:"command"`
				Args    []string `json:"args"`
			} `json:"exec"`
		} `json:"user"`
	} `json:"users"`
}

// configure checks the kubeconfig and logs in with it. An error says what the real provider
// could not use.
func (k *kubernetes) configure(inputs resource.PropertyMap) error {
	k.options = optionsOf(inputs)
	config := inputs["kubeconfig"]
	if config.IsComputed() {
		return nil // a preview before the cluster exists
	}
	if !config.IsString() || config.StringValue() == "" {
		return errors.New("kubernetes: no kubeconfig; without one the real provider uses the default kubeconfig of this machine")
	}
	var parsed kubeconfig
	if err := yaml.Unmarshal([]byte(config.StringValue()), &parsed); err != nil {
		return errors.New("kubernetes: the kubeconfig is not valid YAML") // not err, which may quote a token
	}
	if len(parsed.Clusters) == 0 || len(parsed.Users) == 0 || !strings.HasPrefix(parsed.Clusters[0].Cluster.Server, "https://") {
		return errors.New("kubernetes: the kubeconfig must have a cluster with an https:// server, and a user")
	}
	if _, err := base64.StdEncoding.DecodeString(parsed.Clusters[0].Cluster.CA); err != nil {
		return errors.New("kubernetes: the kubeconfig's certificate-authority-data is not base64")
	}
	return k.login(parsed)
}

// login checks the kubeconfig's credential: a command of doctl, or a token. A token is
// valid until the cloud returns another one.
func (k *kubernetes) login(config kubeconfig) error {
	user := config.Users[0].User
	if user.Exec != nil {
		if user.Exec.Command != "doctl" || len(user.Exec.Args) == 0 {
			return fmt.Errorf("kubernetes: the sandbox does not simulate the kubeconfig's command %q, only doctl with arguments", user.Exec.Command)
		}
		id := user.Exec.Args[len(user.Exec.Args)-1]
		_, found, err := k.cloud.Get(tokenCluster, id)
		if err == nil && !found {
			err = fmt.Errorf("kubernetes: doctl: no cluster %q", id)
		}
		if os.Getenv(envDoctl) == "" { // the simulated doctl has no configuration file
			err = errors.Join(err, fmt.Errorf("kubernetes: doctl: access token is required; %s is not set", envDoctl))
		}
		return err
	}
	ids, err := k.cloud.IDs(tokenCluster)
	if err != nil {
		return err
	}
	for _, id := range ids {
		object, _, err := k.cloud.Get(tokenCluster, id)
		if err != nil || object.Computed["endpoint"] != config.Clusters[0].Cluster.Server {
			continue
		}
		if configs, ok := object.Computed["kubeConfigs"].([]any); ok && configs[0].(map[string]any)["token"] != user.Token {
			return errors.New("kubernetes: Unauthorized: the token in the kubeconfig has expired")
		}
	}
	return nil // a cluster of somebody else, whose token the sandbox cannot check
}

func (k *kubernetes) kind(token string) *kind {
	if token == tokenRelease {
		if k.api != nil {
			return k.liveRelease(k.releaseKind())
		}
		return k.releaseKind()
	}
	api, ok := apis[token]
	if !ok {
		return nil
	}
	out := &kind{
		checkUpdate: api.checkUpdate,
		required:    []string{"apiVersion", "kind", "metadata"},
		replaceOn:   slices.Concat([]string{"metadata.name", "metadata.namespace"}, api.immutable, k.replacedData(token)),
		deleteFirst: true, upsert: k.upsert, stored: withoutEmptyData,
		check: func(name string, in resource.PropertyMap) []plugin.CheckFailure { return api.check(token, name, in) },
		apply: func(id string, in resource.PropertyMap) (map[string]any, error) {
			err := errors.Join(k.checkCluster(api, in), failJob(k.cloud, token, in))
			return api.compute(id, in), err
		},
		id:      func(_ string, in resource.PropertyMap) string { return objectID(in) },
		unknown: []string{"status"},
		compute: api.compute,
		afterWrite: func(id string, in resource.PropertyMap) error {
			return errors.Join(createAssociated(k.cloud, token, id, in), finishJob(k.cloud, token, in))
		},
		afterDelete: func(id string, _ cloud.Object) error { return deleteAssociated(k.cloud, token, id) },
	}
	if k.api != nil {
		return k.liveObject(token, out)
	}
	return out
}

// replacedData returns the fields of a Secret or ConfigMap whose change replaces it with
// the present options.
func (k *kubernetes) replacedData(token string) []string {
	switch {
	case token == tokenSecret && !k.secretMutable:
		return []string{"data", "stringData"}
	case token == tokenConfigMap && !k.configMapMutable:
		return []string{"data", "binaryData"}
	}
	return nil
}

// withoutEmptyData returns a Secret's inputs without an empty stringData. The API server
// does not store that, so a program that sets one has a change in every preview (seen
// with pulumi-kubernetes 4.33, 2026-11-24).
func withoutEmptyData(inputs resource.PropertyMap) resource.PropertyMap {
	if data, ok := inputs["stringData"]; ok && data.IsObject() && len(data.ObjectValue()) == 0 {
		inputs = maps.Clone(inputs)
		delete(inputs, "stringData")
	}
	return inputs
}

// objectID returns "namespace/name", or "name" for an object without a namespace.
func objectID(in resource.PropertyMap) string {
	name, namespace := text(in, "metadata", "name"), text(in, "metadata", "namespace")
	if namespace == "" {
		return name
	}
	return namespace + "/" + name
}

const (
	tokenRelease   = "kubernetes:helm.sh/v3:Release"
	tokenSecret    = "kubernetes:core/v1:Secret"
	tokenConfigMap = "kubernetes:core/v1:ConfigMap"
)
