package cloud

// Providers are the simulated providers with their versions. The engine looks for a plugin
// with the version of the SDK that the program uses, so these must equal the versions in
// go.mod. A test of sandbox/engine compares them.
var Providers = map[string]string{
	"cloudflare":   "5.49.1",
	"digitalocean": "4.76.0",
	"kubernetes":   "4.33.0",
	"random":       "4.21.2",
}

// EnvFaults is an environment variable with the path of the folder in which tests inject
// faults. See the faults in package provider for its files.
const EnvFaults = "SANDBOX_FAULTS"
