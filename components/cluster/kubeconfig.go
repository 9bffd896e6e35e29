package cluster

import (
	"encoding/json"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// kubeconfig returns a kubeconfig whose text stays the same between updates. DigitalOcean's
// own has a token that expires after seven days, and each refresh brings another, which
// shows as a change of every object in the cluster. This one runs doctl for a credential.
// doctl finds its token in DIGITALOCEAN_ACCESS_TOKEN or in its own login.
func kubeconfig(name string, cluster *digitalocean.KubernetesCluster) pulumi.StringOutput {
	ca := cluster.KubeConfigs.Index(pulumi.Int(0)).ClusterCaCertificate().Elem()
	config := pulumi.All(cluster.ID(), cluster.Endpoint, ca).ApplyT(func(v []any) (string, error) {
		return access{context: name, id: string(v[0].(pulumi.ID)), endpoint: v[1].(string), ca: v[2].(string)}.kubeconfig()
	}).(pulumi.StringOutput)
	// The certificate authority is public, but Pulumi marks it as a secret because the list
	// that has it also has credentials.
	return pulumi.Unsecret(config).(pulumi.StringOutput)
}

// access is what a kubeconfig needs: the name of its context, the cluster's ID at
// DigitalOcean, the URL of its API server, and the certificate authority in base64.
type access struct{ context, id, endpoint, ca string }

func (a access) kubeconfig() (string, error) {
	type object = map[string]any
	config, err := json.MarshalIndent(object{
		"apiVersion": "v1", "kind": "Config", "current-context": a.context,
		"clusters": []object{{"name": a.context, "cluster": object{
			"server": a.endpoint, "certificate-authority-data": a.ca,
		}}},
		"contexts": []object{{"name": a.context, "context": object{"cluster": a.context, "user": a.context}}},
		"users": []object{{"name": a.context, "user": object{"exec": object{
			"apiVersion":      "client.authentication.k8s.io/v1beta1",
			"command":         "doctl",
			"args":            []string{"kubernetes", "cluster", "kubeconfig", "exec-credential", "--version=v1beta1", a.id},
			"interactiveMode": "Never",
			"installHint":     "install doctl from https://docs.digitalocean.com/reference/doctl/ and set DIGITALOCEAN_ACCESS_TOKEN",
		}}}},
	}, "", "  ")
	return string(config), err
}
