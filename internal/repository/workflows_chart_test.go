package repository_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	chartAddress = "oci://quay.io/jetstack/charts/cert-manager"
	chartVersion = "v1.21.2"
)

// runChart runs .github/scripts/chart in a folder with the project files that it reads.
// cached is the name of a file in the cache, or "". helm is the shell script of the fake
// helm. It returns the script's output, the content of the file that the provider would
// find, and helm's arguments, a line for each call.
func runChart(t *testing.T, cached, helm string) (out, file, log string) {
	t.Helper()
	project := t.TempDir()
	for _, path := range []string{"components/certificates/certificates.go", "internal/settings/defaults.go"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(project, path)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(project, path), []byte(read(t, "../../"+path)), 0o600))
	}
	folder := filepath.Join(project, "charts")
	require.NoError(t, os.Mkdir(folder, 0o755))
	if cached != "" {
		require.NoError(t, os.WriteFile(filepath.Join(folder, cached), []byte("cached"), 0o600))
	}
	commands := fakeCommand(t, "helm", helm)
	script, err := filepath.Abs("../../.github/scripts/chart")
	require.NoError(t, err)
	cmd := exec.Command(script, "charts")
	cmd.Dir = project
	printed, err := cmd.CombinedOutput()
	require.NoError(t, err, string(printed))
	content, err := os.ReadFile(filepath.Join(project, chartAddress))
	if err != nil {
		require.ErrorIs(t, err, os.ErrNotExist)
	}
	calls, err := os.ReadFile(commands)
	if err != nil {
		require.ErrorIs(t, err, os.ErrNotExist)
	}
	return string(printed), string(content), string(calls)
}

// helmPull is the script of a fake helm that downloads the chart. Its last argument is the
// folder.
const helmPull = `echo downloaded >"${@: -1}/cert-manager-` + chartVersion + `.tgz"`

func TestChartScriptUsesACachedChartWithoutADownload(t *testing.T) {
	_, file, log := runChart(t, "cert-manager-"+chartVersion+".tgz", "exit 1")
	assert.Equal(t, "cached", file)
	assert.Empty(t, log)
}

func TestChartScriptDownloadsIfTheCacheHasAnotherVersion(t *testing.T) {
	_, file, log := runChart(t, "cert-manager-v1.0.0.tgz", helmPull)
	assert.Equal(t, "downloaded\n", file)
	assert.Equal(t, "pull "+chartAddress+" --version "+chartVersion+" --destination charts\n", log)
}

func TestChartScriptUsesTheOlderRepositoryIfTheRegistryIsDown(t *testing.T) {
	_, file, log := runChart(t, "", `case "$*" in *oci:*) exit 1 ;; esac; `+helmPull)
	assert.Equal(t, "downloaded\n", file)
	assert.Equal(t, 2, strings.Count(log, "--version "+chartVersion))
	assert.Contains(t, log, "--repo https://charts.jetstack.io")
}

func TestChartScriptWarnsIfTheChartCannotBeDownloaded(t *testing.T) {
	out, file, _ := runChart(t, "", "exit 1")
	assert.Contains(t, out, "::warning::The chart cert-manager "+chartVersion+" could not be downloaded")
	assert.Empty(t, file, "the provider asks the registry itself")
}

func TestEveryJobWithPulumiUsesTheChartAction(t *testing.T) {
	found := 0
	for name, j := range jobs(t) {
		pulumi, chart := strings.Contains(j.text, "pulumi/actions@"), strings.Contains(j.text, "./.github/actions/chart")
		assert.Equal(t, pulumi, chart, name)
		if pulumi {
			found++
		}
	}
	assert.Equal(t, 3, found, "jobs that run Pulumi")
}
