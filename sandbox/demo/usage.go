package demo

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	corev1 "k8s.io/api/core/v1"

	"github.com/genericcorp/platform/sandbox/apiserver"
)

// workingSet matches the memory of a container in the kubelet's /metrics/resource.
var workingSet = regexp.MustCompile(`(?m)^container_memory_working_set_bytes\{container="(.*?)",namespace="(.*?)",pod="(.*?)"\} (\S+)`)

// printUsage prints the memory of every container beside its request and its limit. It leaves out the
// Pods of the cloud, which are stand-ins.
func (d *Demo) printUsage(out io.Writer) error {
	client, err := apiserver.New(d.Kubeconfig())
	if err != nil {
		return err
	}
	var pods corev1.PodList
	if err := client.Read("/api/v1/pods", &pods); err != nil {
		return err
	}
	used, err := d.MemoryUsed()
	if err != nil {
		return err
	}
	var lines []string
	for _, pod := range pods.Items {
		if pod.Namespace == "kube-system" || pod.Status.Phase != corev1.PodRunning {
			continue
		}
		for _, c := range pod.Spec.Containers {
			name := pod.Namespace + "/" + pod.Name
			bytes := used[name+" "+c.Name]
			if len(pod.Spec.Containers) > 1 {
				name += " " + c.Name
			}
			lines = append(lines, fmt.Sprintf("%s\t%d\t%d\t%d\t\n", name, bytes>>20, c.Resources.Requests.Memory().Value()>>20, c.Resources.Limits.Memory().Value()>>20))
		}
	}
	slices.Sort(lines)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "\nmemory in MiB\tused\trequest\tlimit\t\n"+strings.Join(lines, ""))
	return table.Flush()
}

// MemoryUsed returns the bytes of memory that each container uses, by "namespace/pod container".
// The kubelet measures it about every ten seconds.
func (d *Demo) MemoryUsed() (map[string]int64, error) {
	client, err := apiserver.New(d.Kubeconfig())
	if err != nil {
		return nil, err
	}
	var nodes corev1.NodeList
	if err := client.Read("/api/v1/nodes", &nodes); err != nil {
		return nil, err
	}
	out := map[string]int64{}
	for _, n := range nodes.Items {
		text, err := client.ReadText("/api/v1/nodes/" + n.Name + "/proxy/metrics/resource")
		if err != nil {
			return nil, err
		}
		for _, match := range workingSet.FindAllStringSubmatch(text, -1) {
			bytes, err := strconv.ParseFloat(match[4], 64)
			if err != nil {
				return nil, err
			}
			out[match[2]+"/"+match[3]+" "+match[1]] = int64(bytes)
		}
	}
	return out, nil
}
