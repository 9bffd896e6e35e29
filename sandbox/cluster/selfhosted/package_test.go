package selfhosted_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/build"
	"github.com/genericcorp/platform/sandbox/cluster/docker"
	"github.com/genericcorp/platform/sandbox/cluster/images"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

const checkout = "../../.."

// agenthq is the name of the image that README builds from selfhosted/Dockerfile.
const agenthq = "agenthq:1.0.0"

// server is a machine with a Docker engine.
type server struct {
	*docker.Engine
	// folder is that of the user's shell. It has compose.yaml after README's first step.
	folder string
	// env are variables of the shell.
	env []string
}

// newServer starts an engine with all images but AgentHQ's.
func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{Engine: docker.Start(t), folder: t.TempDir()}
	root, err := filepath.Abs(checkout)
	require.NoError(t, err)
	tools, err := build.SelfHosted(root, os.Stderr)
	require.NoError(t, err)
	s.Plugin(t, "compose", tools.Compose)
	list, err := images.OfSelfHosted(tools.Caddy, database(t, 17, "/var/lib/postgresql/data"), database(t, 18, "/var/lib/postgresql"))
	require.NoError(t, err)
	folder := t.TempDir()
	require.NoError(t, images.Write(folder, list))
	for _, image := range list {
		s.Docker(t, "load", "--input", filepath.Join(folder, image.Name+".tar"))
	}
	return s
}

// setVariables replaces the file .env, which has the user's variables for compose.yaml.
func (s *server) setVariables(t *testing.T, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(s.folder, ".env"), []byte(text), 0o600))
}

// variables returns the content of .env.
func (s *server) variables(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(s.folder, ".env"))
	require.NoError(t, err)
	return string(data)
}

// The images of PostgreSQL: 17 is the major of compose.yaml's default, and 18 is the next one.
const (
	postgres17 = "postgres-17"
	postgres18 = "postgres-18"
)

// database returns what the image of a major of PostgreSQL needs. volume is that of the official image.
func database(t *testing.T, major int, volume string) images.Database {
	t.Helper()
	server, clients := postgrestest.Programs(t, major, t.TempDir())
	return images.Database{Name: fmt.Sprintf("postgres-%d", major), Server: server, Clients: clients, Volume: volume}
}

// write writes a file in the folder of compose.yaml.
func (s *server) write(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(s.folder, name), []byte(text), 0o600))
}

// tryCompose runs docker compose in the folder, and returns its output.
func (s *server) tryCompose(args ...string) (string, error) {
	cmd := s.Command("docker", append([]string{"compose"}, args...)...)
	cmd.Dir = s.folder
	cmd.Env = append(cmd.Env, s.env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// run runs docker compose. The test ends if it fails.
func (s *server) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := s.tryCompose(args...)
	if err != nil {
		logs, _ := s.tryCompose("logs", "--no-color", "--tail", "30")
		require.NoError(t, err, "docker compose %s: %s\n%s", strings.Join(args, " "), out, logs)
	}
	return out
}

// fails runs docker compose, which must fail, and returns its output.
func (s *server) fails(t *testing.T, args ...string) string {
	t.Helper()
	out, err := s.tryCompose(args...)
	assert.Error(t, err, "docker compose %s: %s", strings.Join(args, " "), out)
	return out
}

// container returns the name of a service's container.
func container(service string) string { return "agenthq-" + service + "-1" }
