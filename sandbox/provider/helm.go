package provider

import (
	"errors"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/genericcorp/platform/sandbox/cloud"
)

// releaseKind returns the behaviour of a Helm release. The objects of the chart are not
// simulated. The types of cert-manager exist only while its release exists (checkCluster).
func (k *kubernetes) releaseKind() *kind {
	return &kind{
		inputs: []string{
			"allowNullValues", "atomic", "chart", "cleanupOnFail", "createNamespace", "dependencyUpdate", "description", "devel",
			"disableCRDHooks", "disableOpenapiValidation", "disableWebhooks", "forceUpdate", "keyring", "lint", "manifest",
			"maxHistory", "name", "namespace", "postrender", "recreatePods", "renderSubchartNotes", "replace", "repositoryOpts",
			"resetValues", "resourceNames", "reuseValues", "skipAwait", "skipCrds", "timeout", "valueYamlFiles", "values",
			"verify", "version", "waitForJobs",
		},
		// deleteFirst is false: helm_release.go, Diff.
		required: []string{"chart"}, replaceOn: []string{"name", "namespace"},
		checkID: k.checkReleaseID,
		checkCloud: func(in resource.PropertyMap) error {
			return k.exists("kubernetes:core/v1:Namespace", text(in, "namespace"))
		},
		id: func(_ string, in resource.PropertyMap) string { return releaseID(in) },
		afterWrite: func(id string, _ resource.PropertyMap) error {
			return k.cloud.Put(tokenSecret, helmRecord(id), cloud.Object{})
		},
		afterDelete: func(id string, _ cloud.Object) error { return k.cloud.Delete(tokenSecret, helmRecord(id)) },
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

// helmRecord returns the ID of the Secret in which Helm keeps a release's first revision.
// For Helm the release is installed while this Secret exists, whatever Pulumi's state says.
func helmRecord(release string) string {
	namespace, name, _ := strings.Cut(release, "/")
	return namespace + "/sh.helm.release.v1." + name + ".v1"
}

// checkReleaseID returns an error if Helm has a record of the release. A run that was
// killed during an install leaves one (seen with pulumi-kubernetes 4.33).
func (k *kubernetes) checkReleaseID(id string) error {
	_, found, err := k.cloud.Get(tokenSecret, helmRecord(id))
	if found {
		err = errors.New("cannot re-use a name that is still in use")
	}
	return err
}
