package demo

import (
	"fmt"
	"io"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/genericcorp/platform/sandbox/apiserver"
)

// nodeSummary is the part of the kubelet's /stats/summary that printUsage reads.
type nodeSummary struct {
	Pods []struct {
		PodRef struct {
			Name      string `json:"name"`
			Namespace string `json:"namespace"`
		} `json:"podRef"`
		Containers []struct {
			Name   string `json:"name"`
			Memory struct {
				WorkingSetBytes int64 `json:"workingSetBytes"`
			} `json:"memory"`
		} `json:"containers"`
	} `json:"pods"`
}

// printUsage prints the memory of every container beside its request and its limit. It leaves out the
// Pods of the cloud, which are stand-ins.
func (d Demo) printUsage(out io.Writer) error {
	client, err := apiserver.New(d.Kubeconfig())
	if err != nil {
		return err
	}
	var pods corev1.PodList
	if err := client.Read("/api/v1/pods", &pods); err != nil {
		return err
	}
	used, err := memoryUsed(client)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%-58s %8s %8s %8s\n", "memory in MiB", "used", "request", "limit")
	var lines []string
	for _, pod := range pods.Items {
		if pod.Namespace == "kube-system" || pod.Status.Phase != corev1.PodRunning {
			continue
		}
		for _, c := range pod.Spec.Containers {
			name := pod.Namespace + "/" + pod.Name + " " + c.Name
			lines = append(lines, fmt.Sprintf("%-58s %8d %8d %8d\n", name, used[name]>>20, c.Resources.Requests.Memory().Value()>>20, c.Resources.Limits.Memory().Value()>>20))
		}
	}
	slices.Sort(lines)
	fmt.Fprint(out, strings.Join(lines, ""))
	return nil
}

// memoryUsed returns the bytes of memory that each container uses, by "namespace/pod container".
func memoryUsed(client *apiserver.Client) (map[string]int64, error) {
	var nodes corev1.NodeList
	if err := client.Read("/api/v1/nodes", &nodes); err != nil {
		return nil, err
	}
	out := map[string]int64{}
	for _, n := range nodes.Items {
		var summary nodeSummary
		if err := client.Read("/api/v1/nodes/"+n.Name+"/proxy/stats/summary", &summary); err != nil {
			return nil, err
		}
		for _, pod := range summary.Pods {
			for _, c := range pod.Containers {
				out[pod.PodRef.Namespace+"/"+pod.PodRef.Name+" "+c.Name] = c.Memory.WorkingSetBytes
			}
		}
	}
	return out, nil
}
