// Package provider simulates the four providers of the platform as real Pulumi
// plugins: they check, compare, create, read, update and delete against a cloud
// on disk, and are as strict as the real ones where a mistake would show late.
package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"github.com/genericcorp/platform/sandbox/cloud"
)

// simulation is what one provider does differently from the others.
type simulation interface {
	// configure takes the provider's configuration; it fails on what could not work.
	configure(inputs resource.PropertyMap) error
	// kind knows a type; nil is a type that the provider does not have.
	kind(token string) *kind
	// invoke answers a function.
	invoke(token string, args resource.PropertyMap) (resource.PropertyMap, error)
}

// kind is how the things of one type behave.
type kind struct {
	// inputs are all that the type knows; required ones must be there.
	inputs, required []string
	// replaceOn are inputs, nested ones with dots, whose change needs a new thing.
	replaceOn []string
	// replaces are more of them, which depend on what the change is; it may be nil.
	replaces func(olds, news resource.PropertyMap) []string
	// deleteFirst says that the new thing has the name of the old one. The bridge
	// does so for resources whose name is written out (pulumi-terraform-bridge,
	// nameRequiresDeleteBeforeReplace).
	deleteFirst bool
	// deleteTimeout is how long a delete is tried, in the cloud's time.
	deleteTimeout time.Duration
	// check judges inputs and fills what the provider chooses.
	check func(name string, inputs resource.PropertyMap) []plugin.CheckFailure
	// admit judges what only the cloud knows, before a create or an update.
	admit func(inputs resource.PropertyMap) error
	// upsert adopts a thing that exists already; uniqueName refuses a create when
	// another thing has the name.
	upsert, uniqueName bool
	// taken says why a new thing cannot have an ID; nil asks whether one has it.
	taken func(id string) error
	// previous is what the cloud remembers of the inputs of the last update; nil
	// means all of them.
	previous func(inputs resource.PropertyMap) resource.PropertyMap
	// id names a new thing.
	id func(name string, inputs resource.PropertyMap) string
	// unknown are outputs that only the cloud tells; compute makes them.
	unknown []string
	compute func(id string, inputs resource.PropertyMap) map[string]any
	// onWrite changes what the cloud computed, after a create and an update.
	onWrite func(inputs resource.PropertyMap, computed map[string]any) (map[string]any, error)
	// importID turns the ID that `pulumi import` takes into that of the thing.
	importID func(id string) string
	// onRead may change what the cloud says, as time does, or know that it is gone.
	onRead func(o *cloud.Object) (found bool, err error)
	// release says why a thing cannot be deleted. leaving is true once a delete
	// may be tried again: the provider does so until the delete's timeout.
	release func(id string) (leaving bool, err error)
	// made and gone are what a thing's existence, or its end, brings about.
	made func(id string, inputs resource.PropertyMap) error
	gone func(id string, old cloud.Object) error
	// secrets are outputs that nobody may see.
	secrets []string
}

// Provider is a plugin for one simulation.
type Provider struct {
	plugin.UnimplementedProvider
	version    semver.Version
	cloud      cloud.Cloud
	simulation simulation
}

func (p *Provider) GetPluginInfo(context.Context) (plugin.PluginInfo, error) {
	return plugin.PluginInfo{Version: &p.version}, nil
}

func (p *Provider) CheckConfig(_ context.Context, req plugin.CheckConfigRequest) (plugin.CheckConfigResponse, error) {
	return plugin.CheckConfigResponse{Properties: req.News}, nil
}

// DiffConfig replaces everything only when the provider would talk to another
// cluster: a changed kubeconfig of the same one is an update.
func (p *Provider) DiffConfig(_ context.Context, req plugin.DiffConfigRequest) (plugin.DiffConfigResponse, error) {
	result := diff(req.OldInputs, req.NewInputs, nil)
	for _, key := range result.ChangedKeys {
		_, identified := req.NewInputs["clusterIdentifier"]
		if key == "clusterIdentifier" || key == "kubeconfig" && !identified {
			result.ReplaceKeys = append(result.ReplaceKeys, key)
		}
	}
	return result, nil
}

func (p *Provider) Configure(_ context.Context, req plugin.ConfigureRequest) (plugin.ConfigureResponse, error) {
	return plugin.ConfigureResponse{}, p.simulation.configure(open(req.Inputs))
}

func (p *Provider) kindOf(token string) (*kind, error) {
	if k := p.simulation.kind(token); k != nil {
		return k, nil
	}
	return nil, fmt.Errorf("the sandbox does not simulate %s", token)
}

func (p *Provider) Check(_ context.Context, req plugin.CheckRequest) (plugin.CheckResponse, error) {
	k, err := p.kindOf(string(req.Type))
	if err != nil {
		return plugin.CheckResponse{}, err
	}
	return plugin.CheckResponse{Properties: req.News, Failures: p.failures(k, string(req.Type), req.Name, req.News)}, nil
}

// failures are the faults of inputs by themselves, sorted.
func (p *Provider) failures(k *kind, token, name string, inputs resource.PropertyMap) []plugin.CheckFailure {
	var failures []plugin.CheckFailure
	for key := range inputs {
		if k.inputs != nil && !slices.Contains(k.inputs, string(key)) && !strings.HasPrefix(string(key), "__") {
			failures = append(failures, plugin.CheckFailure{Property: key, Reason: fmt.Sprintf("%s has no property %q", token, key)})
		}
	}
	for _, key := range k.required {
		if _, ok := inputs[resource.PropertyKey(key)]; !ok {
			failures = append(failures, plugin.CheckFailure{Property: resource.PropertyKey(key), Reason: "is required"})
		}
	}
	if k.check != nil && len(failures) == 0 {
		failures = append(failures, k.check(name, inputs)...)
	}
	slices.SortFunc(failures, func(a, b plugin.CheckFailure) int { return strings.Compare(string(a.Property), string(b.Property)) })
	return failures
}

func (p *Provider) Diff(_ context.Context, req plugin.DiffRequest) (plugin.DiffResponse, error) {
	k, err := p.kindOf(string(req.Type))
	if err != nil {
		return plugin.DiffResult{}, err
	}
	olds := open(req.OldInputs)
	if k.previous != nil {
		olds = k.previous(olds)
	}
	replaceOn := k.replaceOn
	if k.replaces != nil {
		replaceOn = slices.Concat(replaceOn, k.replaces(olds, open(req.NewInputs)))
	}
	result := diff(olds, req.NewInputs, replaceOn)
	result.DeleteBeforeReplace = k.deleteFirst && len(result.ReplaceKeys) > 0
	return result, nil
}

func (p *Provider) Create(_ context.Context, req plugin.CreateRequest) (plugin.CreateResponse, error) {
	k, err := p.kindOf(string(req.Type))
	if err != nil {
		return plugin.CreateResponse{Status: resource.StatusUnknown}, err
	}
	if req.Preview {
		return plugin.CreateResponse{Properties: k.previewed(req.Properties), Status: resource.StatusOK}, nil
	}
	inputs := open(req.Properties)
	id := k.id(req.Name, inputs)
	var computed map[string]any
	err = faulty("create", req.URN, func() error {
		if err := p.free(k, string(req.Type), id, inputs); err != nil {
			return err
		}
		computed, err = p.write(string(req.Type), k, id, inputs, nil)
		return err
	})
	if err != nil {
		return plugin.CreateResponse{Status: resource.StatusUnknown}, err
	}
	return plugin.CreateResponse{
		ID: resource.ID(id), Properties: k.outputs(req.Properties, computed), Status: resource.StatusOK,
	}, nil
}

// free reports a name or an ID that is taken.
func (p *Provider) free(k *kind, token, id string, inputs resource.PropertyMap) error {
	if k.taken != nil {
		return k.taken(id)
	}
	if k.upsert {
		return p.mutable(k, token, id, inputs)
	}
	if k.uniqueName {
		others, err := p.cloud.IDs(token)
		if err != nil {
			return err
		}
		for _, other := range others {
			if object, _, err := p.cloud.Get(token, other); err != nil || object.Inputs["name"] == text(inputs, "name") {
				return errors.Join(err, fmt.Errorf("422: the name %q is taken by %s %s", text(inputs, "name"), token, other))
			}
		}
	}
	_, taken, err := p.cloud.Get(token, id)
	if err == nil && taken {
		err = fmt.Errorf("409: %s %q already exists", token, id)
	}
	return err
}

// mutable refuses to adopt an object whose immutable fields differ, as the API server
// does (422, "field is immutable").
func (p *Provider) mutable(k *kind, token, id string, inputs resource.PropertyMap) error {
	there, found, err := p.cloud.Get(token, id)
	if err != nil || !found {
		return err
	}
	changed := diff(resource.NewPropertyMapFromMap(there.Inputs), inputs, k.replaceOn).ReplaceKeys
	if len(changed) > 0 {
		return fmt.Errorf("422: %s %q is invalid: %v: Forbidden: field is immutable", token, id, changed)
	}
	return nil
}

func (p *Provider) Update(_ context.Context, req plugin.UpdateRequest) (plugin.UpdateResponse, error) {
	k, err := p.kindOf(string(req.Type))
	if err != nil {
		return plugin.UpdateResponse{Status: resource.StatusUnknown}, err
	}
	old, found, err := p.cloud.Get(string(req.Type), string(req.ID))
	if err != nil {
		return plugin.UpdateResponse{Status: resource.StatusUnknown}, err
	}
	if req.Preview {
		return plugin.UpdateResponse{Properties: k.outputs(req.NewInputs, old.Computed), Status: resource.StatusOK}, nil
	}
	if !found {
		return plugin.UpdateResponse{Status: resource.StatusUnknown}, fmt.Errorf(
			"%s %q is gone; run `pulumi refresh`, then `pulumi up` makes it anew", req.Type, req.ID)
	}
	var computed map[string]any
	err = faulty("update", req.URN, func() error {
		computed, err = p.write(string(req.Type), k, string(req.ID), open(req.NewInputs), old.Computed)
		return err
	})
	if err != nil {
		return plugin.UpdateResponse{Status: resource.StatusUnknown}, err
	}
	return plugin.UpdateResponse{Properties: k.outputs(req.NewInputs, computed), Status: resource.StatusOK}, nil
}

// write admits and stores a thing. What the cloud computed once it keeps.
func (p *Provider) write(token string, k *kind, id string, inputs resource.PropertyMap, computed map[string]any) (map[string]any, error) {
	if k.admit != nil {
		if err := k.admit(inputs); err != nil {
			return nil, err
		}
	}
	if computed == nil && k.compute != nil {
		computed = k.compute(id, inputs)
	}
	if k.onWrite != nil {
		var err error
		if computed, err = k.onWrite(inputs, computed); err != nil {
			return nil, err
		}
	}
	if err := p.cloud.Put(token, id, cloud.Object{Inputs: inputs.Mappable(), Computed: computed}); err != nil || k.made == nil {
		return computed, err
	}
	return computed, k.made(id, inputs)
}

func (p *Provider) Read(_ context.Context, req plugin.ReadRequest) (plugin.ReadResponse, error) {
	k, err := p.kindOf(string(req.Type))
	if err != nil {
		return plugin.ReadResponse{Status: resource.StatusUnknown}, err
	}
	if k.importID != nil {
		req.ID = resource.ID(k.importID(string(req.ID)))
	}
	object, found, err := p.cloud.Get(string(req.Type), string(req.ID))
	if err != nil {
		return plugin.ReadResponse{Status: resource.StatusUnknown}, err
	}
	if !found {
		return plugin.ReadResponse{Status: resource.StatusOK}, nil
	}
	if k.onRead != nil {
		if found, err := k.onRead(&object); err != nil || !found {
			return plugin.ReadResponse{Status: resource.StatusOK}, err
		}
		if err := p.cloud.Put(string(req.Type), string(req.ID), object); err != nil {
			return plugin.ReadResponse{Status: resource.StatusUnknown}, err
		}
	}
	inputs := closeAs(req.Inputs, resource.NewPropertyMapFromMap(object.Inputs))
	return plugin.ReadResponse{Status: resource.StatusOK, ReadResult: plugin.ReadResult{
		ID: req.ID, Inputs: inputs, Outputs: k.outputs(inputs, object.Computed),
	}}, nil
}

func (p *Provider) Delete(_ context.Context, req plugin.DeleteRequest) (plugin.DeleteResponse, error) {
	k, err := p.kindOf(string(req.Type))
	if err != nil {
		return plugin.DeleteResponse{Status: resource.StatusUnknown}, err
	}
	err = faulty("delete", req.URN, func() error {
		if err := k.awaitRelease(string(req.ID), req.Timeout); err != nil {
			return err
		}
		old, _, err := p.cloud.Get(string(req.Type), string(req.ID))
		if err := errors.Join(err, p.cloud.Delete(string(req.Type), string(req.ID))); err != nil || k.gone == nil {
			return err
		}
		return k.gone(string(req.ID), old)
	})
	if err != nil {
		return plugin.DeleteResponse{Status: resource.StatusUnknown}, err
	}
	return plugin.DeleteResponse{Status: resource.StatusOK}, nil
}

func (p *Provider) Invoke(_ context.Context, req plugin.InvokeRequest) (plugin.InvokeResponse, error) {
	properties, err := p.simulation.invoke(string(req.Tok), open(req.Args))
	return plugin.InvokeResponse{Properties: properties}, err
}

func (p *Provider) SignalCancellation(context.Context) error { return nil }

func (p *Provider) Close() error { return nil }
