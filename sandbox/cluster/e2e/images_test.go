package e2e_test

import (
	"debug/buildinfo"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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

	"github.com/genericcorp/platform/sandbox/engine"
)

// images runs the programs of the platform's images on this machine as their Pods
// would: the versions that are deployed, with the arguments, the configuration and
// the rights that were read back from the API server.
func (s stage) images(t *testing.T) {
	root, err := filepath.Abs(checkout)
	require.NoError(t, err)
	folder, err := engine.BuildImages(root, os.Stderr)
	require.NoError(t, err)
	s.declareTenants(t)
	n := newNetwork(t, s)
	i := images{n, folder}
	proxy := i.traefik(t)
	c := caller{plain: proxy.ports[8000], secure: proxy.ports[8443]}
	t.Run("requests find their way", func(t *testing.T) { i.requests(t, c, proxy) })
	t.Run("what the dashboard asks for is told", func(t *testing.T) { i.monitoring(t, c) })
}

// images are programs on the cluster's network.
type images struct {
	*network
	folder string
}

// program is a container that runs on this machine.
type program struct {
	pod corev1.Pod
	// files are the account's token, the API server's certificate authority and a
	// kubeconfig with both.
	token, authority, kubeconfig string
	// ports are the container's, and where they are here.
	ports map[int]string
	log   string
}

// pod is one of a workload's Pods.
func (s stage) pod(t *testing.T, namespace, app string) corev1.Pod {
	t.Helper()
	list, err := s.client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=" + app})
	require.NoError(t, err)
	require.NotEmpty(t, list.Items, app)
	return list.Items[0]
}

// prepare gives a Pod's program its credentials and its place on the network.
func (i images) prepare(t *testing.T, namespace, app string) program {
	t.Helper()
	folder := t.TempDir()
	p := program{
		pod: i.pod(t, namespace, app), ports: map[int]string{}, log: filepath.Join(folder, app+".log"),
		token: filepath.Join(folder, "token"), kubeconfig: filepath.Join(folder, "kubeconfig"),
	}
	container := p.pod.Spec.Containers[0]
	assert.Equal(t, container.Image[strings.LastIndex(container.Image, ":")+1:], i.version(t, app), "what runs here is what is deployed")
	for _, port := range container.Ports {
		p.ports[int(port.ContainerPort)] = freeAddress(t)
		i.join(p.pod, int(port.ContainerPort), p.ports[int(port.ContainerPort)])
	}
	request, err := i.client.CoreV1().ServiceAccounts(namespace).CreateToken(t.Context(), p.pod.Spec.ServiceAccountName,
		&authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	require.NoError(t, err)
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
	return p
}

// version is that of the module which a program was built from.
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

// start runs the program with the Pod's own arguments: pairs of texts to change in
// them are paths, which lead elsewhere here.
func (i images) start(t *testing.T, p program, environment []string, paths []string, more ...string) {
	t.Helper()
	container := p.pod.Spec.Containers[0]
	var args []string
	for _, arg := range container.Args {
		arg = strings.NewReplacer(paths...).Replace(arg)
		for port, here := range p.ports {
			_, local, err := net.SplitHostPort(here)
			require.NoError(t, err)
			if name, ok := strings.CutSuffix(arg, fmt.Sprintf("=:%d", port)); ok {
				arg = name + "=" + here
			} else if name, ok := strings.CutSuffix(arg, "="+strconv.Itoa(port)); ok {
				arg = name + "=" + local
			}
		}
		args = append(args, arg)
	}
	log, err := os.Create(p.log)
	require.NoError(t, err)
	cmd := exec.Command(filepath.Join(i.folder, container.Name), append(args, more...)...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, filepath.Dir(p.log)
	cmd.Env = append(os.Environ(), environment...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
		text, err := os.ReadFile(p.log)
		assert.NoError(t, err)
		assert.NotRegexp(t, `(?i)forbidden|unauthorized`, string(text), "its rights are enough")
		if t.Failed() {
			t.Logf("%s %v:\n%.6000s", container.Name, cmd.Args[1:], text)
		}
	})
	p.awaitProbe(t)
}

// awaitProbe asks what the kubelet would ask.
func (p program) awaitProbe(t *testing.T) {
	t.Helper()
	container := p.pod.Spec.Containers[0]
	probe := container.ReadinessProbe.HTTPGet
	url := "http://" + p.ports[target(p.pod, probe.Port)] + probe.Path
	require.Eventually(t, func() bool {
		status, _ := get(t, url)
		return status == 200
	}, 30*time.Second, 100*time.Millisecond, "%s is not ready at %s", container.Name, url)
}

// configMap is a key of a live ConfigMap.
func (s stage) configMap(t *testing.T, namespace, name, key string) string {
	t.Helper()
	object, err := s.client.CoreV1().ConfigMaps(namespace).Get(t.Context(), name, metav1.GetOptions{})
	require.NoError(t, err)
	require.Contains(t, object.Data, key)
	return object.Data[key]
}

// write puts a text into a file of the test.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}
