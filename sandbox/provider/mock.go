package provider

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"github.com/genericcorp/platform/sandbox/cloud"
)

// simulationOf is the simulation of a token's provider, without a cloud.
func simulationOf(token string) (simulation, error) {
	name, _, _ := strings.Cut(token, ":")
	p, err := New(name, cloud.Cloud{})
	if err != nil {
		return nil, err
	}
	return p.simulation, nil
}

// Imagine is what the provider would say of a new thing: whether its inputs are
// right, its ID and its outputs. Nothing is created, and what depends on other
// things in the cloud is not checked.
func Imagine(token, name string, inputs resource.PropertyMap) (string, resource.PropertyMap, error) {
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
	id := k.id(name, open(inputs))
	var computed map[string]any
	if k.compute != nil {
		computed = k.compute(id, open(inputs))
	}
	return id, k.outputs(inputs, computed), nil
}

// ImagineUnknown is what a preview says: the inputs, and outputs yet unknown but
// for secret ones. The wire of Pulumi's mocks cannot carry a secret that is
// unknown; the real engine can, and the sandbox's own tests preview with it.
func ImagineUnknown(token, name string, inputs resource.PropertyMap) (resource.PropertyMap, error) {
	s, err := simulationOf(token)
	if err != nil {
		return nil, err
	}
	k := s.kind(token)
	if k == nil {
		return nil, fmt.Errorf("the sandbox does not simulate %s", token)
	}
	out := k.previewed(open(inputs))
	if k.compute != nil {
		imagined := resource.NewPropertyMapFromMap(k.compute(k.id(name, open(inputs)), open(inputs)))
		for _, key := range k.secrets {
			out[resource.PropertyKey(key)] = imagined[resource.PropertyKey(key)]
		}
	}
	return out, nil
}

// Answer is what the provider says to a function.
func Answer(token string, args resource.PropertyMap) (resource.PropertyMap, error) {
	s, err := simulationOf(token)
	if err != nil {
		return nil, err
	}
	return s.invoke(token, open(args))
}

var _ plugin.Provider = (*Provider)(nil)
