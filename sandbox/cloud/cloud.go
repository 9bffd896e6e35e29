// Package cloud is the sandbox's cloud: what was created, as one readable JSON
// file for each thing, so that a person can change or delete one by hand and see
// `pulumi refresh` find the drift.
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

// What the driver tells the provider plugins by their environment.
const (
	// EnvFolder names the folder of the cloud.
	EnvFolder = "SANDBOX_CLOUD"
	// EnvKubeconfig names the kubeconfig of a real API server; without it the
	// Kubernetes provider simulates one.
	EnvKubeconfig = "SANDBOX_KUBECONFIG"
	// EnvRender is the command that renders the chart of a release for it.
	EnvRender = "SANDBOX_RENDER"
)

// What a test, or a person, puts into the cloud to change how the account is.
const (
	// TokenFreshAccount with a region's name as ID: the account has no VPC there.
	TokenFreshAccount = "digitalocean:account/fresh:Fresh"
	// TokenOffer with the ID "kubernetes": Inputs.versions are what is offered,
	// newest first.
	TokenOffer = "digitalocean:account/offer:Offer"
)

// Object is one thing in the cloud.
type Object struct {
	// Inputs are as declared; a secret is readable here, as it is in a real cloud.
	Inputs map[string]any `json:"inputs"`
	// Computed is what the cloud adds.
	Computed map[string]any `json:"computed,omitempty"`
}

// Cloud is a folder of objects.
type Cloud struct{ folder string }

// Open takes the folder that the environment names.
func Open() (Cloud, error) {
	folder := os.Getenv(EnvFolder)
	if folder == "" {
		return Cloud{}, fmt.Errorf("%s is not set: this plugin simulates a cloud and is started by `make up`, not by hand", EnvFolder)
	}
	return Cloud{folder}, nil
}

// At is the cloud in a folder.
func At(folder string) Cloud { return Cloud{folder} }

// Get reads an object; a missing one is reported as false.
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

// Put writes an object whole or not at all.
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

// Delete removes an object; a missing one is gone already.
func (c Cloud) Delete(token, id string) error {
	err := os.Remove(c.path(token, id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// DeleteAll removes every object of a provider.
func (c Cloud) DeleteAll(provider string) error {
	return os.RemoveAll(filepath.Join(c.folder, provider))
}

// IDs lists the objects of a type.
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

// path turns "kubernetes:core/v1:Secret", "app/database" into
// kubernetes/core-v1-Secret/app~database.json.
func (c Cloud) path(token, id string) string {
	pkg, rest, _ := strings.Cut(token, ":")
	kind := strings.NewReplacer("/", "-", ":", "-").Replace(rest)
	return filepath.Join(c.folder, pkg, kind, strings.ReplaceAll(id, "/", "~")+".json")
}
