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
	// dockerConfigType and dockerConfigKey are those of k8s.io/api/core/v1.
	dockerConfigType = "kubernetes.io/dockerconfigjson"
	dockerConfigKey  = ".dockerconfigjson"
	// dockerHubKey is the name under which the kubelet looks for a login to Docker Hub
	// (`kubectl create secret docker-registry` has it as the default server).
	dockerHubKey = "https://index.docker.io/v1/"
)

// Registry is the login with which nodes pull the app's image.
type Registry struct {
	// Server is the registry's host, or settings.DockerHub ("docker.io").
	Server, Username, Password string
}

// registerSecrets declares the Secrets that the stack's configuration asks for; none
// when it has neither secret variables nor a login.
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

// dockerConfig is a login in the format of Docker's config.json.
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

// secretsChecksum changes with every secret variable. A variable may be short enough
// to be guessed from its checksum. So the connection string goes in first: it has a
// long random password.
func (a Args) secretsChecksum() pulumi.StringOutput {
	canonical := a.DatabaseURL.ToStringOutput().ApplyT(func(url string) (string, error) {
		text, err := json.Marshal([]any{url, a.SecretEnv}) // with sorted keys
		return string(text), err
	}).(pulumi.StringOutput)
	return kube.SecretChecksum(canonical)
}

func secretVariable(variable, secret, key string) *corev1.EnvVarArgs {
	return &corev1.EnvVarArgs{Name: pulumi.String(variable), ValueFrom: &corev1.EnvVarSourceArgs{
		SecretKeyRef: &corev1.SecretKeySelectorArgs{Name: pulumi.String(secret), Key: pulumi.String(key)},
	}}
}
