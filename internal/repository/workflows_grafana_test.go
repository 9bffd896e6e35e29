package repository_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fakeGrafana is the script of a fake curl. It has four dashboards with one panel each, and answers
// each query with $FRAMES.
const fakeGrafana = `case "$*" in
*api/search*) echo '[{"uid":"a"},{"uid":"b"},{"uid":"c"},{"uid":"d"}]' ;;
*api/dashboards/uid*) echo '{"dashboard":{"panels":[{"title":"Requests","targets":[{"refId":"A","expr":"up{tenant=\"$tenant\"}"}]}]}}' ;;
*api/ds/query*) for arg; do case "$arg" in @*) cat "${arg#@}" >> "$QUERIES" ;; esac; done; echo "{\"results\":{\"A\":{\"frames\":[{\"data\":{\"values\":[$FRAMES]}}]}}}" ;;
esac`

func TestGrafanaScriptFailsForAQueryWithoutAResult(t *testing.T) {
	for frames, fails := range map[string]bool{"[1],[2]": false, "": true} {
		folder := t.TempDir()
		printed := filepath.Join(folder, "demo.txt")
		require.NoError(t, os.WriteFile(printed, []byte("Open:\n  grafana      http://localhost:3000 as admin with the password canary\n"), 0o600))
		t.Setenv("FRAMES", frames)
		t.Setenv("GRAFANA_WAIT", "0")
		t.Setenv("QUERIES", filepath.Join(folder, "queries"))
		asked := fakeCommand(t, "curl", fakeGrafana)
		fakeCommand(t, "nginx", "exec sleep 60")
		browser := fakeCommand(t, "google-chrome", `for arg; do case "$arg" in --screenshot=*) echo png > "${arg#--screenshot=}" ;; esac; done`)
		out, err := runScript(t, "grafana", printed, filepath.Join(folder, "screenshots"))
		assert.Equal(t, fails, err != nil, out)
		if fails {
			assert.Contains(t, out, "a: Requests: no result")
		}
		assert.FileExists(t, filepath.Join(folder, "screenshots", "d.png"), "a screenshot shows what is wrong")
		assert.Contains(t, read(t, browser), "--window-size=1440,900")
		assert.Contains(t, read(t, filepath.Join(folder, "queries")), `up{tenant=\"acme\"}`, "the variable must be filled")
		assert.NotContains(t, read(t, asked), "canary", "the password must be in no command line")
	}
}
