package digitalocean

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"slices"

	"github.com/digitalocean/godo"
	"sigs.k8s.io/yaml"

	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/sandbox/cloud"
)

func (s *Server) clusters(*http.Request) (answer, error) {
	list := []*godo.KubernetesCluster{}
	err := s.each(cloud.TokenCluster, func(id string, o cloud.Object) error {
		cluster, err := asCluster(id, o)
		list = append(list, cluster)
		return err
	})
	if err != nil {
		return answer{}, err
	}
	return page("kubernetes_clusters", list, len(list))
}

func (s *Server) cluster(r *http.Request) (answer, error) {
	o, err := s.clusterOf(r)
	if err != nil {
		return answer{}, err
	}
	cluster, err := asCluster(r.PathValue("cluster"), o)
	if err != nil {
		return answer{}, err
	}
	if err := s.advance(r, o); err != nil {
		return answer{}, err
	}
	return ok(map[string]any{"kubernetes_cluster": cluster})
}

func (s *Server) clusterOf(r *http.Request) (cloud.Object, error) {
	o, found, err := s.Cloud.Get(cloud.TokenCluster, r.PathValue("cluster"))
	if err == nil && !found {
		err = notFound()
	}
	return o, err
}

// asCluster returns a cluster as the API sends it.
func asCluster(id string, o cloud.Object) (*godo.KubernetesCluster, error) {
	pools, err := o.NodePools()
	out := &godo.KubernetesCluster{
		ID: id, Name: text(o.Inputs, "name"), RegionSlug: text(o.Inputs, "region"), VersionSlug: text(o.Inputs, "version"),
		VPCUUID: text(o.Inputs, "vpcUuid"), Endpoint: text(o.Computed, "endpoint"), Tags: texts(o.Inputs, "tags"),
		Status: &godo.KubernetesClusterStatus{State: godo.KubernetesClusterStatusState(text(o.Computed, "status"))},
	}
	for _, pool := range pools {
		out.NodePools = append(out.NodePools, asPool(id, pool))
	}
	return out, err
}

// asPool returns a node pool as the API sends it, with the tags that every pool has:
// `k8s` and `k8s:<cluster>` from kubernetes/models/node_pool.yml of digitalocean/openapi,
// `k8s:worker` from doctl's output in digitalocean/DOKS#16.
func asPool(cluster string, pool cloud.NodePool) *godo.KubernetesNodePool {
	out := &godo.KubernetesNodePool{
		ID: pool.ID, Name: pool.Name, Size: pool.Size, Count: pool.Count, Labels: pool.Labels,
		Tags: append([]string{"k8s", "k8s:" + cluster, "k8s:worker"}, pool.Tags...),
	}
	for _, node := range pool.Nodes {
		out.Nodes = append(out.Nodes, &godo.KubernetesNode{
			ID: node.ID, Name: node.Name, DropletID: node.ID, Status: &godo.KubernetesNodeStatus{State: node.State},
		})
	}
	return out
}

// advance simulates the time after a read: provisioning nodes become running, and pools
// that were being deleted disappear. The API answers 201 to a new pool and 204 to a
// deletion before the work is done (add_node_pool.yml, delete_node_pool.yml).
func (s *Server) advance(r *http.Request, o cloud.Object) error {
	pools, err := o.NodePools()
	if err != nil {
		return err
	}
	pools = slices.DeleteFunc(pools, isDeleting)
	for _, pool := range pools {
		for i := range pool.Nodes {
			pool.Nodes[i].State = cloud.NodeRunning
		}
	}
	return s.put(r, o, pools)
}

func isDeleting(pool cloud.NodePool) bool {
	return slices.ContainsFunc(pool.Nodes, func(n cloud.Node) bool { return n.State == cloud.NodeDeleting })
}

func (s *Server) put(r *http.Request, o cloud.Object, pools []cloud.NodePool) error {
	if err := o.SetNodePools(pools, newID); err != nil {
		return err
	}
	return s.Cloud.Put(cloud.TokenCluster, r.PathValue("cluster"), o)
}

func newID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never returns an error, see crypto/rand
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (s *Server) nodePools(r *http.Request) (answer, error) {
	o, err := s.clusterOf(r)
	if err != nil {
		return answer{}, err
	}
	pools, err := o.NodePools()
	if err != nil {
		return answer{}, err
	}
	list := []*godo.KubernetesNodePool{}
	for _, pool := range pools {
		list = append(list, asPool(r.PathValue("cluster"), pool))
	}
	if err := s.advance(r, o); err != nil {
		return answer{}, err
	}
	return page("node_pools", list, len(list))
}

// findPool returns the cluster, its pools, and the index of the pool of the request.
func (s *Server) findPool(r *http.Request) (cloud.Object, []cloud.NodePool, int, error) {
	o, err := s.clusterOf(r)
	if err != nil {
		return o, nil, 0, err
	}
	pools, err := o.NodePools()
	at := slices.IndexFunc(pools, func(p cloud.NodePool) bool { return p.ID == r.PathValue("id") })
	if err == nil && at < 0 {
		err = notFound()
	}
	return o, pools, at, err
}

func (s *Server) nodePool(r *http.Request) (answer, error) {
	o, pools, at, err := s.findPool(r)
	if err != nil {
		return answer{}, err
	}
	pool := asPool(r.PathValue("cluster"), pools[at])
	if err := s.advance(r, o); err != nil {
		return answer{}, err
	}
	return ok(map[string]any{"node_pool": pool})
}

// createPool adds a pool, as add_node_pool.yml describes. Name, size and count are required
// (kubernetes_node_pool in models/node_pool.yml). A name is unique in its cluster: doctl
// accepts a name wherever it accepts an ID.
func (s *Server) createPool(r *http.Request) (answer, error) {
	o, err := s.clusterOf(r)
	if err != nil {
		return answer{}, err
	}
	request, err := decode[godo.KubernetesNodePoolCreateRequest](r)
	if err != nil {
		return answer{}, err
	}
	pools, err := o.NodePools()
	if err != nil {
		return answer{}, err
	}
	if _, err := catalog.NodeBySize(request.Size); err != nil {
		return answer{}, unprocessable("invalid size: %s", request.Size)
	}
	if err := s.checkDropletLimit(request.Count); err != nil {
		return answer{}, err
	}
	pools = append(pools, cloud.NodePool{
		ID: newID(), Name: request.Name, Size: request.Size, Count: request.Count, Tags: request.Tags, Labels: request.Labels,
	})
	return s.storePool(r, o, pools, len(pools)-1, "node_pool", http.StatusCreated)
}

// storePool checks pools[at], writes all pools, and answers with that one.
func (s *Server) storePool(r *http.Request, o cloud.Object, pools []cloud.NodePool, at int, key string, status int) (answer, error) {
	pool := pools[at]
	if pool.Name == "" || pool.Count < 1 {
		return answer{}, unprocessable("name and count are required")
	}
	for i, other := range pools {
		if i != at && other.Name == pool.Name {
			return answer{}, unprocessable("a node pool with the name %q already exists", pool.Name)
		}
	}
	if err := s.put(r, o, pools); err != nil {
		return answer{}, err
	}
	stored, err := o.NodePools()
	if err != nil {
		return answer{}, err
	}
	return answer{status, map[string]any{key: asPool(r.PathValue("cluster"), stored[at])}}, nil
}

// checkDropletLimit returns an error if more Droplets would exceed the account's limit.
func (s *Server) checkDropletLimit(more int) error {
	a, err := s.droplets(nil)
	if err != nil {
		return err
	}
	have := a.body.(map[string]any)["meta"].(godo.Meta).Total
	if have+more > s.DropletLimit {
		return unprocessable("creating this/these droplet(s) will exceed your droplet limit")
	}
	return nil
}

// updatePool changes name, count, tags and labels. The size of a pool cannot change. Name
// and count are required (update_node_pool.yml, kubernetes_node_pool_update).
func (s *Server) updatePool(r *http.Request) (answer, error) {
	o, pools, at, err := s.findPool(r)
	if err != nil {
		return answer{}, err
	}
	request, err := decode[godo.KubernetesNodePoolUpdateRequest](r)
	if err != nil {
		return answer{}, err
	}
	if request.Name == "" || request.Count == nil {
		return answer{}, unprocessable("name and count are required")
	}
	pools[at].Name, pools[at].Count = request.Name, *request.Count
	if request.Tags != nil {
		pools[at].Tags = request.Tags
	}
	if request.Labels != nil {
		pools[at].Labels = request.Labels
	}
	return s.storePool(r, o, pools, at, "node_pool", http.StatusAccepted)
}

// deletePool answers before the nodes are deleted: "Nodes in the pool will
// subsequently be drained and deleted" (delete_node_pool.yml).
func (s *Server) deletePool(r *http.Request) (answer, error) {
	o, pools, at, err := s.findPool(r)
	if err != nil {
		return answer{}, err
	}
	for i := range pools[at].Nodes {
		pools[at].Nodes[i].State = cloud.NodeDeleting
	}
	return answer{http.StatusNoContent, nil}, s.put(r, o, pools)
}

// credentials answers with the credentials of the real API server if there is one, and of
// the simulated cluster otherwise (kubernetes/models/credentials.yml).
func (s *Server) credentials(r *http.Request) (answer, error) {
	o, err := s.clusterOf(r)
	if err != nil {
		return answer{}, err
	}
	if s.Kubeconfig != "" {
		credentials, err := fromKubeconfig(s.Kubeconfig)
		if err != nil {
			return answer{}, err
		}
		return ok(credentials)
	}
	configs, _ := o.Computed["kubeConfigs"].([]any)
	if len(configs) == 0 {
		return answer{}, notFound()
	}
	config, _ := configs[0].(map[string]any)
	return ok(map[string]any{
		"server": config["host"], "certificate_authority_data": config["clusterCaCertificate"],
		"token": config["token"], "expires_at": config["expiresAt"],
	})
}

// fromKubeconfig returns the credentials in a kubeconfig that sandbox/cluster wrote.
func fromKubeconfig(path string) (godo.KubernetesClusterCredentials, error) {
	var out godo.KubernetesClusterCredentials
	data, err := os.ReadFile(path)
	if err != nil {
		return out, err
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
		return out, fmt.Errorf("%s: %w", path, err)
	}
	if len(config.Clusters) != 1 || len(config.Users) != 1 {
		return out, fmt.Errorf("%s: has %d clusters and %d users; must have one of each", path, len(config.Clusters), len(config.Users))
	}
	out.Server, out.Token = config.Clusters[0].Cluster.Server, config.Users[0].User.Token
	out.CertificateAuthorityData, err = os.ReadFile(config.Clusters[0].Cluster.CAFile)
	return out, err
}
