package provider

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"github.com/genericcorp/platform/sandbox/cloud"
)

// simulationOf returns the simulation of a token's provider, without a cloud.
func simulationOf(token string) (simulation, error) {
	name, _, _ := strings.Cut(token, ":")
	p, err := New(name, cloud.Cloud{})
	if err != nil {
		return nil, err
	}
	return p.simulation, nil
}

// SimulateCreate returns the ID and the outputs that a create would have, or the faults
// of its inputs. It creates nothing, and does not check what depends on other resources
// of the cloud. Package pulumitest uses it as a mock of the engine.
func SimulateCreate(token, name string, inputs resource.PropertyMap) (string, resource.PropertyMap, error) {
	s, err := simulationOf(token)
	if err != nil {
		return "", nil, err
	}
	p := &Provider{simulation: s}
	k, err := p.kindOf(token)
	if err != nil {
		return "", nil, err
	}
	var errs []error
	for _, failure := range p.failures(k, token, name, inputs) {
		errs = append(errs, fmt.Errorf("%s: %s", failure.Property, failure.Reason))
	}
	if err := errors.Join(errs...); err != nil {
		return "", nil, fmt.Errorf("%s %q: %w", token, name, err)
	}
	id := k.id(name, unwrap(inputs))
	var computed map[string]any
	if k.compute != nil {
		computed = k.compute(id, unwrap(inputs))
	}
	return id, k.outputs(inputs, computed), nil
}

// SimulatePreview returns the outputs that a create has in a preview: the inputs, and
// unknown values for the outputs of the cloud. Secret outputs have a value, because
// Pulumi's mocks cannot pass a secret that is unknown. The real engine can; the tests of
// sandbox/engine preview with it.
func SimulatePreview(token, name string, inputs resource.PropertyMap) (resource.PropertyMap, error) {
	s, err := simulationOf(token)
	if err != nil {
		return nil, err
	}
	k := s.kind(token)
	if k == nil {
		return nil, notSimulated(token)
	}
	out := k.previewOutputs(unwrap(inputs))
	if k.compute != nil {
		computed := resource.NewPropertyMapFromMap(k.compute(k.id(name, unwrap(inputs)), unwrap(inputs)))
		for _, key := range k.secrets {
			out[resource.PropertyKey(key)] = computed[resource.PropertyKey(key)]
		}
	}
	return out, nil
}

// SimulateInvoke returns the result of a provider's function, without a cloud.
func SimulateInvoke(token string, args resource.PropertyMap) (resource.PropertyMap, error) {
	s, err := simulationOf(token)
	if err != nil {
		return nil, err
	}
	return s.invoke(token, unwrap(args))
}

var _ plugin.Provider = (*Provider)(nil)
