package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// checkGrafana starts Grafana with a program in place of docker, and reads what that would get.
func (d runningDemo) checkGrafana(t *testing.T) {
	folder := t.TempDir()
	calls := filepath.Join(folder, "calls")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "docker"), []byte("#!/bin/sh\necho \"$*\" >>"+calls+"\n"), 0o755))
	t.Setenv("PATH", folder+":"+os.Getenv("PATH"))
	require.NoError(t, d.StartGrafana())
	assert.NotEmpty(t, d.Grafana.Password)

	files := filepath.Join(d.Folder, "grafana")
	for path, want := range map[string]string{
		"config/provisioning/datasources/metrics.yaml": fmt.Sprintf("    url: http://127.0.0.1:%d\n", d.ports.Metrics),
		"config/provisioning/dashboards/platform.yaml": "path: /etc/platform/dashboards",
		"config/dashboards/overview.json":              `"Requests by tenant"`,
		"config/dashboards/tenant.json":                `"Storage against the plan"`,
		"admin/password":                               d.Grafana.Password,
	} {
		data, err := os.ReadFile(filepath.Join(files, path))
		require.NoError(t, err)
		assert.Contains(t, string(data), want, path)
	}
	data, err := os.ReadFile(calls)
	require.NoError(t, err)
	assert.Contains(t, string(data), "--volume "+filepath.Join(files, "config")+":/etc/platform:ro")
	assert.Contains(t, string(data), " docker.io/grafana/grafana:")
	// Nothing runs that demo-down had to remove with docker.
	require.NoError(t, os.RemoveAll(files))
}
