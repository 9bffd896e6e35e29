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

// onServer makes a kind of objects one that a real API server keeps. What was
// declared is noted in the cloud's folder, as the state of a manager of fields;
// what is there is asked of the server.
func (k *kubernetes) onServer(token string, out *kind) *kind {
	out.admit = func(in resource.PropertyMap) error {
		if err := admitJob(k.cloud, token, in); err != nil {
			return err
		}
		return k.api.Ready(declared(in))
	}
	out.compute = func(_ string, in resource.PropertyMap) map[string]any {
		live, err := k.api.Get(declared(in))
		if err != nil || live["status"] == nil {
			return nil
		}
		return map[string]any{"status": live["status"]}
	}
	out.onRead = func(o *cloud.Object) (bool, error) {
		live, err := k.api.Get(o.Inputs)
		if apiserver.IsMissing(err) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		o.Inputs = ofDeclared(o.Inputs, live).(map[string]any)
		return true, nil
	}
	out.release = func(id string) (bool, error) {
		o, found, err := k.cloud.Get(token, id)
		if err != nil || !found {
			return false, err
		}
		return false, k.api.Remove(o.Inputs)
	}
	return out
}

// declared is an object as JSON.
func declared(in resource.PropertyMap) map[string]any {
	return known(resource.NewObjectProperty(open(in))).Mappable().(map[string]any)
}

// ofDeclared is the live value of what was declared: fields that the server
// defaults or others own are left out. Secrets come back as "data".
func ofDeclared(declared, live any) any {
	switch d := declared.(type) {
	case map[string]any:
		l, ok := live.(map[string]any)
		if !ok {
			return live
		}
		out := map[string]any{}
		for key, value := range d {
			if key == "stringData" {
				out[key] = decoded(value, l["data"])
			} else if of, ok := l[key]; ok {
				out[key] = ofDeclared(value, of)
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
			out[i] = ofDeclared(d[i], l[i])
		}
		return out
	}
	return sameQuantity(declared, live)
}

// renderChart is what a release installs: the objects of its chart with its
// values. Webhooks are left out: nobody answers for them here.
func renderChart(in map[string]any) ([]map[string]any, error) {
	command := strings.Fields(os.Getenv(cloud.EnvRender))
	if len(command) == 0 {
		return nil, fmt.Errorf("%s is not set", cloud.EnvRender)
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
		return nil, fmt.Errorf("rendering %v: %w: %s", in["chart"], err, stderr.String())
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

// releaseOnServer installs what the chart has, as Helm does.
func (k *kubernetes) releaseOnServer(out *kind) *kind {
	out.admit = func(in resource.PropertyMap) error {
		objects, err := renderChart(declared(in))
		if err != nil {
			return err
		}
		for _, o := range objects {
			if err := k.api.Ready(namespaced(o, text(in, "namespace"))); err != nil {
				return fmt.Errorf("%s %s: %w", apiserver.Field(o, "kind"), apiserver.Field(o, "metadata", "name"), err)
			}
		}
		return nil
	}
	out.release = func(id string) (bool, error) {
		o, found, err := k.cloud.Get(tokenRelease, id)
		if err != nil || !found {
			return false, err
		}
		objects, err := renderChart(o.Inputs)
		if err != nil {
			return false, err
		}
		var errs []error
		namespace, _ := o.Inputs["namespace"].(string)
		for i := len(objects) - 1; i >= 0; i-- {
			errs = append(errs, k.api.Remove(namespaced(objects[i], namespace)))
		}
		return false, errors.Join(errs...)
	}
	return out
}

// namespaced gives an object of a chart the release's namespace, where it has none
// and its kind wants one; for other kinds the path does not ask.
func namespaced(object map[string]any, namespace string) map[string]any {
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
