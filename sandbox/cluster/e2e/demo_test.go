package e2e_test

import (
	"debug/buildinfo"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/genericcorp/platform/internal/workload"
	"github.com/genericcorp/platform/sandbox/build"
	"github.com/genericcorp/platform/sandbox/demo"
	"github.com/genericcorp/platform/sandbox/machine"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// runningDemo is a demo that runs its containers on this machine.
type runningDemo struct {
	*demo.Demo
	source string
	ports  demo.Ports
	out    *strings.Builder
}

// newDemo returns a demo of a copy of the stack file, and ends it after the test.
func newDemo(t *testing.T, name string) runningDemo {
	t.Helper()
	root, err := filepath.Abs(checkout)
	require.NoError(t, err)
	source := t.TempDir()
	for _, file := range []string{"Pulumi.yaml", "Pulumi." + name + ".yaml"} {
		data, err := os.ReadFile(filepath.Join(root, file))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(source, file), data, 0o600))
	}
	ports := demo.Ports{HTTP: postgrestest.FreePort(t), HTTPS: postgrestest.FreePort(t), Metrics: postgrestest.FreePort(t)}
	out := &strings.Builder{}
	d := runningDemo{source: source, ports: ports, out: out}
	d.Demo = demo.New(root, source, t.TempDir(), name, ports, os.Getpid(), out, os.Stderr)
	t.Cleanup(func() { assert.NoError(t, d.Down()) })
	return d
}

// up updates the demo, and returns the output.
func (d runningDemo) up(t *testing.T) string {
	t.Helper()
	d.out.Reset()
	require.NoError(t, d.Up(), d.out)
	return d.out.String()
}

func (d runningDemo) edit(t *testing.T, before, after string) {
	t.Helper()
	path := filepath.Join(d.source, "Pulumi."+d.Name+".yaml")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(data), before)
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(data), before, after, 1)), 0o600))
}

func (d runningDemo) kubernetes(t *testing.T) *kubernetes.Clientset {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", d.Kubeconfig())
	require.NoError(t, err)
	client, err := kubernetes.NewForConfig(config)
	require.NoError(t, err)
	return client
}

// status returns the status of the response to a request to a host of the demo, without following redirects.
// It is 0 without a response.
func (d runningDemo) status(t *testing.T, host string) int {
	t.Helper()
	got := d.client(t).get(host)
	if got.err != nil {
		t.Log(got.err)
	}
	return got.status
}

func TestDemoRunsItsContainersOnThisMachine(t *testing.T) {
	d := newDemo(t, "demo")
	d.edit(t, "    tenants:\n", "    tenants:\n      - name: beta\n        plan: growth\n      - name: gamma\n        plan: growth\n"+
		"      - name: gone\n        state: suspended\n      - name: before\n      - name: delta\n        plan: starter\n")
	d.up(t)
	t.Run("requests reach the right Service", d.checkIngress)
	t.Run("programs have the versions of their images", d.checkVersions)
	t.Run("tenants have their connection strings", d.checkConnectionStrings)
	t.Run("containers have the limits of their Pods and stay below them", d.checkLimits)
	t.Run("people can use the demo tenant in a browser", d.checkBrowser)
	t.Run("100 people notice no update of the app", d.checkLoad)
	t.Run("the dashboards' queries have results", d.checkMonitoring)
	t.Run("service accounts have the rights that they need, and not more", d.checkRights)
	t.Run("runs of the tenants' Job succeed", d.checkReconcile)
	t.Run("a deleted Pod is replaced without a failed request", d.checkDeletedPod)
	t.Run("a second run changes nothing", func(t *testing.T) { assert.Regexp(t, `Resources:\n    \d+ unchanged\n`, d.up(t)) })
	t.Run("a host of the tier starter has its rate limit", func(t *testing.T) { assert.Positive(t, d.refused(t, "delta.demo.localhost")) })
	d.edit(t, "      - name: acme\n", "      - name: acme\n        state: suspended\n")
	d.edit(t, "        plan: starter\n", "        plan: growth\n")
	d.edit(t, "      - name: before\n", "      - name: after\n        renamedFrom: before\n        redirectOldHost: true\n")
	d.up(t)
	t.Run("a higher tier raises the rate limit", func(t *testing.T) {
		// Not with Eventually, which lets the last attempt go on after the test.
		for deadline := time.Now().Add(time.Minute); d.refused(t, "delta.demo.localhost") > 0; time.Sleep(5 * time.Second) {
			require.True(t, time.Now().Before(deadline), "the limit is still that of the tier starter")
		}
	})
	t.Run("a suspended tenant gets 503", func(t *testing.T) {
		assert.Eventually(t, func() bool { return d.status(t, "acme.demo.localhost") == http.StatusServiceUnavailable }, 20*time.Second, 200*time.Millisecond)
		assert.Equal(t, 200, d.status(t, "demo.localhost"))
	})
	t.Run("the old host of a renamed tenant leads to the new one", d.checkRedirects)
	t.Run("Docker gets Grafana with the dashboards of the stack", d.checkGrafana)
	t.Run("a node that is lost is replaced", d.checkLostNode)
	t.Run("after a kill demo-down leaves nothing, and the next run starts anew", d.checkKill)
	require.NoError(t, d.Down())
	assert.NoDirExists(t, d.Folder)
	assert.NoDirExists(t, machine.DatabaseFolder(d.ClusterFolder()))
	for _, pattern := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/*"} { // version 2, version 1
		groups, err := filepath.Glob(pattern + machine.ControlGroup(d.ClusterFolder()))
		require.NoError(t, err)
		assert.Empty(t, groups, "control groups")
	}
	assert.Empty(t, processesOf(t, d.Folder), "processes")
}

// checkVersions compares the version of each program with the tag of its image.
func (d runningDemo) checkVersions(t *testing.T) {
	root, err := filepath.Abs(checkout)
	require.NoError(t, err)
	tools, err := build.Nodes(root, os.Stderr)
	require.NoError(t, err)
	compared := 0
	for _, pod := range d.pods(t) {
		for _, container := range pod.Spec.Containers {
			info, err := buildinfo.ReadFile(filepath.Join(tools.Programs, container.Name))
			if err != nil || info.Main.Version == "(devel)" {
				continue // it is Debian's program, a stand-in, or built from this checkout
			}
			compared++
			reference, _, _ := strings.Cut(container.Image, "@") // the digest follows the tag
			assert.Equal(t, reference[strings.LastIndex(reference, ":")+1:], info.Main.Version, container.Name)
		}
	}
	assert.Greater(t, compared, 3)
}

// checkLimits compares the control group of each container with the limits in its Pod.
func (d runningDemo) checkLimits(t *testing.T) {
	pods, err := d.kubernetes(t).CoreV1().Pods("").List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	containers := 0
	used, err := d.Usage()
	require.NoError(t, err)
	for _, pod := range pods.Items {
		if pod.Status.Phase != corev1.PodRunning || pod.Namespace == "kube-system" {
			continue
		}
		for _, status := range pod.Status.ContainerStatuses {
			containers++
			name := fmt.Sprintf("%s/%s %s", pod.Namespace, pod.Name, status.Name)
			assert.True(t, status.Ready, name)
			assert.Zero(t, status.RestartCount, name)
			limit := limitOf(pod, status.Name)
			assert.Positive(t, limit, name)
			assert.Positive(t, used[name].Bytes, name)
			assert.Less(t, used[name].Bytes, limit, name)
		}
	}
	assert.Greater(t, containers, 8)
}

// limitOf returns the memory limit of a container in bytes.
func limitOf(pod corev1.Pod, container string) int64 {
	for _, c := range pod.Spec.Containers {
		if c.Name == container {
			return c.Resources.Limits.Memory().Value()
		}
	}
	return 0
}

// checkBrowser runs the flows of AgentHQ's browser tests against the demo tenant.
func (d runningDemo) checkBrowser(t *testing.T) {
	root, err := filepath.Abs(checkout)
	require.NoError(t, err)
	cmd := exec.Command("go", "test", "./browser", "-count=1", "-run", "TestFlowsOfPeople", "-site", "https://acme.demo.localhost", // AgentHQ writes links without a port
		"-address", address(d.ports.HTTPS), "-ca", d.Authority())
	cmd.Dir = filepath.Join(root, "showcase")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// checkDeletedPod deletes a Pod of the app while requests are sent.
func (d runningDemo) checkDeletedPod(t *testing.T) {
	client := d.kubernetes(t)
	pods, err := client.CoreV1().Pods(workload.AppNamespace).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.NotEmpty(t, pods.Items)
	var failed, sent atomic.Int32
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
			}
			sent.Add(1)
			if d.status(t, "demo.localhost") != http.StatusOK {
				failed.Add(1)
			}
		}
	}()
	require.NoError(t, client.CoreV1().Pods(workload.AppNamespace).Delete(t.Context(), pods.Items[0].Name, metav1.DeleteOptions{}))
	assert.Eventually(t, func() bool {
		now, err := client.AppsV1().Deployments(workload.AppNamespace).Get(t.Context(), workload.App.Name, metav1.GetOptions{})
		require.NoError(t, err)
		_, gone := client.CoreV1().Pods(workload.AppNamespace).Get(t.Context(), pods.Items[0].Name, metav1.GetOptions{})
		return gone != nil && now.Status.AvailableReplicas == *now.Spec.Replicas
	}, 90*time.Second, 500*time.Millisecond)
	close(stop)
	<-stopped
	assert.Positive(t, sent.Load())
	assert.Zero(t, failed.Load(), "of %d requests", sent.Load())
}

// killNode kills everything on the first node.
func (d runningDemo) killNode(t *testing.T) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(d.ClusterFolder(), "nodes", "default-0", "pid"))
	require.NoError(t, err)
	pid, err := strconv.Atoi(string(data))
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
}

// checkLostNode kills everything on the only node.
func (d runningDemo) checkLostNode(t *testing.T) {
	d.killNode(t)
	assert.Eventually(t, func() bool { return d.status(t, "demo.localhost") == 0 }, 20*time.Second, 100*time.Millisecond)
	assert.Eventually(t, func() bool { return d.status(t, "demo.localhost") == http.StatusOK }, 3*time.Minute, time.Second)
}

// checkKill kills the demo's cluster as the kernel would when memory is short.
func (d runningDemo) checkKill(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(d.ClusterFolder(), "pid"))
	require.NoError(t, err)
	var pid int
	_, err = fmt.Sscan(string(text), &pid)
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	assert.Eventually(t, func() bool { return len(processesOf(t, d.Folder)) == 0 }, 20*time.Second, 200*time.Millisecond)
	left, err := d.Left()
	require.NoError(t, err)
	assert.Greater(t, len(left), 2, "%v", left)
	require.NoError(t, d.Down())
	left, err = d.Left()
	require.NoError(t, err)
	assert.Empty(t, left)
	d.edit(t, "      - name: acme\n        state: suspended\n", "      - name: acme\n")
	d.edit(t, "        renamedFrom: before\n        redirectOldHost: true\n", "") // a new stack knows no older name
	d.up(t)
	assert.Equal(t, http.StatusSeeOther, d.status(t, "acme.demo.localhost"))
}

// processesOf returns the command lines of processes that name a folder.
func processesOf(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	var out []string
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err == nil && strings.Contains(string(data), folder) {
			out = append(out, strings.ReplaceAll(string(data), "\x00", " "))
		}
	}
	return out
}
