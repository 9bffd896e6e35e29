package settings

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Keys of a stack's configuration for the app's secrets. The value of each is a map, whose
// entries are set one at a time with `pulumi config set --secret --path`.
const (
	AppEnvKey   = "platform:appEnv"
	RegistryKey = "platform:registry"
)

// Keys of the other credentials in a stack's configuration.
const (
	CertManagerTokenKey = "platform:certManagerToken"
	KubeconfigKey       = "platform:kubeconfig"
	DatabaseURLKey      = "platform:databaseUrl"
	DatabaseAdminURLKey = "platform:databaseAdminUrl"
	DatabaseCAKey       = "platform:databaseCa"
	AlertWebhookKey     = "platform:alertWebhookUrl"
	AlertPasswordKey    = "platform:alertSmtpPassword"
	AlertHeartbeatKey   = "platform:alertHeartbeatUrl"
	GrafanaOAuthKey     = "platform:grafanaOauthSecret"
)

// SecretKeys returns the configuration keys that an update reads beside Key. All but
// platform:databaseCa must be set with --secret.
func SecretKeys() []string {
	return []string{
		AppEnvKey, RegistryKey, CertManagerTokenKey, KubeconfigKey, DatabaseURLKey, DatabaseAdminURLKey, DatabaseCAKey,
		AlertWebhookKey, AlertPasswordKey, AlertHeartbeatKey, GrafanaOAuthKey,
	}
}

// AppSecrets has the app's secret configuration. The caller must not log it.
type AppSecrets struct {
	// Env are environment variables; nil if platform:appEnv is not set.
	Env map[string]string
	// Registry is the login for pulling the image; nil if platform:registry is not set.
	Registry *Registry
}

const (
	// mostSecretBytes is the most bytes that all values of a Kubernetes Secret may have
	// together (MaxSecretSize in k8s.io/api/core/v1).
	mostSecretBytes = 1 << 20
	// mostVariableBytes is the most bytes of an environment variable with its name, the
	// equals sign and a final zero byte: 32 pages of 4 KiB (MAX_ARG_STRLEN in Linux's
	// binfmts.h). A container with a longer variable does not start.
	mostVariableBytes = 128 << 10
	// mostKeyBytes is the most bytes of a key of a Secret (IsConfigMapKey in
	// k8s.io/apimachinery).
	mostKeyBytes = 253
)

// LoadSecrets reads the app's secrets from AppEnvKey and RegistryKey. config returns the
// JSON text of a key, and false if the key is not set. The error is Faults, with all faults
// of both keys. No fault contains a value.
func (a App) LoadSecrets(config func(key string) (string, bool)) (AppSecrets, error) {
	var faults Faults
	env := secretMap(config, AppEnvKey, "NAME", &faults)
	a.validateSecretEnv(env, &faults)
	registry := a.loadRegistry(secretMap(config, RegistryKey, "password", &faults), &faults)
	if len(faults) > 0 {
		return AppSecrets{}, faults.orNil()
	}
	return AppSecrets{Env: env, Registry: registry}, nil
}

// secretMap reads a map of texts. It returns nil if the key is not set or its map is empty:
// `pulumi config rm --path` leaves an empty map when it removes the last entry. An entry
// that is empty or not a text is a fault and is left out.
func secretMap(config func(string) (string, bool), key, example string, faults *Faults) map[string]string {
	text, ok := config(key)
	if !ok {
		return nil
	}
	var raw map[string]any
	// The fault does not contain the decoder's error, because that may quote a secret.
	if err := json.Unmarshal([]byte(text), &raw); err != nil || raw == nil {
		faults.at(key, "has to be a map of names to values; run: pulumi config rm %s, then %s", key, setSecret(key, example))
		return nil
	}
	if len(raw) == 0 {
		return nil
	}
	out := map[string]string{}
	for name, value := range raw {
		switch text, isText := value.(string); {
		case !isText:
			faults.at(key+"."+name, "has to be text; run: %s", setSecret(key, name))
		case text == "":
			faults.at(key+"."+name, "is empty; run: %s", setSecret(key, name))
		default:
			out[name] = text
		}
	}
	return out
}

// setSecret returns the command that sets one entry. Pulumi prompts for its value, or reads
// it from standard input.
func setSecret(key, name string) string {
	return fmt.Sprintf("pulumi config set --secret --path '%s.%s'", key, name)
}

func (a App) validateSecretEnv(env map[string]string, faults *Faults) {
	total := 0
	for name, value := range env {
		path := AppEnvKey + "." + name
		if problem := envNameProblem(name); problem != "" {
			faults.at(path, "%s", problem)
		}
		if _, plain := a.Env[name]; plain {
			faults.at(path, "is in settings.app.env too; remove it from one of them")
		}
		if len(name) > mostKeyBytes {
			faults.at(path, "has a name longer than %d characters", mostKeyBytes)
		}
		if size := len(name) + len("=") + len(value) + 1; size > mostVariableBytes {
			faults.at(path, "has %d bytes with its name; Linux allows at most %d for a variable", size, mostVariableBytes)
		}
		if strings.ContainsRune(value, 0) {
			faults.at(path, "has a zero byte, which no environment variable can hold; encode the value, for example as base64")
		}
		total += len(value)
	}
	if total > mostSecretBytes {
		faults.at(AppEnvKey, "has values of %d bytes together; a Kubernetes Secret can have at most %d (1 MiB)", total, mostSecretBytes)
	}
}

// unknownKeys adds a fault for each key of a map that is not among the known keys.
func unknownKeys(path string, in map[string]string, known []string, faults *Faults) {
	for _, key := range slices.Sorted(maps.Keys(in)) {
		if !slices.Contains(known, key) {
			faults.at(path+"."+key, "is not a key here; the keys are %s", strings.Join(known, ", "))
		}
	}
}
