// Package chart renders the cert-manager chart with Helm's own library, as the
// Helm release of the platform would.
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

// Version is what the platform installs; the module of that version has the chart.
const Version = "v1.21.2"

// Load reads the chart out of the cert-manager module, in the module cache.
func Load() (*helm.Chart, error) {
	out, err := exec.Command("go", "mod", "download", "-json", "github.com/cert-manager/cert-manager@"+Version).Output()
	if err != nil {
		return nil, fmt.Errorf("cert-manager %s: %w", Version, err)
	}
	var module struct{ Dir string }
	if err := yaml.Unmarshal(out, &module); err != nil {
		return nil, err
	}
	return loader.Load(filepath.Join(module.Dir, "deploy", "charts", "cert-manager"))
}

// Render is what a release with these values installs: the chart's objects, then
// those of its hooks. The values are checked by the chart's schema.
func Render(namespace string, values map[string]any) ([]*unstructured.Unstructured, error) {
	loaded, err := Load()
	if err != nil {
		return nil, err
	}
	// The release tool sets both; from a module they are v0.0.0.
	loaded.Metadata.Version, loaded.Metadata.AppVersion = Version, Version
	install := action.NewInstall(&action.Configuration{})
	install.ReleaseName, install.Namespace = "cert-manager", namespace
	install.ClientOnly, install.DryRun, install.IncludeCRDs = true, true, true
	install.KubeVersion = &chartutil.KubeVersion{Version: "v1.36.1", Major: "1", Minor: "36"}
	rendered, err := install.Run(loaded, values)
	if err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	return objects(rendered)
}

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

// rank is the order in which objects need each other.
func rank(o *unstructured.Unstructured) int {
	for i, kind := range []string{"CustomResourceDefinition", "ServiceAccount", "ConfigMap", "ClusterRole", "Role", "ClusterRoleBinding", "RoleBinding", "Service"} {
		if o.GetKind() == kind {
			return i
		}
	}
	return 100
}
