package selfhosted_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// clone returns a folder like a clone of the repository, with what the image is built from.
func clone(t *testing.T) string {
	t.Helper()
	source := t.TempDir()
	root, err := filepath.Abs(checkout)
	require.NoError(t, err)
	require.NoError(t, os.CopyFS(filepath.Join(source, "showcase"), os.DirFS(filepath.Join(root, "showcase"))))
	require.NoError(t, os.Mkdir(filepath.Join(source, "selfhosted"), 0o755))
	for _, file := range []string{"go.mod", "go.sum", "selfhosted/Dockerfile"} {
		data, err := os.ReadFile(filepath.Join(root, file))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(source, file), data, 0o600))
	}
	return source
}

// vendored is a clone with all modules in showcase/vendor, because the engine cannot download them. The
// Dockerfile needs not know.
func vendored(t *testing.T) string {
	t.Helper()
	source := clone(t)
	root, err := filepath.Abs(checkout)
	require.NoError(t, err)
	vendor := exec.Command("go", "mod", "vendor", "-o", filepath.Join(source, "showcase", "vendor"))
	vendor.Dir = filepath.Join(root, "showcase")
	out, err := vendor.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return source
}

// checkImage looks at the image that selfhosted/Dockerfile makes.
func (s *server) checkImage(t *testing.T, source string) {
	field := func(format string) string {
		return strings.TrimSpace(s.Docker(t, "image", "inspect", "--format", format, agenthq))
	}
	assert.Equal(t, "65532:65532", field("{{.Config.User}}"))
	assert.Equal(t, `["/agenthq"]`, field("{{json .Config.Entrypoint}}"))
	assert.Equal(t, `["CMD","/agenthq","healthcheck"]`, field("{{json .Config.Healthcheck.Test}}"))
	assert.Equal(t, "1.0.0 0123456789 AgentHQ", field(`{{index .Config.Labels "org.opencontainers.image.version"}} {{index .Config.Labels "org.opencontainers.image.revision"}} {{index .Config.Labels "org.opencontainers.image.title"}}`))
	size, err := strconv.Atoi(field("{{.Size}}"))
	require.NoError(t, err)
	assert.Less(t, size, 25_000_000, "bytes")
	assert.Contains(t, s.Docker(t, "run", "--rm", agenthq, "--version"), "1.0.0")
	s.Docker(t, "create", "--name", "files", agenthq)
	defer s.Docker(t, "rm", "files")
	list, err := s.Command("sh", "-c", "docker export files | tar -t").Output()
	require.NoError(t, err)
	for _, file := range []string{"agenthq\n", "etc/ssl/certs/ca-certificates.crt\n"} {
		assert.Contains(t, string(list), file)
	}
	assert.NotContains(t, string(list), "bin/sh")
	assert.Equal(t, digest(t, buildProgram(t, source, runtime.GOARCH)), s.digest(t), "the same program as a build in another folder, outside of Docker")
}

// digest returns the SHA-256 of the program in the container "files".
func (s *server) digest(t *testing.T) string {
	t.Helper()
	target := filepath.Join(t.TempDir(), "agenthq")
	s.Docker(t, "cp", "files:/agenthq", target)
	return digest(t, target)
}

func digest(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
