package demo

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"text/tabwriter"

	corev1 "k8s.io/api/core/v1"

	"github.com/genericcorp/platform/sandbox/apiserver"
)

// Use is what a container uses: its memory now, and its CPU time since it started.
type Use struct {
	// Workload is "namespace/workload container".
	Workload   string
	Bytes      int64
	CPUSeconds float64
	// LimitBytes is the memory limit.
	LimitBytes int64
}

// sample matches a line about a container in the kubelet's /metrics/resource.
var sample = regexp.MustCompile(`(?m)^container_(memory_working_set_bytes|cpu_usage_seconds_total)\{container="(.*?)",namespace="(.*?)",pod="(.*?)"\} (\S+)`)

// printUsage prints the memory of every container beside its request and its limit. It leaves out the
// Pods of the cloud, which are stand-ins.
func (d *Demo) printUsage(out io.Writer) error {
	client, err := apiserver.New(d.Kubeconfig())
	if err != nil {
		return err
	}
	pods, err := runningPods(client)
	if err != nil {
		return err
	}
	used, err := usage(client, pods)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\nmemory in MiB\tused\trequest\tlimit\t")
	for _, pod := range pods {
		for _, c := range pod.Spec.Containers {
			name, bytes := pod.Namespace+"/"+pod.Name, used[nameOf(pod, c)].Bytes
			if len(pod.Spec.Containers) > 1 {
				name += " " + c.Name
			}
			fmt.Fprintf(table, "%s\t%d\t%d\t%d\t\n", name, bytes>>20, c.Resources.Requests.Memory().Value()>>20, c.Resources.Limits.Memory().Value()>>20)
		}
	}
	return table.Flush()
}

// runningPods returns the platform's running Pods, sorted by namespace and name.
func runningPods(client *apiserver.Client) ([]corev1.Pod, error) {
	var list corev1.PodList
	if err := client.Read("/api/v1/pods", &list); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list.Items, func(pod corev1.Pod) bool {
		return pod.Namespace == "kube-system" || pod.Status.Phase != corev1.PodRunning
	}), nil
}

func nameOf(pod corev1.Pod, c corev1.Container) string {
	return pod.Namespace + "/" + pod.Name + " " + c.Name
}

// Usage returns what each container of the platform uses, by "namespace/pod container". The
// kubelet measures it about every ten seconds.
func (d *Demo) Usage() (map[string]Use, error) {
	client, err := apiserver.New(d.Kubeconfig())
	if err != nil {
		return nil, err
	}
	pods, err := runningPods(client)
	if err != nil {
		return nil, err
	}
	return usage(client, pods)
}

func usage(client *apiserver.Client, pods []corev1.Pod) (map[string]Use, error) {
	var nodes corev1.NodeList
	if err := client.Read("/api/v1/nodes", &nodes); err != nil {
		return nil, err
	}
	samples := map[string]Use{}
	for _, n := range nodes.Items {
		text, err := client.ReadText("/api/v1/nodes/" + n.Name + "/proxy/metrics/resource")
		if err != nil {
			return nil, err
		}
		if err := parseSamples(text, samples); err != nil {
			return nil, fmt.Errorf("node %s: %w", n.Name, err)
		}
	}
	out := map[string]Use{}
	for _, pod := range pods {
		for _, c := range pod.Spec.Containers {
			use := samples[nameOf(pod, c)]
			use.Workload = pod.Namespace + "/" + pod.Labels["app.kubernetes.io/name"] + " " + c.Name
			use.LimitBytes = c.Resources.Limits.Memory().Value()
			out[nameOf(pod, c)] = use
		}
	}
	return out, nil
}

// parseSamples adds the samples in the kubelet's /metrics/resource to out.
func parseSamples(text string, out map[string]Use) error {
	for _, match := range sample.FindAllStringSubmatch(text, -1) {
		value, err := strconv.ParseFloat(match[5], 64)
		if err != nil {
			return err
		}
		name := match[3] + "/" + match[4] + " " + match[2]
		use := out[name]
		if match[1] == "cpu_usage_seconds_total" {
			use.CPUSeconds = value
		} else {
			use.Bytes = int64(value)
		}
		out[name] = use
	}
	return nil
}
