// Package digitalocean simulates the parts of DigitalOcean's HTTP API that the operators'
// commands (cmd/ops) use. It reads and writes the objects of a sandbox/cloud that the
// simulated provider uses too, so `pulumi refresh` finds changes made through the API. The
// bodies are types of godo, DigitalOcean's own client. File names in comments are those of
// digitalocean/openapi.
package digitalocean

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/digitalocean/godo"

	"github.com/genericcorp/platform/sandbox/cloud"
)

// Server is the API of one account. Serve its Handler.
type Server struct {
	// Cloud has the account's objects.
	Cloud cloud.Cloud
	// Kubeconfig is the path of a kubeconfig for a real API server; empty if the cluster
	// is simulated. See cloud.EnvKubeconfig.
	Kubeconfig string
	// DropletLimit is how many Droplets the account may have. Each node is a Droplet.
	DropletLimit int

	// mu makes requests run one after the other.
	mu sync.Mutex
}

// apiError is an error with the status and body that the API answers.
type apiError struct {
	status      int
	id, message string
}

func (e *apiError) Error() string { return fmt.Sprintf("%d: %s", e.status, e.message) }

// Errors of the API, from shared/responses of digitalocean/openapi.
func notFound() error {
	return &apiError{http.StatusNotFound, "not_found", "The resource you requested could not be found."}
}

func unprocessable(format string, args ...any) error {
	return &apiError{http.StatusUnprocessableEntity, "unprocessable_entity", fmt.Sprintf(format, args...)}
}

// answer is a response: a status and a body. A nil body is not sent.
type answer struct {
	status int
	body   any
}

func ok(body any) (answer, error) { return answer{http.StatusOK, body}, nil }

// Handler returns the handler of the requests that the operators' commands send.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, handle := range map[string]func(*http.Request) (answer, error){
		"GET /v2/account":                                          s.account,
		"GET /v2/droplets":                                         s.droplets,
		"GET /v2/vpcs":                                             s.vpcs,
		"GET /v2/kubernetes/clusters":                              s.clusters,
		"GET /v2/kubernetes/clusters/{cluster}":                    s.cluster,
		"GET /v2/kubernetes/clusters/{cluster}/credentials":        s.credentials,
		"GET /v2/kubernetes/clusters/{cluster}/node_pools":         s.nodePools,
		"POST /v2/kubernetes/clusters/{cluster}/node_pools":        s.createPool,
		"GET /v2/kubernetes/clusters/{cluster}/node_pools/{id}":    s.nodePool,
		"PUT /v2/kubernetes/clusters/{cluster}/node_pools/{id}":    s.updatePool,
		"DELETE /v2/kubernetes/clusters/{cluster}/node_pools/{id}": s.deletePool,
		"GET /v2/databases":                                        s.databases,
		"GET /v2/databases/{database}":                             s.database,
		"GET /v2/databases/{database}/dbs":                         s.databaseDbs,
		"GET /v2/databases/{database}/users":                       s.databaseUsers,
		"GET /v2/databases/{database}/firewall":                    s.databaseFirewall,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, handle) })
	}
	return mux
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, handle func(*http.Request) (answer, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// Every request needs a bearer token: shared/responses/unauthorized.yml.
	if token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); !found || token == "" {
		send(w, http.StatusUnauthorized, map[string]string{"id": "unauthorized", "message": "Unable to authenticate you."})
		return
	}
	a, err := handle(r)
	if err == nil {
		send(w, a.status, a.body)
		return
	}
	known, isKnown := err.(*apiError) //nolint:errorlint // handlers return it unwrapped
	if !isKnown {
		known = &apiError{http.StatusInternalServerError, "server_error", err.Error()}
	}
	send(w, known.status, map[string]string{"id": known.id, "message": known.message})
}

func send(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if body != nil {
		_ = json.NewEncoder(w).Encode(body) // fails only if the client closed the connection
	}
}

// decode returns the body of a request.
func decode[T any](r *http.Request) (T, error) {
	var body T
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return body, &apiError{http.StatusBadRequest, "bad_request", err.Error()}
	}
	return body, nil
}

// page answers with a list as its only page.
func page(key string, list any, length int) (answer, error) {
	return ok(map[string]any{key: list, "links": godo.Links{}, "meta": godo.Meta{Total: length}})
}

// text returns the string in a field; "" if it is missing or no string.
func text(fields map[string]any, key string) string {
	value, _ := fields[key].(string)
	return value
}

// texts returns the strings in a field that is a list.
func texts(fields map[string]any, key string) []string {
	list, _ := fields[key].([]any)
	var out []string
	for _, value := range list {
		if value, isText := value.(string); isText {
			out = append(out, value)
		}
	}
	return out
}

func (s *Server) account(*http.Request) (answer, error) {
	return ok(map[string]any{"account": godo.Account{DropletLimit: s.DropletLimit, Status: "active"}})
}

// droplets lists one Droplet for each node (droplet_id in kubernetes/models/node.yml).
func (s *Server) droplets(*http.Request) (answer, error) {
	list := []godo.Droplet{}
	err := s.each(cloud.TokenCluster, func(_ string, o cloud.Object) error {
		pools, err := o.NodePools()
		for _, pool := range pools {
			for _, node := range pool.Nodes {
				list = append(list, godo.Droplet{ID: len(list) + 1, Name: node.Name, SizeSlug: pool.Size})
			}
		}
		return err
	})
	if err != nil {
		return answer{}, err
	}
	return page("droplets", list, len(list))
}

// each calls visit for each object of a type, until visit returns an error.
func (s *Server) each(token string, visit func(id string, o cloud.Object) error) error {
	ids, err := s.Cloud.IDs(token)
	if err != nil {
		return err
	}
	for _, id := range ids {
		o, found, err := s.Cloud.Get(token, id)
		if err != nil {
			return err
		}
		if !found {
			continue // deleted since IDs returned
		}
		if err := visit(id, o); err != nil {
			return err
		}
	}
	return nil
}
