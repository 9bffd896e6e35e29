package provider

import (
	"errors"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/genericcorp/platform/sandbox/cloud"
)

// releaseKind is a Helm release: what the chart makes is not simulated, but the
// cert-manager API exists only once its release does.
func (k *kubernetes) releaseKind() *kind {
	return &kind{
		inputs: []string{
			"allowNullValues", "atomic", "chart", "cleanupOnFail", "createNamespace", "dependencyUpdate", "description", "devel",
			"disableCRDHooks", "disableOpenapiValidation", "disableWebhooks", "forceUpdate", "keyring", "lint", "manifest",
			"maxHistory", "name", "namespace", "postrender", "recreatePods", "renderSubchartNotes", "replace", "repositoryOpts",
			"resetValues", "resourceNames", "reuseValues", "skipAwait", "skipCrds", "timeout", "valueYamlFiles", "values",
			"verify", "version", "waitForJobs",
		},
		// Not deleted first: helm_release.go, Diff.
		required: []string{"chart"}, replaceOn: []string{"name", "namespace"},
		taken: k.releaseTaken,
		admit: func(in resource.PropertyMap) error {
			return k.exists("kubernetes:core/v1:Namespace", text(in, "namespace"))
		},
		id: func(_ string, in resource.PropertyMap) string { return releaseID(in) },
		made: func(id string, _ resource.PropertyMap) error {
			return k.cloud.Put(tokenSecret, helmRecord(id), cloud.Object{})
		},
		gone: func(id string, _ cloud.Object) error { return k.cloud.Delete(tokenSecret, helmRecord(id)) },
		onRead: func(o *cloud.Object) (bool, error) {
			_, found, err := k.cloud.Get(tokenSecret, helmRecord(releaseID(resource.NewPropertyMapFromMap(o.Inputs))))
			return found, err
		},
		unknown: []string{"status", "resourceNames"},
		compute: func(_ string, in resource.PropertyMap) map[string]any {
			return map[string]any{"status": map[string]any{
				"status": "deployed", "revision": 1, "name": text(in, "name"), "namespace": text(in, "namespace"),
			}}
		},
	}
}

func releaseID(in resource.PropertyMap) string { return text(in, "namespace") + "/" + text(in, "name") }

// helmRecord is the Secret in which Helm keeps a release's first revision. Helm
// takes a release for installed as long as it exists, whatever Pulumi's state says.
func helmRecord(release string) string {
	namespace, name, _ := strings.Cut(release, "/")
	return namespace + "/sh.helm.release.v1." + name + ".v1"
}

// releaseTaken refuses to install over Helm's record (seen with pulumi-kubernetes
// 4.33: a run that was killed while the release installed leaves one).
func (k *kubernetes) releaseTaken(id string) error {
	_, found, err := k.cloud.Get(tokenSecret, helmRecord(id))
	if found {
		err = errors.New("cannot re-use a name that is still in use")
	}
	return err
}
