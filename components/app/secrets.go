package app

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/workload"
)

const (
	envSecret      = "env"
	registrySecret = "registry"
	// dockerConfigType and dockerConfigKey have the values of SecretTypeDockerConfigJson
	// and DockerConfigJsonKey in k8s.io/api/core/v1.
	dockerConfigType = "kubernetes.io/dockerconfigjson"
	dockerConfigKey  = ".dockerconfigjson"
	// dockerHubKey is the key under which the kubelet looks for a login to Docker Hub. It
	// is the default server of `kubectl create secret docker-registry`.
	dockerHubKey = "https://index.docker.io/v1/"
)

// Registry is the login with which nodes pull the app's image.
type Registry struct {
	// Server is the registry's host, for example "ghcr.io"; "docker.io" is Docker Hub.
	Server string
	// Username and Password log in to it. Password is secret.
	Username, Password string
}

// registerSecrets declares a Secret for the secret variables and one for the registry's
// login. It declares neither when Args has none.
func (a Args) registerSecrets(ctx *pulumi.Context, opts []pulumi.ResourceOption) ([]pulumi.Resource, error) {
	var out []pulumi.Resource
	if len(a.SecretEnv) > 0 {
		secret, err := corev1.NewSecret(ctx, envSecret, &corev1.SecretArgs{
			Metadata:   kube.Meta(workload.App, envSecret),
			StringData: pulumi.ToSecret(pulumi.ToStringMap(a.SecretEnv)).(pulumi.StringMapOutput),
		}, opts...)
		if err != nil {
			return nil, fmt.Errorf("secret variables: %w", err)
		}
		out = append(out, secret)
	}
	if a.Registry == nil {
		return out, nil
	}
	login, err := dockerConfig(*a.Registry)
	if err != nil {
		return nil, err
	}
	secret, err := corev1.NewSecret(ctx, registrySecret, &corev1.SecretArgs{
		Metadata:   kube.Meta(workload.App, registrySecret),
		Type:       pulumi.String(dockerConfigType),
		StringData: pulumi.ToSecret(pulumi.StringMap{dockerConfigKey: pulumi.String(login)}).(pulumi.StringMapOutput),
	}, opts...)
	if err != nil {
		return nil, fmt.Errorf("login of the registry: %w", err)
	}
	return append(out, secret), nil
}

// dockerConfig returns the login in the format of Docker's config.json.
func dockerConfig(r Registry) (string, error) {
	server := r.Server
	if server == settings.DockerHub {
		server = dockerHubKey
	}
	text, err := json.Marshal(map[string]any{"auths": map[string]any{server: map[string]string{
		"username": r.Username, "password": r.Password,
		"auth": base64.StdEncoding.EncodeToString([]byte(r.Username + ":" + r.Password)),
	}}})
	if err != nil {
		return "", fmt.Errorf("login of the registry: %w", err)
	}
	return string(text), nil
}

// secretsChecksum returns a checksum of all secret variables. Somebody could guess a short
// variable from a checksum of it alone, so the checksum includes the connection string,
// which has a long random password.
func (a Args) secretsChecksum() pulumi.StringOutput {
	canonical := a.DatabaseURL.ToStringOutput().ApplyT(func(url string) (string, error) {
		text, err := json.Marshal([]any{url, a.SecretEnv}) // json sorts the keys of maps
		return string(text), err
	}).(pulumi.StringOutput)
	return kube.SecretChecksum(canonical)
}

// secretVariable is an environment variable with the value of a key of a Secret.
type secretVariable struct{ name, secret, key string }

func (v secretVariable) args() *corev1.EnvVarArgs {
	return &corev1.EnvVarArgs{Name: pulumi.String(v.name), ValueFrom: &corev1.EnvVarSourceArgs{
		SecretKeyRef: &corev1.SecretKeySelectorArgs{Name: pulumi.String(v.secret), Key: pulumi.String(v.key)},
	}}
}
