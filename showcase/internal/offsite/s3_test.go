package offsite_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/build"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// service is an S3-compatible service with a bucket.
type service struct {
	// bucket is the folder of the bucket's objects.
	endpoint, bucket string
}

// startS3 starts the service until the test ends.
func startS3(t *testing.T) service {
	t.Helper()
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	program, err := build.S3(root, os.Stderr)
	require.NoError(t, err)
	data, metadata := t.TempDir(), t.TempDir()
	s := service{bucket: filepath.Join(data, "backups")}
	require.NoError(t, os.Mkdir(s.bucket, 0o755))
	address := fmt.Sprintf("127.0.0.1:%d", postgrestest.FreePort(t))
	s.endpoint = "http://" + address
	command := exec.Command(program, "--quiet", "--port", address, "posix", "--sidecar", metadata, data)
	command.Env = append(os.Environ(), "ROOT_ACCESS_KEY=key-id", "ROOT_SECRET_KEY=key-secret")
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Kill() // it may have ended by itself
		_ = command.Wait()
	})
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", address)
		return err == nil && conn.Close() == nil
	}, 20*time.Second, 50*time.Millisecond)
	return s
}
