package provider_test

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/cloud"
)

// apiServer is a fake API server for Services and Namespaces. It stores objects by path,
// sets the status of each, and refuses objects with the label "refuse".
type apiServer map[string]object

func (s apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	var answer any = s[r.URL.Path]
	status := http.StatusOK
	switch {
	case r.URL.Path == "/api/v1":
		answer = object{"resources": []any{
			object{"name": "services", "kind": "Service", "namespaced": true}, object{"name": "namespaces", "kind": "Namespace"},
		}}
	case r.Method == http.MethodPatch:
		var applied object
		_ = json.NewDecoder(r.Body).Decode(&applied) // a test sends JSON only
		if labels, _ := applied["metadata"].(object)["labels"].(object); labels["refuse"] != nil {
			status, answer = http.StatusUnprocessableEntity, object{"message": "refused by the API server"}
			break
		}
		applied["status"] = object{"loadBalancer": object{"ingress": []any{object{"ip": "192.0.2.7"}}}}
		s[r.URL.Path], answer = applied, applied
	case s[r.URL.Path] == nil:
		status, answer = http.StatusNotFound, object{"message": "not found"}
	case r.Method == http.MethodDelete:
		delete(s, r.URL.Path)
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // fails only if the client closed the connection
}

// newLiveAccount returns an account whose Kubernetes provider uses a fake API server.
func newLiveAccount(t *testing.T) (account, apiServer) {
	t.Helper()
	objects := apiServer{}
	server := httptest.NewTLSServer(objects)
	t.Cleanup(server.Close)
	folder := t.TempDir()
	ca, kubeconfig := filepath.Join(folder, "ca.crt"), filepath.Join(folder, "kubeconfig")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	config := `{"clusters":[{"cluster":{"server":"` + server.URL + `","certificate-authority":"` + ca + `"}}],"users":[{"user":{"token":"t"}}]}`
	require.NoError(t, os.WriteFile(kubeconfig, []byte(config), 0o600))
	t.Setenv(cloud.EnvKubeconfig, kubeconfig)
	return newAccount(t), objects
}

func TestWithAnAPIServerObjectsAreAppliedReadAndRemovedThere(t *testing.T) {
	a, objects := newLiveAccount(t)
	const path = "/api/v1/namespaces/app/services/web"
	id := a.mustCreate(service, appObject("Service", "web", object{"spec": object{"type": "LoadBalancer"}}))
	require.Contains(t, objects, path)
	stored, _, err := a.cloud.Get(service, id)
	require.NoError(t, err)
	assert.Contains(t, stored.Computed, "status", "the status of the live object is an output")

	objects[path]["spec"].(object)["type"] = "ClusterIP"
	read, err := a.provider(service).Read(t.Context(), plugin.ReadRequest{Type: tokens.Type(service), ID: idOf([]string{id})})
	require.NoError(t, err)
	assert.Equal(t, "ClusterIP", read.Inputs.Mappable()["spec"].(object)["type"], "a read returns the live fields")

	require.NoError(t, a.remove(service, id, 0))
	assert.NotContains(t, objects, path)
	assert.Empty(t, a.ids(service))
	assert.Empty(t, a.ids(balancer))
}

func TestWithAnAPIServerAnObjectThatItRefusesIsNotStored(t *testing.T) {
	a, objects := newLiveAccount(t)
	refused := appObject("Service", "web", nil)
	refused["metadata"].(object)["labels"] = object{"refuse": "yes"}
	_, err := a.create(service, refused)
	require.ErrorContains(t, err, "refused by the API server")
	assert.Empty(t, objects)
	assert.Empty(t, a.ids(service))
}

func TestWithAnAPIServerTheChartOfAReleaseIsAppliedAndRemoved(t *testing.T) {
	a, objects := newLiveAccount(t)
	rendered := `[{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"x"}},{"apiVersion":"v1","kind":"Service","metadata":{"name":"web"}},` +
		`{"apiVersion":"v1","kind":"ValidatingWebhookConfiguration","metadata":{"name":"hook"}}]`
	script := filepath.Join(t.TempDir(), "render")
	require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\ncat <<'END'\n"+rendered+"\nEND\n"), 0o700))
	t.Setenv(cloud.EnvRender, script)
	id := a.mustCreate(release, object{"chart": "cert-manager", "name": "cert-manager", "namespace": "cert-manager"})
	require.Len(t, objects, 2, "no webhooks")
	for path := range objects {
		assert.True(t, strings.HasPrefix(path, "/api/v1/namespaces/"), path)
	}
	assert.Contains(t, objects, "/api/v1/namespaces/cert-manager/services/web")
	require.NoError(t, a.remove(release, id, 0))
	assert.Empty(t, objects)
}
