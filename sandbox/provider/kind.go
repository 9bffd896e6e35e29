package provider

import (
	"errors"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"github.com/genericcorp/platform/sandbox/cloud"
)

// simulation is the behaviour of one provider.
type simulation interface {
	// configure takes the provider's configuration. It returns an error if the real
	// provider could not work with it.
	configure(inputs resource.PropertyMap) error
	// kind returns the behaviour of a resource type, nil for a type that the provider
	// does not have.
	kind(token string) *kind
	// invoke runs one of the provider's functions.
	invoke(token string, args resource.PropertyMap) (resource.PropertyMap, error)
}

// kind is the behaviour of one resource type. id is required; every other hook may be
// nil.
type kind struct {
	// inputs are the names of all inputs of the type; nil accepts any name. The inputs
	// in required must be set.
	inputs, required []string
	// replaceOn are the paths of inputs, with dots, whose change replaces the resource.
	replaceOn []string
	// replaces returns further such paths for one change.
	replaces func(olds, news resource.PropertyMap) []string
	// deleteFirst deletes the old resource before its replacement is created. The bridge
	// does so for resources whose name is set in the program, because both have the
	// same name (pulumi-terraform-bridge, nameRequiresDeleteBeforeReplace).
	deleteFirst bool
	// deleteTimeout is how long Delete repeats remove, in the cloud's time (see second).
	deleteTimeout time.Duration
	// check returns the faults of the inputs alone. It may set an input that the
	// provider chooses.
	check func(name string, inputs resource.PropertyMap) []plugin.CheckFailure
	// checkCloud returns an error if the rest of the cloud does not allow the inputs.
	checkCloud func(inputs resource.PropertyMap) error
	// checkUpdate returns an error if the resource cannot change to the new inputs.
	checkUpdate func(olds, news resource.PropertyMap) error
	// apply makes the cloud as the inputs say, and returns what the cloud computed. It
	// runs before a create or an update is stored. The default is simulateApply.
	apply func(id string, inputs resource.PropertyMap) (map[string]any, error)
	// remove deletes what apply made, before the resource is deleted from the store. A
	// retryable error is tried again until the delete's timeout. The default does nothing.
	remove func(id string) error
	// upsert makes a create adopt a resource that exists. uniqueName makes a create fail
	// if another resource has the same name.
	upsert, uniqueName bool
	// checkID returns an error if a new resource cannot have an ID. The default looks
	// for a resource that has it.
	checkID func(id string) error
	// stored returns the part of the last update's inputs that the cloud remembers. The
	// default is all of them.
	stored func(inputs resource.PropertyMap) resource.PropertyMap
	// id returns the ID of a new resource.
	id func(name string, inputs resource.PropertyMap) string
	// unknown are the outputs that a preview does not know.
	unknown []string
	// compute returns the outputs that the cloud adds.
	compute func(id string, inputs resource.PropertyMap) map[string]any
	// onWrite returns the computed outputs after a create or an update.
	onWrite func(inputs resource.PropertyMap, computed map[string]any) (map[string]any, error)
	// importID turns the ID that `pulumi import` takes into the ID of the state.
	importID func(id string) string
	// onRead may change a resource when it is read, as time does in a real cloud. It
	// returns false if the resource no longer exists.
	onRead func(o *cloud.Object) (found bool, err error)
	// afterWrite runs after a create or an update, afterDelete after a delete.
	afterWrite  func(id string, inputs resource.PropertyMap) error
	afterDelete func(id string, old cloud.Object) error
	// secrets are the outputs that are marked secret.
	secrets []string
}

// withDefaults sets the hooks that have a simulated default.
func (k *kind) withDefaults() *kind {
	if k.apply == nil {
		k.apply = k.simulateApply
	}
	if k.remove == nil {
		k.remove = func(string) error { return nil }
	}
	return k
}

// simulateApply checks the inputs against the cloud and computes the outputs.
func (k *kind) simulateApply(id string, inputs resource.PropertyMap) (map[string]any, error) {
	if k.checkCloud != nil {
		if err := k.checkCloud(inputs); err != nil {
			return nil, err
		}
	}
	if k.compute == nil {
		return nil, nil
	}
	return k.compute(id, inputs), nil
}

// retryable is an error of remove that may disappear with time.
type retryable struct{ error }

// removeWithin repeats remove while its error is retryable, until the delete's timeout.
// timeout is the resource's own, in seconds of the cloud's time; 0 means the default of
// the kind.
func (k *kind) removeWithin(id string, timeout float64) error {
	limit := k.deleteTimeout
	if timeout > 0 {
		limit = time.Duration(timeout * float64(second))
	}
	deadline := time.Now().Add(limit)
	for {
		err := k.remove(id)
		if again := (retryable{}); !errors.As(err, &again) || time.Now().After(deadline) {
			return err
		}
		time.Sleep(10 * second)
	}
}
