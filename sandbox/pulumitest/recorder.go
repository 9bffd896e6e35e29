// Package pulumitest runs Pulumi programs without an engine and records the resources that
// they register. Only tests use it. IDs and outputs come from the simulations of
// sandbox/provider, so this mock and the sandbox's plugins cannot disagree. Tests take
// seconds; package enginetest runs the real engine.
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

// ErrBoom is the error of the registration that Recorder.FailAt selects.
var ErrBoom = errors.New("boom")

// Registration is one resource that a program registered.
type Registration struct {
	Type, Name, Parent, Provider string
	Custom, Protect, Retain      bool
	// DependsOn are the URNs of the option dependsOn, sorted. DeletedWith is the name of
	// the resource in the option deletedWith.
	DependsOn   []string
	DeletedWith string
	// IgnoreChanges are the paths of the option ignoreChanges. CreateTimeout and
	// DeleteTimeout are as declared, such as "30m"; empty means the provider's default.
	IgnoreChanges                []string
	CreateTimeout, DeleteTimeout string
	// Inputs are plain Go values. Secrets are the paths of the inputs that were secret,
	// sorted.
	Inputs  map[string]any
	Secrets []string
}

// Recorder is a mock of the engine, for one run. Pass it to Run.
type Recorder struct {
	// FailAt makes the n-th custom resource fail with ErrBoom, counted from 1. 0 fails none.
	FailAt int
	// Preview runs a preview: outputs of the cloud are unknown.
	Preview bool
	// Password is the value of every random password; empty makes them random.
	Password string
	// Plain are the configuration keys that were set without --secret. All other keys but
	// the settings are secret.
	Plain []string
	// Last are the outputs of the stack's last update; nil for the first update.
	Last resource.PropertyMap

	mu            sync.Mutex
	registrations []Registration
	custom        int
	outputs       int
}

// NewResource records a registration and returns simulated outputs.
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

// providerName returns the resource name in a provider's reference, which is URN::ID.
func providerName(reference string) string {
	parts := strings.Split(reference, "::")
	if len(parts) < 4 {
		return reference
	}
	return parts[3]
}

// Call runs a provider's function.
func (r *Recorder) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	return provider.SimulateInvoke(args.Token, args.Args)
}

// RegisterResourceOutputs counts registrations of outputs, by components and by the stack.
func (r *Recorder) RegisterResourceOutputs() (*emptypb.Empty, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outputs++
	return &emptypb.Empty{}, nil
}

// Registrations returns all resources except the stack, sorted by type and name.
func (r *Recorder) Registrations() []Registration {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := slices.DeleteFunc(slices.Clone(r.registrations), func(g Registration) bool { return g.Type == "pulumi:pulumi:Stack" })
	slices.SortFunc(out, func(a, b Registration) int {
		return strings.Compare(a.Type+"\x00"+a.Name, b.Type+"\x00"+b.Name)
	})
	return out
}

// Outputs returns how many times outputs were registered, the stack's own included.
func (r *Recorder) Outputs() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.outputs
}

// Find returns the resource with a type and name, and whether there is one.
func (r *Recorder) Find(token, name string) (Registration, bool) {
	for _, g := range r.Registrations() {
		if g.Type == token && g.Name == name {
			return g, true
		}
	}
	return Registration{}, false
}

// plain returns a property as plain Go values, and adds the paths of secrets to secrets.
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

// Unknown replaces values in Registration.Inputs that a preview does not know.
const Unknown = "<unknown>"
