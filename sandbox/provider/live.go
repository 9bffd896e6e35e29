package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/genericcorp/platform/sandbox/apiserver"
	"github.com/genericcorp/platform/sandbox/cloud"
)

// liveObject returns out with the hooks that use the real API server instead of the
// simulated one. The declared fields are still stored in the cloud's folder, because a
// read compares them with the live object.
func (k *kubernetes) liveObject(token string, out *kind) *kind {
	out.apply = func(_ string, in resource.PropertyMap) (map[string]any, error) {
		if err := failJob(k.cloud, token, in); err != nil {
			return nil, err
		}
		live, err := k.api.Apply(plainObject(in))
		if err != nil || live["status"] == nil {
			return nil, err
		}
		return map[string]any{"status": live["status"]}, nil
	}
	out.onRead = func(o *cloud.Object) (bool, error) {
		live, err := k.api.Get(o.Inputs)
		if apiserver.IsMissing(err) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		o.Inputs = declaredFields(o.Inputs, live).(map[string]any)
		return true, nil
	}
	out.remove = func(id string) error {
		o, found, err := k.cloud.Get(token, id)
		if err != nil || !found {
			return err
		}
		return k.api.Remove(o.Inputs)
	}
	return out
}

// declaredFields returns the live values of the declared fields. Fields that the server
// defaults or other clients own are left out. stringData of a Secret is read from data.
func declaredFields(declared, live any) any {
	switch d := declared.(type) {
	case map[string]any:
		l, ok := live.(map[string]any)
		if !ok {
			return live
		}
		out := map[string]any{}
		for key, value := range d {
			if key == "stringData" {
				out[key] = decodeData(value, l["data"])
			} else if liveValue, ok := l[key]; ok {
				out[key] = declaredFields(value, liveValue)
			}
		}
		return out
	case []any:
		l, ok := live.([]any)
		if !ok || len(l) != len(d) {
			return live
		}
		out := make([]any, len(d))
		for i := range d {
			out[i] = declaredFields(d[i], l[i])
		}
		return out
	}
	return sameQuantity(declared, live)
}

// renderChart returns the objects that a release installs: those of its chart with its
// values, but for webhooks, because no server answers them here. It runs the command in
// cloud.EnvRender.
func renderChart(in map[string]any) ([]map[string]any, error) {
	command := strings.Fields(os.Getenv(cloud.EnvRender))
	if len(command) == 0 {
		return nil, fmt.Errorf("%s is not set; it must be the command that renders a chart", cloud.EnvRender)
	}
	request, err := json.Marshal(map[string]any{"namespace": in["namespace"], "values": in["values"]})
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(command[0], command[1:]...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(request), &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("render the chart %v: %w: %s", in["chart"], err, stderr.String())
	}
	var objects []map[string]any
	if err := json.Unmarshal(out, &objects); err != nil {
		return nil, err
	}
	kept := objects[:0]
	for _, o := range objects {
		if !strings.HasSuffix(apiserver.Field(o, "kind"), "WebhookConfiguration") {
			kept = append(kept, o)
		}
	}
	return kept, nil
}

// liveRelease returns out with hooks that install and delete the objects of the chart on
// the real API server, as Helm does.
func (k *kubernetes) liveRelease(out *kind) *kind {
	out.apply = func(id string, in resource.PropertyMap) (map[string]any, error) {
		objects, err := renderChart(plainObject(in))
		if err != nil {
			return nil, err
		}
		for _, o := range objects {
			if _, err := k.api.Apply(inNamespace(o, text(in, "namespace"))); err != nil {
				return nil, fmt.Errorf("%s %s: %w", apiserver.Field(o, "kind"), apiserver.Field(o, "metadata", "name"), err)
			}
		}
		return out.compute(id, in), nil
	}
	out.remove = func(id string) error {
		o, found, err := k.cloud.Get(tokenRelease, id)
		if err != nil || !found {
			return err
		}
		objects, err := renderChart(o.Inputs)
		if err != nil {
			return err
		}
		var errs []error
		namespace, _ := o.Inputs["namespace"].(string)
		for i := len(objects) - 1; i >= 0; i-- {
			errs = append(errs, k.api.Remove(inNamespace(objects[i], namespace)))
		}
		return errors.Join(errs...)
	}
	return out
}

// inNamespace returns an object of a chart with the release's namespace, unless it has a
// namespace or its kind is known to have none. For other kinds without a namespace the
// client's path ignores it.
func inNamespace(object map[string]any, namespace string) map[string]any {
	meta, _ := object["metadata"].(map[string]any)
	if _, set := meta["namespace"]; set || strings.HasPrefix(apiserver.Field(object, "kind"), "Cluster") || apiserver.Field(object, "kind") == "CustomResourceDefinition" {
		return object
	}
	out := maps.Clone(object)
	named := maps.Clone(meta)
	named["namespace"] = namespace
	out["metadata"] = named
	return out
}
