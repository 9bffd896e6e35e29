package app_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/pulumitest"
)

// pod is the app's Pod. Its container runs as a process of this machine.
type pod struct {
	declared  *pulumitest.Recorder
	template  any
	container any
	// folder has the Pod's files. Every user can read them.
	folder      string
	environment []string
	port        int
	process     *exec.Cmd
	ended       chan error
}

// readDeployment reads the Pod's environment, and writes the files of its volume with the tenants.
// ca replaces the path of the certificate authority, and TENANTS_DIR the path of the volume.
func (p *pod) readDeployment(t *testing.T, ca string) {
	t.Helper()
	deployment, ok := p.declared.Find(deploymentToken, "app")
	require.True(t, ok)
	p.template, p.container = pulumitest.Dig(deployment.Inputs, "spec.template"), deployment.Containers()[0]
	for _, variable := range pulumitest.Dig(p.container, "env").([]any) {
		name, value := pulumitest.Dig(variable, "name").(string), pulumitest.Dig(variable, "value")
		if name == "PGSSLROOTCERT" {
			value = ca
		}
		if name == "DATABASE_URL" {
			value = p.secret(t, pulumitest.Dig(variable, "valueFrom.secretKeyRef.name").(string))[pulumitest.Dig(variable, "valueFrom.secretKeyRef.key").(string)]
		}
		p.environment = append(p.environment, fmt.Sprintf("%s=%v", name, value))
	}
	list, ok := p.declared.Find("kubernetes:core/v1:ConfigMap", "tenants")
	require.True(t, ok)
	for _, files := range []map[string]any{list.Inputs["data"].(map[string]any), p.secret(t, "tenants")} {
		for name, text := range files {
			require.NoError(t, os.WriteFile(filepath.Join(p.folder, name), []byte(text.(string)), 0o644))
		}
	}
	p.environment = append(p.environment, "TENANTS_DIR="+p.folder)
}

func (p *pod) secret(t *testing.T, name string) map[string]any {
	t.Helper()
	secret, ok := p.declared.Find(secretToken, name)
	require.True(t, ok, name)
	return secret.Inputs["stringData"].(map[string]any)
}

func (p *pod) annotation(name string) string {
	return pulumitest.Dig(p.template, "metadata.annotations").(map[string]any)[name].(string)
}

// start runs the program without any variable of this machine. As root it takes the Pod's user, who
// can write to the temporary folder only.
func (p *pod) start(t *testing.T, executable string) {
	t.Helper()
	log, err := os.Create(filepath.Join(p.folder, "log"))
	require.NoError(t, err)
	p.process = exec.Command(copyFile(t, executable, p.folder, 0o755))
	p.process.Env, p.process.Dir, p.process.Stdout, p.process.Stderr = p.environment, "/", log, log
	p.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() == 0 {
		id := uint32(pulumitest.Dig(p.template, "spec.securityContext.runAsUser").(float64))
		p.process.SysProcAttr.Credential = &syscall.Credential{Uid: id, Gid: id}
	}
	require.NoError(t, p.process.Start())
	p.ended = make(chan error, 1)
	go func() { p.ended <- p.process.Wait() }()
	t.Cleanup(func() {
		_ = p.process.Process.Kill() // fails if it has ended
		if text, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("%.6000s", text)
		}
	})
}

type response struct {
	status int
	body   string
}

// get requests a path. An empty host is the Pod's address, as for the kubelet and the metrics store.
func (p *pod) get(t *testing.T, host, path string) response {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", p.port, path), nil)
	require.NoError(t, err)
	if host != "" {
		r.Host = host
		r.Header.Set("X-Forwarded-For", "192.0.2.1")
	}
	got, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return response{status: http.StatusBadGateway} // it does not listen yet
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	require.NoError(t, err)
	return response{got.StatusCode, string(body)}
}

// checkStop sends SIGTERM during a request. The request ends well, and then the process.
func (p *pod) checkStop(t *testing.T, path string) {
	drained := pulumitest.Dig(p.container, "lifecycle.preStop.sleep.seconds").(float64)
	limit := time.Duration(pulumitest.Dig(p.template, "spec.terminationGracePeriodSeconds").(float64)-drained) * time.Second
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.port))
	require.NoError(t, err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: acme.%s\r\nX-Forwarded-For: 192.0.2.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 26\r\n\r\nemail=a%%40example.com", path, domain)
	require.NoError(t, err)
	time.Sleep(500 * time.Millisecond) // the request has reached its handler
	require.NoError(t, p.process.Process.Signal(syscall.SIGTERM))
	stopped := time.Now()
	time.Sleep(2 * time.Second)
	_, err = io.WriteString(conn, "&x=12")
	require.NoError(t, err)
	got, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err, "the request was cut off")
	defer got.Body.Close()
	assert.Less(t, got.StatusCode, http.StatusInternalServerError)
	select {
	case err := <-p.ended:
		assert.NoError(t, err, "the exit status")
		t.Logf("it ended %s after SIGTERM", time.Since(stopped).Round(time.Second))
	case <-time.After(time.Until(stopped.Add(limit))):
		assert.Fail(t, "the process has not ended", "%s after SIGTERM", limit)
	}
}

// openFolder returns a folder that every user can read.
func openFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "app-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) }) // a leftover in the temporary folder does no harm
	require.NoError(t, os.Chmod(folder, 0o755))
	return folder
}

func copyFile(t *testing.T, from, folder string, mode os.FileMode) string {
	t.Helper()
	data, err := os.ReadFile(from)
	require.NoError(t, err)
	to := filepath.Join(folder, filepath.Base(from))
	require.NoError(t, os.WriteFile(to, data, mode))
	return to
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}
