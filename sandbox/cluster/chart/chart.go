// Package chart renders the cert-manager chart with Helm's own library, as the platform's
// Helm release does.
package chart

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"

	"helm.sh/helm/v3/pkg/action"
	helm "helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/release"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// Version is the version of cert-manager that the platform installs. The Go module of that
// version contains the chart.
const Version = "v1.21.2"

// Load returns the chart in the cert-manager module. It downloads the module into the module
// cache if necessary.
func Load() (*helm.Chart, error) {
	out, err := exec.Command("go", "mod", "download", "-json", "github.com/cert-manager/cert-manager@"+Version).Output()
	if err != nil {
		return nil, fmt.Errorf("download cert-manager %s: %w", Version, err)
	}
	var module struct{ Dir string }
	if err := yaml.Unmarshal(out, &module); err != nil {
		return nil, err
	}
	return loader.Load(filepath.Join(module.Dir, "deploy", "charts", "cert-manager"))
}

// Render returns the objects that a release with these values installs, those of its hooks
// included, in an order in which they can be created. Values that the chart's schema refuses
// are an error.
func Render(namespace string, values map[string]any) ([]*unstructured.Unstructured, error) {
	loaded, err := Load()
	if err != nil {
		return nil, err
	}
	// cert-manager's release tool sets both. In the module they are v0.0.0.
	loaded.Metadata.Version, loaded.Metadata.AppVersion = Version, Version
	install := action.NewInstall(&action.Configuration{})
	install.ReleaseName, install.Namespace = "cert-manager", namespace
	install.ClientOnly, install.DryRun, install.IncludeCRDs = true, true, true
	install.KubeVersion = &chartutil.KubeVersion{Version: "v1.36.1", Major: "1", Minor: "36"}
	rendered, err := install.Run(loaded, values)
	if err != nil {
		return nil, fmt.Errorf("render the cert-manager chart: %w", err)
	}
	return objects(rendered)
}

// objects returns the objects in a release's manifests.
func objects(rendered *release.Release) ([]*unstructured.Unstructured, error) {
	texts := []string{rendered.Manifest}
	for _, hook := range rendered.Hooks {
		texts = append(texts, hook.Manifest)
	}
	var out []*unstructured.Unstructured
	var errs []error
	for _, text := range texts {
		for document := range strings.SplitSeq(text, "\n---\n") {
			object := &unstructured.Unstructured{}
			if err := yaml.Unmarshal([]byte(document), &object.Object); err != nil {
				errs = append(errs, err)
			}
			if len(object.Object) > 0 {
				out = append(out, object)
			}
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return rank(out[i]) < rank(out[j]) })
	return out, errors.Join(errs...)
}

// rank returns the position of an object's kind in the order of creation. Other kinds are
// created last.
func rank(o *unstructured.Unstructured) int {
	for i, kind := range []string{"CustomResourceDefinition", "ServiceAccount", "ConfigMap", "ClusterRole", "Role", "ClusterRoleBinding", "RoleBinding", "Service"} {
		if o.GetKind() == kind {
			return i
		}
	}
	return 100
}
