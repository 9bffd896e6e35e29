package selfhosted_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/cluster/images"
)

// limits are what the engine enforces on a container.
type limits struct {
	User     string
	Networks []string
	Caps     []string
	MiB      int64
}

// wanted are the services that run all the time, with what the engine must say about each.
var wanted = map[string]limits{
	"db":    {User: "999:999", Networks: []string{"agenthq_database"}, MiB: 512},
	"app":   {User: "65532:65532", Networks: []string{"agenthq_app", "agenthq_database"}, MiB: 256},
	"caddy": {User: "65533:65533", Networks: []string{"agenthq_app", "agenthq_internet"}, Caps: []string{"CAP_NET_BIND_SERVICE"}, MiB: 128},
}

// checkLimits asks the engine about containers.
func (s *server) checkLimits(t *testing.T, wanted map[string]limits) {
	for service, want := range wanted {
		var found []struct {
			Config struct {
				User        string
				Healthcheck struct{ Test []string }
			}
			HostConfig struct {
				ReadonlyRootfs            bool
				CapAdd, CapDrop           []string
				SecurityOpt               []string
				Memory, NanoCpus          int64
				PidsLimit                 int64
				Privileged                bool
				RestartPolicy             struct{ Name string }
				LogConfig                 struct{ Config map[string]string }
				PidMode, IpcMode, UTSMode string
			}
			NetworkSettings struct{ Networks map[string]any }
		}
		require.NoError(t, json.Unmarshal([]byte(s.Docker(t, "inspect", container(service))), &found))
		c, host := found[0].Config, found[0].HostConfig
		assert.Equal(t, want.User, c.User, service)
		assert.NotEmpty(t, c.Healthcheck.Test, service)
		assert.True(t, host.ReadonlyRootfs, service)
		assert.Equal(t, []string{"ALL"}, host.CapDrop, service)
		assert.ElementsMatch(t, want.Caps, host.CapAdd, service)
		assert.Contains(t, host.SecurityOpt, "no-new-privileges:true", service)
		assert.Equal(t, want.MiB<<20, host.Memory, service)
		assert.EqualValues(t, 1e9, host.NanoCpus, service)
		assert.Positive(t, host.PidsLimit, service)
		assert.False(t, host.Privileged, service)
		assert.Equal(t, "unless-stopped", host.RestartPolicy.Name, service)
		assert.Equal(t, map[string]string{"max-file": "3", "max-size": "10m"}, host.LogConfig.Config, service)
		var networks []string
		for name := range found[0].NetworkSettings.Networks {
			networks = append(networks, name)
		}
		assert.ElementsMatch(t, want.Networks, networks, service)
	}
}

func (s *server) checkContainers(t *testing.T) {
	s.checkLimits(t, wanted)
	for network, internal := range map[string]string{"database": "true", "app": "true", "internet": "false"} {
		assert.Equal(t, internal, strings.TrimSpace(s.Docker(t, "network", "inspect", "--format", "{{.Internal}}", "agenthq_"+network)), network)
	}
	out, err := s.Try("run", "--rm", "--cap-drop", "ALL", images.Local("caddy"), "caddy", "version")
	assert.Error(t, err, "this is why caddy has a capability: %s", out)
	// The kernel's own view of the processes.
	for _, service := range []string{"db", "caddy"} {
		status := s.run(t, "exec", service, "cat", "/proc/1/status")
		for _, line := range []string{"NoNewPrivs:\t1", "CapEff:\t0000000000000000", "Seccomp:\t2"} {
			assert.Contains(t, status, line, service)
		}
		assert.Contains(t, s.fails(t, "exec", service, "sh", "-c", "echo > /etc/written"), "Read-only file system", service)
	}
}

func (s *server) checkSecrets(t *testing.T) {
	password := strings.TrimSpace(s.inVolumes(t, "cat /secrets/password"))
	require.Len(t, password, 64)
	assert.Contains(t, s.inVolumes(t, "cat /app-secrets/database-url"), password)
	assert.Equal(t, "600 999 /secrets/password\n600 65532 /app-secrets/database-url\n",
		s.inVolumes(t, "stat -c '%a %u %n' /secrets/* /app-secrets/*"))
	for _, service := range []string{"setup", "db", "migrate", "app", "caddy"} {
		assert.NotContains(t, s.Docker(t, "inspect", container(service)), password, service)
	}
	assert.NotContains(t, s.run(t, "logs", "--no-color"), password)
	assert.NotContains(t, s.run(t, "config"), password)
}
