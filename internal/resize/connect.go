package resize

import (
	"context"
	"fmt"
	"time"

	"github.com/digitalocean/godo"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// requestTimeout ends a request on a broken connection. Resizer repeats the request.
const requestTimeout = time.Minute

// Connect returns a client of a cluster, given the cluster's ID. DigitalOcean issues its
// credential for seven days. The credential stays in memory.
func Connect(ctx context.Context, client *godo.Client, cluster string) (kubernetes.Interface, error) {
	c, _, err := client.Kubernetes.GetCredentials(ctx, cluster, &godo.KubernetesClusterCredentialsGetRequest{})
	if err != nil {
		return nil, fmt.Errorf("credential for the cluster: %w", err)
	}
	return kubernetes.NewForConfig(&rest.Config{
		Host: c.Server, BearerToken: c.Token, QPS: 20, Burst: 40, Timeout: requestTimeout,
		TLSClientConfig: rest.TLSClientConfig{CAData: c.CertificateAuthorityData, CertData: c.ClientCertificateData, KeyData: c.ClientKeyData},
	})
}
