package cloud

// Providers are the simulated ones with their versions: those of the SDKs in
// go.mod, so that the engine finds what the program asks for. A test compares them.
var Providers = map[string]string{
	"cloudflare":   "5.49.1",
	"digitalocean": "4.76.0",
	"kubernetes":   "4.33.0",
	"random":       "4.21.2",
}

// EnvFaults names a folder in which tests order faults: a file named after an
// operation (create, update, delete) makes each resource fail its first one, in
// the way that the file says.
const EnvFaults = "SANDBOX_FAULTS"
