package provider

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"sigs.k8s.io/yaml"
)

// fieldManager owns what the sandbox applies.
const fieldManager = "pulumi-sandbox"

// apiServer is a client for a real API server: as much of one as applying,
// reading and deleting takes.
type apiServer struct {
	server, token string
	client        *http.Client

	mu        sync.Mutex
	resources map[string]apiResource
}

// apiResource is what the server says of a kind.
type apiResource struct {
	Name       string `json:"name"`
	Kind       string `json:"kind"`
	Namespaced bool   `json:"namespaced"`
}

// statusError is an answer that is not success.
type statusError struct {
	code    int
	message string
}

func (e *statusError) Error() string { return fmt.Sprintf("%d: %s", e.code, e.message) }

func isMissing(err error) bool {
	var status *statusError
	return errors.As(err, &status) && status.code == http.StatusNotFound
}

// newAPIServer reads the kubeconfig that the driver wrote.
func newAPIServer(path string) (*apiServer, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var config struct {
		Clusters []struct {
			Cluster struct {
				Server string `json:"server"`
				CAFile string `json:"certificate-authority"`
			} `json:"cluster"`
		} `json:"clusters"`
		Users []struct {
			User struct {
				Token string `json:"token"`
			} `json:"user"`
		} `json:"users"`
	}
	if err := yaml.Unmarshal(data, &config); err != nil || len(config.Clusters) != 1 || len(config.Users) != 1 {
		return nil, fmt.Errorf("%s is not a kubeconfig of the sandbox: %w", path, err)
	}
	ca, err := os.ReadFile(config.Clusters[0].Cluster.CAFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	return &apiServer{
		server: config.Clusters[0].Cluster.Server, token: config.Users[0].User.Token,
		client: &http.Client{
			Timeout:   30 * time.Second,
			Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}, MaxIdleConnsPerHost: 16},
		},
		resources: map[string]apiResource{},
	}, nil
}

// do sends a request and reads a JSON answer.
func (a *apiServer) do(method, path, contentType string, body any) (map[string]any, error) {
	var reader io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		reader = bytes.NewReader(data)
	}
	req, err := http.NewRequest(method, a.server+path, reader)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	req.Header.Set("Accept", "application/json")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // it has been read
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	var answer map[string]any
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, &statusError{resp.StatusCode, strings.TrimSpace(string(data))}
	}
	if resp.StatusCode >= http.StatusBadRequest {
		message, _ := answer["message"].(string)
		return nil, &statusError{resp.StatusCode, message}
	}
	return answer, nil
}

// path of an object, from what it says of itself.
func (a *apiServer) path(object map[string]any) (string, error) {
	group, _ := object["apiVersion"].(string)
	kind, _ := object["kind"].(string)
	prefix := "/apis/" + group
	if !strings.Contains(group, "/") {
		prefix = "/api/" + group
	}
	r, err := a.resource(prefix, kind)
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", group, kind, err)
	}
	if r.Namespaced {
		prefix += "/namespaces/" + field(object, "metadata", "namespace")
	}
	return prefix + "/" + r.Name + "/" + field(object, "metadata", "name"), nil
}

// resource asks the server for the kinds of a group, once. A kind may come to a
// group later, with a CustomResourceDefinition.
func (a *apiServer) resource(prefix, kind string) (apiResource, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := prefix + " " + kind
	if r, ok := a.resources[key]; ok {
		return r, nil
	}
	answer, err := a.do(http.MethodGet, prefix, "", nil)
	if err != nil {
		return apiResource{}, err
	}
	data, err := json.Marshal(answer["resources"])
	if err != nil {
		return apiResource{}, err
	}
	var list []apiResource
	if err := json.Unmarshal(data, &list); err != nil {
		return apiResource{}, err
	}
	for _, r := range list {
		if !strings.Contains(r.Name, "/") {
			a.resources[prefix+" "+r.Kind] = r
		}
	}
	if r, ok := a.resources[key]; ok {
		return r, nil
	}
	return apiResource{}, &statusError{http.StatusNotFound, "the server has no such kind"}
}

// apply is a server-side apply that takes over what others own.
func (a *apiServer) apply(object map[string]any) error {
	path, err := a.path(object)
	if err != nil {
		return err
	}
	_, err = a.do(http.MethodPatch, path+"?fieldManager="+fieldManager+"&force=true&fieldValidation=Strict", "application/apply-patch+yaml", object)
	return err
}

func (a *apiServer) get(object map[string]any) (map[string]any, error) {
	path, err := a.path(object)
	if err != nil {
		return nil, err
	}
	return a.do(http.MethodGet, path, "", nil)
}

// remove deletes an object with what it owns, and waits until it is gone.
func (a *apiServer) remove(object map[string]any) error {
	path, err := a.path(object)
	if err == nil {
		_, err = a.do(http.MethodDelete, path, "application/json", map[string]any{
			"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Foreground",
		})
	}
	if isMissing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return await("deleted", func() (string, error) {
		live, err := a.get(object)
		if isMissing(err) {
			return "", nil
		}
		return fmt.Sprintf("finalizers %v", dig(live, "metadata", "finalizers")), err
	})
}

// ready applies an object and waits until it does what it is for.
func (a *apiServer) ready(object map[string]any) error {
	if err := a.apply(object); err != nil {
		return err
	}
	if annotation(object, "pulumi.com/skipAwait") == "true" {
		return nil
	}
	return await("ready", func() (string, error) {
		live, err := a.get(object)
		if err != nil {
			return "", err
		}
		return unready(live), nil
	})
}

// patience is how long the sandbox waits for the cluster, which plays fast.
const patience = 90 * time.Second

// await looks until there is nothing left to wait for.
func await(what string, look func() (string, error)) error {
	deadline := time.Now().Add(patience)
	for {
		missing, err := look()
		if err != nil || missing == "" {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not %s after %s: %s", what, patience, missing)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func dig(object map[string]any, path ...string) any {
	var at any = object
	for _, key := range path {
		m, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = m[key]
	}
	return at
}

func field(object map[string]any, path ...string) string {
	s, _ := dig(object, path...).(string)
	return s
}

func annotation(object map[string]any, name string) string {
	return field(object, "metadata", "annotations", name)
}

func number(object map[string]any, path ...string) float64 {
	n, _ := dig(object, path...).(float64)
	return n
}
