package e2e_test

import (
	"debug/buildinfo"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/genericcorp/platform/sandbox/build"
)

// checkImages runs the programs of the platform's images on this machine as their Pods would:
// in the deployed versions, with the arguments, files and rights of the live Pods.
func (s liveStack) checkImages(t *testing.T) {
	root, err := filepath.Abs(checkout)
	require.NoError(t, err)
	folder, err := build.Images(root, os.Stderr)
	require.NoError(t, err)
	s.declareTenants(t)
	i := images{newNetwork(t, s), folder}
	proxy := i.traefik(t)
	c := client{plain: proxy.ports[8000], secure: proxy.ports[8443]}
	t.Run("requests reach the right Service", func(t *testing.T) { i.checkRequests(t, c, proxy) })
	t.Run("the dashboard's queries have results", func(t *testing.T) { i.checkMonitoring(t, c) })
	t.Run("tenants can log in with their connection strings", i.checkTenants)
}

// images are the programs of container images in a folder, on the simulated network of a
// cluster.
type images struct {
	*network
	folder string
}

// program is a Pod's container that runs on this machine.
type program struct {
	pod       corev1.Pod
	container corev1.Container
	mounts    mounts
	// ports are the addresses on this machine, by the container's port.
	ports map[int]string
	// token, authority and kubeconfig are the paths of files with the credentials of the
	// Pod's service account. log is the path of the program's output.
	token, authority, kubeconfig string
	log                          string
}

// pod returns one of a workload's Pods.
func (s liveStack) pod(t *testing.T, namespace, app string) corev1.Pod {
	t.Helper()
	list, err := s.client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=" + app})
	require.NoError(t, err)
	require.NotEmpty(t, list.Items, app)
	return list.Items[0]
}

// prepare returns the program of a workload's Pod, with its files, its address on the network
// and its service account's credentials. Start it with start.
func (i images) prepare(t *testing.T, namespace, app string) program {
	t.Helper()
	pod := i.pod(t, namespace, app)
	p := program{
		pod: pod, container: pod.Spec.Containers[0], mounts: i.mountVolumes(t, pod), ports: map[int]string{},
		log: filepath.Join(t.TempDir(), app+".log"),
	}
	reference, _, _ := strings.Cut(p.container.Image, "@") // the digest follows the tag
	tag := reference[strings.LastIndex(reference, ":")+1:]
	assert.Equal(t, tag, i.version(t, app), "the program must have the deployed version")
	for _, port := range p.container.Ports {
		address := freeAddress(t)
		p.ports[int(port.ContainerPort)] = address
		i.listenAs(pod, int(port.ContainerPort), address)
	}
	i.writeCredentials(t, &p)
	return p
}

// writeCredentials writes the files with which the Pod's service account can use the API
// server.
func (i images) writeCredentials(t *testing.T, p *program) {
	t.Helper()
	request, err := i.client.CoreV1().ServiceAccounts(p.pod.Namespace).CreateToken(t.Context(), p.pod.Spec.ServiceAccountName,
		&authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	require.NoError(t, err)
	folder := t.TempDir()
	p.token, p.kubeconfig = filepath.Join(folder, "token"), filepath.Join(folder, "kubeconfig")
	require.NoError(t, os.WriteFile(p.token, []byte(request.Status.Token), 0o600))
	config, err := clientcmd.LoadFromFile(i.Kubeconfig())
	require.NoError(t, err)
	for _, user := range config.AuthInfos {
		user.Token = request.Status.Token
	}
	for _, cluster := range config.Clusters {
		p.authority = cluster.CertificateAuthority
	}
	require.NoError(t, clientcmd.WriteToFile(*config, p.kubeconfig))
}

// version returns the version of the Go module that a program was built from.
func (i images) version(t *testing.T, app string) string {
	t.Helper()
	info, err := buildinfo.ReadFile(filepath.Join(i.folder, app))
	require.NoError(t, err)
	return info.Main.Version
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

// arguments returns the container's arguments, with the paths and ports of this machine.
func (p program) arguments(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, arg := range p.container.Args {
		arg = p.mounts.localPath(arg)
		for port, address := range p.ports {
			_, local, err := net.SplitHostPort(address)
			require.NoError(t, err)
			if flag, ok := strings.CutSuffix(arg, fmt.Sprintf("=:%d", port)); ok {
				arg = flag + "=" + address
			} else if flag, ok := strings.CutSuffix(arg, fmt.Sprintf("=%d", port)); ok {
				arg = flag + "=" + local
			}
		}
		out = append(out, arg)
	}
	return out
}

// start runs the program until the test ends, and waits until it is ready.
func (i images) start(t *testing.T, p program, environment []string, more ...string) {
	t.Helper()
	log, err := os.Create(p.log)
	require.NoError(t, err)
	cmd := exec.Command(filepath.Join(i.folder, p.container.Name), append(p.arguments(t), more...)...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, filepath.Dir(p.log)
	cmd.Env = append(os.Environ(), environment...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // fails if the program has exited
		_ = cmd.Wait()
		text, err := os.ReadFile(p.log)
		assert.NoError(t, err)
		assert.NotRegexp(t, `(?i)forbidden|unauthorized`, string(text), "the service account must have enough rights")
		if t.Failed() {
			t.Logf("%s %v:\n%.6000s", p.container.Name, cmd.Args[1:], text)
		}
	})
	// The request that the kubelet would send.
	probe := p.container.ReadinessProbe.HTTPGet
	url := "http://" + p.ports[target(p.pod, probe.Port)] + probe.Path
	require.Eventually(t, func() bool {
		status, _ := get(t, url)
		return status == http.StatusOK
	}, 30*time.Second, 100*time.Millisecond, "%s is not ready at %s", p.container.Name, url)
}
