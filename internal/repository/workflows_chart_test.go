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

// runChart runs the script chart in a folder that has what it reads of the project,
// with a helm that runs a script. It returns what the script printed, the file that
// the provider would find, and the commands that helm got.
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
	commands := fake(t, "helm", helm)
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

// pulls is a helm that downloads. Its last argument is the folder.
const pulls = `echo downloaded >"${@: -1}/cert-manager-` + chartVersion + `.tgz"`

func TestACachedChartIsUsedWithoutADownload(t *testing.T) {
	_, file, log := runChart(t, "cert-manager-"+chartVersion+".tgz", "exit 1")
	assert.Equal(t, "cached", file)
	assert.Empty(t, log)
}

func TestAChartOfAnotherVersionInTheCacheIsNotUsed(t *testing.T) {
	_, file, log := runChart(t, "cert-manager-v1.0.0.tgz", pulls)
	assert.Equal(t, "downloaded\n", file)
	assert.Equal(t, "pull "+chartAddress+" --version "+chartVersion+" --destination charts\n", log)
}

func TestTheChartComesFromTheOlderRepositoryWhenTheRegistryIsDown(t *testing.T) {
	_, file, log := runChart(t, "", `case "$*" in *oci:*) exit 1 ;; esac; `+pulls)
	assert.Equal(t, "downloaded\n", file)
	assert.Equal(t, 2, strings.Count(log, "--version "+chartVersion))
	assert.Contains(t, log, "--repo https://charts.jetstack.io")
}

func TestAChartThatCannotBeDownloadedIsAWarning(t *testing.T) {
	out, file, _ := runChart(t, "", "exit 1")
	assert.Contains(t, out, "::warning::The chart cert-manager "+chartVersion+" could not be downloaded")
	assert.Empty(t, file, "the provider asks the registry itself")
}

func TestEveryJobThatRunsPulumiGetsTheChart(t *testing.T) {
	for name, j := range jobs(t) {
		pulumi, chart := strings.Index(j.text, "pulumi/actions@"), strings.Index(j.text, "./.github/actions/chart")
		assert.Equal(t, pulumi >= 0, chart >= 0, name)
	}
}
