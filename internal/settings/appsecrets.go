package settings

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The keys of the configuration that hold the app's secrets, beside the settings.
// Each is a map whose values are set one by one, with --secret --path.
const (
	AppEnvKey   = "platform:appEnv"
	RegistryKey = "platform:registry"
)

// AppSecrets is what the app gets from secret configuration. Never print it.
type AppSecrets struct {
	// Env are environment variables; none when platform:appEnv is not set.
	Env map[string]string
	// Registry is where the image is pulled from with a login; nil when
	// platform:registry is not set.
	Registry *Registry
}

const (
	// mostSecretBytes is what the values of one Kubernetes Secret may hold together
	// (MaxSecretSize in k8s.io/api/core/v1).
	mostSecretBytes = 1 << 20
	// mostVariableBytes is what one environment variable may hold, with its name, the
	// equals sign and a final zero byte: 32 pages (MAX_ARG_STRLEN in Linux's
	// binfmts.h). With a longer one the container does not start.
	mostVariableBytes = 128 << 10
	// mostKeyBytes is how long a key of a Secret may be (IsConfigMapKey in
	// k8s.io/apimachinery).
	mostKeyBytes = 253
)

// LoadSecrets reads the app's secrets; config returns the JSON text of a key, and
// false when the key is not set. The error is Faults with every fault of both keys.
// No fault shows a value.
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

// secretMap reads a map of texts. It is nil when the key is not set, or holds the
// empty map that `pulumi config rm --path` leaves of the last value. Entries that are
// no text or empty are faults, and left out.
func secretMap(config func(string) (string, bool), key, example string, faults *Faults) map[string]string {
	text, ok := config(key)
	if !ok {
		return nil
	}
	var raw map[string]any
	// The decoder's error is not shown: it may quote the text.
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

// setSecret is the command that sets one value; Pulumi asks for it, or reads it from
// standard input.
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
			faults.at(path, "is in settings.app.env too; keep one of the two")
		}
		if len(name) > mostKeyBytes {
			faults.at(path, "has a name longer than %d characters", mostKeyBytes)
		}
		if size := len(name) + len("=") + len(value) + 1; size > mostVariableBytes {
			faults.at(path, "has %d bytes with its name; Linux starts no process with a variable of more than %d", size, mostVariableBytes)
		}
		if strings.ContainsRune(value, 0) {
			faults.at(path, "has a zero byte, which no environment variable can hold; encode the value, for example as base64")
		}
		total += len(value)
	}
	if total > mostSecretBytes {
		faults.at(AppEnvKey, "has values of %d bytes together; a Kubernetes Secret holds %d (1 MiB)", total, mostSecretBytes)
	}
}

// unknownKeys reports the keys of a map that are not among the known ones.
func unknownKeys(path string, in map[string]string, known []string, faults *Faults) {
	for _, key := range slices.Sorted(maps.Keys(in)) {
		if !slices.Contains(known, key) {
			faults.at(path+"."+key, "is not a key here; the keys are %s", strings.Join(known, ", "))
		}
	}
}
