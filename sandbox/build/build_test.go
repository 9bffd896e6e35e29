package build

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestInstalledTakesAnEngineOfThePinnedVersionOrNewer(t *testing.T) {
	for printed, taken := range map[string]bool{
		"v" + PulumiVersion: true, "v3.300.1": true, "v4.0.0": true, "v3.258.0": false, "v2.9.9": false, "none": false,
	} {
		folder := t.TempDir()
		script := "#!/bin/sh\necho " + printed + "\n"
		require.NoError(t, os.WriteFile(filepath.Join(folder, "pulumi"), []byte(script), 0o755))
		t.Setenv("PATH", folder+string(os.PathListSeparator)+os.Getenv("PATH"))
		path, ok := installed()
		assert.Equal(t, taken, ok, printed)
		if ok {
			assert.Equal(t, filepath.Join(folder, "pulumi"), path)
		}
	}
}

func TestInstalledFindsNothingWithoutAnEngineOnPATH(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, ok := installed()
	assert.False(t, ok)
}

func TestDocumentsGiveTheTimeThatTheFirstBuildOfAClusterPrints(t *testing.T) {
	minutes := regexp.MustCompile(`about \d+ minutes`)
	want := minutes.FindString(firstBuild)
	require.NotEmpty(t, want)
	for path, sentence := range map[string]string{
		"../../README.md": "it builds that control plane: ", "../../docs/decisions/0011-real-control-plane.md": "The first build takes ",
	} {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.True(t, strings.Contains(string(data), sentence+want), "%s does not say %q", path, sentence+want)
	}
}

func TestToolsHaveTheVersionsOfTheirModules(t *testing.T) {
	for module, required := range map[string]string{"k6": "go.k6.io/k6 v" + K6Version, "compose": "github.com/docker/compose/v2 v" + ComposeVersion, "versitygw": "github.com/versity/versitygw v" + VersityVersion} {
		data, err := os.ReadFile("../../tools/" + module + "/go.mod")
		require.NoError(t, err)
		assert.Contains(t, string(data), "\t"+required+" ")
	}
}
