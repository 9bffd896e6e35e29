// Package pulumitest runs Pulumi programs without an engine and records what
// they register. What the clouds answer comes from the sandbox's simulations, so
// that a mock here and a plugin there cannot disagree. Tests only.
package pulumitest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/genericcorp/platform/sandbox/provider"
)

// ErrBoom is what a registration fails with when a test asks for it.
var ErrBoom = errors.New("boom")

// Registration is one resource that a program registered.
type Registration struct {
	Type, Name, Parent, Provider string
	Custom, Protect, Retain      bool
	// DependsOn are the URNs that it was told to come after; DeletedWith is the name
	// of the resource that takes it along.
	DependsOn   []string
	DeletedWith string
	// IgnoreChanges are inputs that an update leaves alone. CreateTimeout and
	// DeleteTimeout are as declared; empty is the provider's own.
	IgnoreChanges                []string
	CreateTimeout, DeleteTimeout string
	// Inputs are plain; Secrets are the paths in them that were marked secret.
	Inputs  map[string]any
	Secrets []string
}

// Recorder is a mock of the engine.
type Recorder struct {
	// FailAt makes the n-th custom resource fail with ErrBoom, counted from 1.
	FailAt int
	// Preview leaves outputs that only a cloud tells unknown.
	Preview bool
	// Password is what every random password comes out as; empty is random.
	Password string
	// Plain are keys of the configuration that were set without --secret; all others
	// but the settings are secret.
	Plain []string
	// Last are the outputs of the stack's last update; none when it is the first.
	Last resource.PropertyMap

	mu            sync.Mutex
	registrations []Registration
	custom        int
	outputs       int
}

// NewResource records a registration and imagines its outputs.
func (r *Recorder) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	if args.TypeToken == "pulumi:pulumi:StackReference" {
		last := r.Last
		if last == nil {
			last = resource.PropertyMap{}
		}
		return args.Name, resource.PropertyMap{"name": args.Inputs["name"], "outputs": resource.NewObjectProperty(last)}, nil
	}
	if err := r.record(args); err != nil {
		return "", nil, err
	}
	switch {
	case strings.HasPrefix(args.TypeToken, "pulumi:providers:"):
		return args.Name + "-id", resource.PropertyMap{}, nil
	case !args.Custom:
		return "", resource.PropertyMap{}, nil
	case r.Preview:
		out, err := provider.SimulatePreview(args.TypeToken, args.Name, args.Inputs)
		return "", out, err
	}
	id, out, err := provider.SimulateCreate(args.TypeToken, args.Name, args.Inputs)
	if _, random := out["result"]; random && r.Password != "" {
		out["result"] = resource.MakeSecret(resource.NewStringProperty(r.Password))
	}
	return id, out, err
}

func (r *Recorder) record(args pulumi.MockResourceArgs) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if args.Custom {
		if r.custom++; r.custom == r.FailAt {
			return fmt.Errorf("%s %q: %w", args.TypeToken, args.Name, ErrBoom)
		}
	}
	secrets := map[string]bool{}
	inputs := plain(resource.NewObjectProperty(args.Inputs), "", secrets)
	rpc := args.RegisterRPC
	depends := slices.Sorted(slices.Values(rpc.GetDependencies()))
	r.registrations = append(r.registrations, Registration{
		Type: args.TypeToken, Name: args.Name, Parent: rpc.GetParent(), Provider: providerName(args.Provider),
		Custom: args.Custom, Protect: rpc.GetProtect(), Retain: rpc.GetRetainOnDelete(), DependsOn: depends,
		DeletedWith: rpc.GetDeletedWith()[strings.LastIndex(rpc.GetDeletedWith(), ":")+1:], IgnoreChanges: rpc.GetIgnoreChanges(),
		CreateTimeout: rpc.GetCustomTimeouts().GetCreate(), DeleteTimeout: rpc.GetCustomTimeouts().GetDelete(),
		Inputs: inputs.(map[string]any), Secrets: slices.Sorted(maps.Keys(secrets)),
	})
	return nil
}

// providerName is the name in a provider's reference, URN::ID.
func providerName(reference string) string {
	parts := strings.Split(reference, "::")
	if len(parts) < 4 {
		return reference
	}
	return parts[3]
}

// Call answers a function.
func (r *Recorder) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	return provider.SimulateInvoke(args.Token, args.Args)
}

// RegisterResourceOutputs counts how many components said that they were done.
func (r *Recorder) RegisterResourceOutputs() (*emptypb.Empty, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outputs++
	return &emptypb.Empty{}, nil
}

// Registrations are all resources but the stack itself, sorted by type and name.
func (r *Recorder) Registrations() []Registration {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := slices.DeleteFunc(slices.Clone(r.registrations), func(g Registration) bool { return g.Type == "pulumi:pulumi:Stack" })
	slices.SortFunc(out, func(a, b Registration) int {
		return strings.Compare(a.Type+"\x00"+a.Name, b.Type+"\x00"+b.Name)
	})
	return out
}

// Outputs is how often outputs were registered, the stack's own included.
func (r *Recorder) Outputs() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.outputs
}

// Find is the one resource of a type and name; it reports false for none.
func (r *Recorder) Find(token, name string) (Registration, bool) {
	for _, g := range r.Registrations() {
		if g.Type == token && g.Name == name {
			return g, true
		}
	}
	return Registration{}, false
}

// plain turns a property into plain Go, and notes which paths were secret.
func plain(v resource.PropertyValue, path string, secrets map[string]bool) any {
	switch {
	case v.IsSecret():
		secrets[path] = true
		return plain(v.SecretValue().Element, path, secrets)
	case v.IsComputed() || v.IsOutput():
		return Unknown
	case v.IsArray():
		out := []any{}
		for i, element := range v.ArrayValue() {
			out = append(out, plain(element, fmt.Sprintf("%s[%d]", path, i), secrets))
		}
		return out
	case v.IsObject():
		out := map[string]any{}
		for key, element := range v.ObjectValue() {
			out[string(key)] = plain(element, strings.TrimPrefix(path+"."+string(key), "."), secrets)
		}
		return out
	}
	return v.Mappable()
}

// Unknown stands for a value that is not known in a preview.
const Unknown = "<unknown>"
