package chart_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/cli"
	"helm.sh/helm/v3/pkg/registry"

	"github.com/genericcorp/platform/sandbox/cluster/chart"
)

// .github/scripts/chart writes the chart to a file whose path is the chart's address. The
// Kubernetes provider looks for charts with a copy of Helm's code.
func TestHelmUsesAFileWithTheChartsAddressInsteadOfTheRegistry(t *testing.T) {
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	loaded, err := chart.Load()
	require.NoError(t, err)
	loaded.Metadata.Version = chart.Version
	project := t.TempDir()
	_, err = chartutil.Save(loaded, filepath.Join(project, "charts"))
	require.NoError(t, err)
	for _, path := range []string{"components/certificates/certificates.go", "internal/settings/defaults.go"} {
		data, err := os.ReadFile(filepath.Join(root, path))
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(project, path)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(project, path), data, 0o600))
	}
	t.Chdir(project)
	out, err := exec.Command(filepath.Join(root, ".github/scripts/chart"), "charts").CombinedOutput()
	require.NoError(t, err, string(out))

	registries, err := registry.NewClient()
	require.NoError(t, err)
	install := action.NewInstall(&action.Configuration{})
	install.SetRegistryClient(registries)
	install.Version = chart.Version
	const address = "oci://quay.io/jetstack/charts/cert-manager"
	path, err := install.LocateChart(address, cli.New())
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(project, address), path)
	found, err := loader.Load(path)
	require.NoError(t, err)
	assert.Equal(t, "cert-manager", found.Metadata.Name)
	assert.Equal(t, chart.Version, found.Metadata.Version)
}
