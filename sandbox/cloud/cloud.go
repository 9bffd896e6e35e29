// Package cloud stores the objects of the simulated clouds in a folder, one JSON file for
// each object. A person can change or delete a file by hand, and `pulumi refresh` then
// finds the drift. Objects have a type token and an ID, as in Pulumi's state.
package cloud

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Environment variables that sandbox/engine sets for the provider plugins.
const (
	// EnvFolder is the path of the cloud's folder.
	EnvFolder = "SANDBOX_CLOUD"
	// EnvKubeconfig is the path of the kubeconfig of a real API server. Without it the
	// Kubernetes provider simulates one.
	EnvKubeconfig = "SANDBOX_KUBECONFIG"
	// EnvRender is the command that renders the chart of a release for that server, with
	// its arguments, separated by spaces.
	EnvRender = "SANDBOX_RENDER"
	// EnvDatabase is the path of a file with a Database. Without it the simulated databases
	// have no server.
	EnvDatabase = "SANDBOX_DATABASE"
)

// DatabaseFile is the name of the file for EnvDatabase in a cluster's folder.
const DatabaseFile = "database.json"

// Database is a real PostgreSQL server in the role of every managed database.
type Database struct {
	// Password is that of the administrator and of the application's role.
	Password string `json:"password"`
	// CA is the certificate of the server's authority, in PEM form.
	CA string `json:"ca"`
}

// OpenDatabase returns the database in the file that EnvDatabase names, or nil if it is not set.
func OpenDatabase() (*Database, error) {
	path := os.Getenv(EnvDatabase)
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var out Database
	return &out, json.Unmarshal(data, &out)
}

// Types of objects that a test or a person adds to the cloud to change the account.
const (
	// TokenFreshAccount, with a region's name as ID: the account has no VPC in the region.
	TokenFreshAccount = "digitalocean:account/fresh:Fresh"
	// TokenOffer, with the ID "kubernetes": Inputs.versions are the Kubernetes versions
	// that the cloud offers, newest first.
	TokenOffer = "digitalocean:account/offer:Offer"
	// TokenTeam, with the ID "members": Inputs.emails are the verified addresses of the
	// team. Without it every address is verified.
	TokenTeam = "digitalocean:account/team:Team"
)

// Object is one object in the cloud.
type Object struct {
	// Inputs are the inputs as declared. Secrets are in clear text.
	Inputs map[string]any `json:"inputs"`
	// Computed are the outputs that the cloud adds.
	Computed map[string]any `json:"computed,omitempty"`
}

// Cloud is a folder of objects. The folder need not exist before the first Put.
type Cloud struct{ folder string }

// Open returns the cloud in the folder that EnvFolder names.
func Open() (Cloud, error) {
	folder := os.Getenv(EnvFolder)
	if folder == "" {
		return Cloud{}, fmt.Errorf("%s is not set; it must be the folder of the simulated cloud (`make up` starts this plugin with it)", EnvFolder)
	}
	return Cloud{folder}, nil
}

// At returns the cloud in a folder.
func At(folder string) Cloud { return Cloud{folder} }

// Get returns an object, and false if it does not exist.
func (c Cloud) Get(token, id string) (Object, bool, error) {
	data, err := os.ReadFile(c.path(token, id))
	if errors.Is(err, fs.ErrNotExist) {
		return Object{}, false, nil
	}
	if err != nil {
		return Object{}, false, err
	}
	var o Object
	if err := json.Unmarshal(data, &o); err != nil {
		return Object{}, false, fmt.Errorf("%s: %w", c.path(token, id), err)
	}
	return o, true, nil
}

// Put writes an object. At any time Get returns the old object or the whole new one.
func (c Cloud) Put(token, id string, o Object) error {
	data, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		return err
	}
	path := c.path(token, id)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	draft := path + ".new"
	if err := os.WriteFile(draft, append(data, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(draft, path)
}

// Delete deletes an object. A missing one is no error.
func (c Cloud) Delete(token, id string) error {
	err := os.Remove(c.path(token, id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// DeleteAll deletes every object of a provider, such as "kubernetes".
func (c Cloud) DeleteAll(provider string) error {
	return os.RemoveAll(filepath.Join(c.folder, provider))
}

// IDs returns the IDs of all objects of a type, sorted by file name.
func (c Cloud) IDs(token string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Dir(c.path(token, "x")))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var out []string
	for _, entry := range entries {
		if name, ok := strings.CutSuffix(entry.Name(), ".json"); ok {
			out = append(out, strings.ReplaceAll(name, "~", "/"))
		}
	}
	return out, err
}

// path returns the file of an object: kubernetes/core-v1-Secret/app~database.json for
// the token "kubernetes:core/v1:Secret" and the ID "app/database".
func (c Cloud) path(token, id string) string {
	pkg, rest, _ := strings.Cut(token, ":")
	kind := strings.NewReplacer("/", "-", ":", "-").Replace(rest)
	return filepath.Join(c.folder, pkg, kind, strings.ReplaceAll(id, "/", "~")+".json")
}
