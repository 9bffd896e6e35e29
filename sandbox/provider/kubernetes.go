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

// kubernetes simulates the Kubernetes provider, and the API server behind it
// unless there is a real one.
type kubernetes struct {
	cloud cloud.Cloud
	api   *apiserver.Client
	options
}

// options are those of the provider's inputs that change what it does with
// objects. All are false unless set (provider.go, DiffConfig and Configure, of
// pulumi-kubernetes 4.33).
type options struct {
	// secretMutable and configMapMutable update data in place. Without them a
	// change of data replaces the object (diff.go, forceNewProperties).
	secretMutable, configMapMutable bool
	// upsert adopts an object that exists already. Without it the create fails.
	upsert bool
}

func optionsOf(inputs resource.PropertyMap) options {
	set := func(key resource.PropertyKey) bool {
		value := inputs[key]
		// The engine passes a provider's nested and boolean inputs as JSON text.
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
	return nil, fmt.Errorf("the sandbox does not simulate %s", token)
}

// kubeconfig is as much of one as the sandbox looks at.
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

// configure logs in: with a fresh credential by doctl, or with the token in the
// kubeconfig, which dies as soon as the cloud hands out another.
func (k *kubernetes) configure(inputs resource.PropertyMap) error {
	k.options = optionsOf(inputs)
	config := inputs["kubeconfig"]
	if config.IsComputed() {
		return nil // a preview before the cluster exists
	}
	if !config.IsString() || config.StringValue() == "" {
		return errors.New("kubernetes: no kubeconfig; without one the real provider takes the machine's own")
	}
	var parsed kubeconfig
	if err := yaml.Unmarshal([]byte(config.StringValue()), &parsed); err != nil {
		return errors.New("kubernetes: the kubeconfig cannot be parsed")
	}
	if len(parsed.Clusters) == 0 || len(parsed.Users) == 0 || !strings.HasPrefix(parsed.Clusters[0].Cluster.Server, "https://") {
		return errors.New("kubernetes: the kubeconfig names no cluster, no user or no https:// server")
	}
	if _, err := base64.StdEncoding.DecodeString(parsed.Clusters[0].Cluster.CA); err != nil {
		return errors.New("kubernetes: the kubeconfig's certificate-authority-data is not base64")
	}
	return k.login(parsed)
}

func (k *kubernetes) login(config kubeconfig) error {
	user := config.Users[0].User
	if user.Exec != nil {
		if user.Exec.Command != "doctl" || len(user.Exec.Args) == 0 {
			return fmt.Errorf("kubernetes: the kubeconfig's command %q is not known here", user.Exec.Command)
		}
		id := user.Exec.Args[len(user.Exec.Args)-1]
		_, found, err := k.cloud.Get(tokenCluster, id)
		if err == nil && !found {
			err = fmt.Errorf("kubernetes: doctl: no cluster %q", id)
		}
		if os.Getenv(envDoctl) == "" { // doctl has no login of its own here
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
	return nil // an existing cluster, which the sandbox takes on trust
}

func (k *kubernetes) kind(token string) *kind {
	if token == tokenRelease {
		if k.api != nil {
			return k.releaseOnServer(k.releaseKind())
		}
		return k.releaseKind()
	}
	api, ok := apis[token]
	if !ok {
		return nil
	}
	out := &kind{
		required:    []string{"apiVersion", "kind", "metadata"},
		replaceOn:   slices.Concat([]string{"metadata.name", "metadata.namespace"}, api.immutable, k.replacedData(token)),
		deleteFirst: true, upsert: k.upsert, previous: withoutEmptyData,
		check: func(name string, in resource.PropertyMap) []plugin.CheckFailure { return api.check(token, name, in) },
		admit: func(in resource.PropertyMap) error {
			return errors.Join(k.admit(api, in), admitJob(k.cloud, token, in))
		},
		id:      func(_ string, in resource.PropertyMap) string { return objectID(in) },
		unknown: []string{"status"},
		compute: api.compute,
		made: func(id string, in resource.PropertyMap) error {
			return errors.Join(order(k.cloud, token, id, in), runJob(k.cloud, token, in))
		},
		gone: func(id string, _ cloud.Object) error { return giveBack(k.cloud, token, id) },
	}
	if k.api != nil {
		return k.onServer(token, out)
	}
	return out
}

// replacedData are the fields of a Secret or ConfigMap whose change replaces it,
// unless the provider was told to update them in place.
func (k *kubernetes) replacedData(token string) []string {
	switch {
	case token == tokenSecret && !k.secretMutable:
		return []string{"data", "stringData"}
	case token == tokenConfigMap && !k.configMapMutable:
		return []string{"data", "binaryData"}
	}
	return nil
}

// withoutEmptyData is what the API server remembers of a Secret's inputs: an empty
// stringData is not stored, so a declaration that has one is a change at every
// preview (seen with pulumi-kubernetes 4.33, 2026-11-24).
func withoutEmptyData(inputs resource.PropertyMap) resource.PropertyMap {
	if data, ok := inputs["stringData"]; ok && data.IsObject() && len(data.ObjectValue()) == 0 {
		inputs = maps.Clone(inputs)
		delete(inputs, "stringData")
	}
	return inputs
}

// objectID is "namespace/name", or "name" for objects of the whole cluster.
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
