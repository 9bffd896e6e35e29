// Package provider simulates the platform's four Pulumi providers: DigitalOcean,
// Cloudflare, Kubernetes and random. They are real plugins that the engine starts, and
// they keep their resources in the folder of a sandbox/cloud. They refuse what the real
// providers and clouds refuse, so that a mistake fails here and not at the first
// deployment. sandbox/README.md lists each simulated behaviour with its source.
package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"github.com/genericcorp/platform/sandbox/cloud"
)

// Provider is the plugin of one simulated provider. Use New or Serve.
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

// DiffConfig asks for a replacement of the provider, and with it of all its resources,
// only if it would use another cluster: clusterIdentifier changed, or kubeconfig changed
// and there is no clusterIdentifier (pulumi-kubernetes provider.go, DiffConfig).
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
	return plugin.ConfigureResponse{}, p.simulation.configure(unwrap(req.Inputs))
}

func (p *Provider) kindOf(token string) (*kind, error) {
	if k := p.simulation.kind(token); k != nil {
		return k.withDefaults(), nil
	}
	return nil, notSimulated(token)
}

func notSimulated(token string) error {
	return fmt.Errorf("the sandbox does not simulate %s; package sandbox/provider is the place to add it", token)
}

func (p *Provider) Check(_ context.Context, req plugin.CheckRequest) (plugin.CheckResponse, error) {
	k, err := p.kindOf(string(req.Type))
	if err != nil {
		return plugin.CheckResponse{}, err
	}
	return plugin.CheckResponse{Properties: req.News, Failures: p.failures(k, string(req.Type), req.Name, req.News)}, nil
}

// failures returns the faults of the inputs alone, sorted by property.
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
	olds := unwrap(req.OldInputs)
	if k.stored != nil {
		olds = k.stored(olds)
	}
	replaceOn := k.replaceOn
	if k.replaces != nil {
		replaceOn = slices.Concat(replaceOn, k.replaces(olds, unwrap(req.NewInputs)))
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
		return plugin.CreateResponse{Properties: k.previewOutputs(req.Properties), Status: resource.StatusOK}, nil
	}
	inputs := unwrap(req.Properties)
	id := k.id(req.Name, inputs)
	var computed map[string]any
	err = withFault("create", req.URN, func() error {
		if err := p.checkFree(k, string(req.Type), id, inputs); err != nil {
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

// checkFree returns an error if another resource has the name or the ID.
func (p *Provider) checkFree(k *kind, token, id string, inputs resource.PropertyMap) error {
	if k.checkID != nil {
		return k.checkID(id)
	}
	if k.upsert {
		return p.checkImmutable(k, token, id, inputs)
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

// checkImmutable returns an error if an existing object would be adopted and its
// immutable fields differ. The API server answers 422, "field is immutable".
func (p *Provider) checkImmutable(k *kind, token, id string, inputs resource.PropertyMap) error {
	existing, found, err := p.cloud.Get(token, id)
	if err != nil || !found {
		return err
	}
	changed := diff(resource.NewPropertyMapFromMap(existing.Inputs), inputs, k.replaceOn).ReplaceKeys
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
			"%s %q no longer exists; run `pulumi refresh`, then `pulumi up` to create it again", req.Type, req.ID)
	}
	var computed map[string]any
	err = withFault("update", req.URN, func() error {
		if k.checkUpdate != nil {
			if err := k.checkUpdate(resource.NewPropertyMapFromMap(old.Inputs), unwrap(req.NewInputs)); err != nil {
				return err
			}
		}
		computed, err = p.write(string(req.Type), k, string(req.ID), unwrap(req.NewInputs), old.Computed)
		return err
	})
	if err != nil {
		return plugin.UpdateResponse{Status: resource.StatusUnknown}, err
	}
	return plugin.UpdateResponse{Properties: k.outputs(req.NewInputs, computed), Status: resource.StatusOK}, nil
}

// write applies and stores a resource, and returns its computed outputs. An update keeps
// those of the create, which are old; a create passes nil.
func (p *Provider) write(token string, k *kind, id string, inputs resource.PropertyMap, old map[string]any) (map[string]any, error) {
	computed, err := k.apply(id, inputs)
	if err != nil {
		return nil, err
	}
	if old != nil {
		computed = old
	}
	if k.onWrite != nil {
		if computed, err = k.onWrite(inputs, computed); err != nil {
			return nil, err
		}
	}
	err = p.cloud.Put(token, id, cloud.Object{Inputs: inputs.Mappable(), Computed: computed})
	if err != nil || k.afterWrite == nil {
		return computed, err
	}
	return computed, k.afterWrite(id, inputs)
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
	inputs := markSecrets(req.Inputs, resource.NewPropertyMapFromMap(object.Inputs))
	return plugin.ReadResponse{Status: resource.StatusOK, ReadResult: plugin.ReadResult{
		ID: req.ID, Inputs: inputs, Outputs: k.outputs(inputs, object.Computed),
	}}, nil
}

func (p *Provider) Delete(_ context.Context, req plugin.DeleteRequest) (plugin.DeleteResponse, error) {
	k, err := p.kindOf(string(req.Type))
	if err != nil {
		return plugin.DeleteResponse{Status: resource.StatusUnknown}, err
	}
	err = withFault("delete", req.URN, func() error {
		if err := k.removeWithin(string(req.ID), req.Timeout); err != nil {
			return err
		}
		old, _, err := p.cloud.Get(string(req.Type), string(req.ID))
		if err := errors.Join(err, p.cloud.Delete(string(req.Type), string(req.ID))); err != nil || k.afterDelete == nil {
			return err
		}
		return k.afterDelete(string(req.ID), old)
	})
	if err != nil {
		return plugin.DeleteResponse{Status: resource.StatusUnknown}, err
	}
	return plugin.DeleteResponse{Status: resource.StatusOK}, nil
}

func (p *Provider) Invoke(_ context.Context, req plugin.InvokeRequest) (plugin.InvokeResponse, error) {
	properties, err := p.simulation.invoke(string(req.Tok), unwrap(req.Args))
	return plugin.InvokeResponse{Properties: properties}, err
}

func (p *Provider) SignalCancellation(context.Context) error { return nil }

func (p *Provider) Close() error { return nil }
