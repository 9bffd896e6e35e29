// Package apiserver is a small client for a real Kubernetes API server. It applies, reads
// and deletes objects and waits for them. The plugins use it instead of client-go, which
// takes minutes to compile.
package apiserver

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

// fieldManager is the sandbox's name as an owner of fields (server-side apply).
const fieldManager = "pulumi-sandbox"

// Client is a client of one server. Its methods may be called concurrently.
type Client struct {
	server, token string
	client        *http.Client

	mu        sync.Mutex
	resources map[string]apiResource
}

// apiResource is an entry of the server's discovery document.
type apiResource struct {
	Name       string `json:"name"`
	Kind       string `json:"kind"`
	Namespaced bool   `json:"namespaced"`
}

// statusError is a response with an HTTP status of 400 or above, or without JSON.
type statusError struct {
	code    int
	message string
}

func (e *statusError) Error() string { return fmt.Sprintf("%d: %s", e.code, e.message) }

// IsMissing reports whether err says that the object or its kind does not exist (404).
func IsMissing(err error) bool {
	var status *statusError
	return errors.As(err, &status) && status.code == http.StatusNotFound
}

// New returns a client of the server in a kubeconfig that sandbox/cluster wrote: one
// cluster with a CA file, and one user with a token.
func New(path string) (*Client, error) {
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
	if err := yaml.Unmarshal(data, &config); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(config.Clusters) != 1 || len(config.Users) != 1 {
		return nil, fmt.Errorf("%s: has %d clusters and %d users; must have one of each", path, len(config.Clusters), len(config.Users))
	}
	ca, err := os.ReadFile(config.Clusters[0].Cluster.CAFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	return &Client{
		server: config.Clusters[0].Cluster.Server, token: config.Users[0].User.Token,
		client: &http.Client{
			Timeout:   30 * time.Second,
			Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}, MaxIdleConnsPerHost: 16},
		},
		resources: map[string]apiResource{},
	}, nil
}

// do sends a request and returns the JSON object in the response.
func (a *Client) do(method, path, contentType string, body any) (map[string]any, error) {
	code, data, err := a.send(method, path, contentType, body)
	if err != nil {
		return nil, err
	}
	var answer map[string]any
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, &statusError{code, strings.TrimSpace(string(data))}
	}
	if code >= http.StatusBadRequest {
		message, _ := answer["message"].(string)
		return nil, &statusError{code, message}
	}
	return answer, nil
}

// send sends a request and returns the status and the body of the response.
func (a *Client) send(method, path, contentType string, body any) (int, []byte, error) {
	var content io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		content = bytes.NewReader(data)
	}
	req, err := http.NewRequest(method, a.server+path, content)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	req.Header.Set("Accept", "application/json")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // it has been read
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, data, err
}

// Read decodes the response to a GET request for a path into out.
func (a *Client) Read(path string, out any) error {
	answer, err := a.do(http.MethodGet, path, "", nil)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	data, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, out)
}

// ReadText returns the body of the response to a GET request for a path.
func (a *Client) ReadText(path string) (string, error) {
	code, data, err := a.send(http.MethodGet, path, "", nil)
	if err == nil && code >= http.StatusBadRequest {
		err = &statusError{code, strings.TrimSpace(string(data))}
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return string(data), nil
}

// path returns the URL path of an object, from its apiVersion, kind, namespace and name.
func (a *Client) path(object map[string]any) (string, error) {
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
		prefix += "/namespaces/" + Field(object, "metadata", "namespace")
	}
	return prefix + "/" + r.Name + "/" + Field(object, "metadata", "name"), nil
}

// resource returns the server's discovery entry of a kind and caches it. A kind that is
// not found is asked for again, because a CustomResourceDefinition may add it later.
func (a *Client) resource(prefix, kind string) (apiResource, error) {
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
