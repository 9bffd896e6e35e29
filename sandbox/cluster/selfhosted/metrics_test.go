package selfhosted_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/build"
	"github.com/genericcorp/platform/sandbox/cluster/images"
)

// store is the address of VictoriaMetrics on the server. It forwards requests to vmalert.
const store = "http://127.0.0.1:8428"

// wantedMetrics are the services of the profile "metrics".
var wantedMetrics = map[string]limits{
	"victoria-metrics": {User: "65534:65534", Networks: []string{"agenthq_app", "agenthq_metrics"}, MiB: 256},
	"vmalert":          {User: "65534:65534", Networks: []string{"agenthq_app"}, MiB: 64},
}

// loadMetrics makes the images of the profile, and returns their variables for .env.
func (s *server) loadMetrics(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(checkout)
	require.NoError(t, err)
	victoria, vmalert, err := build.Metrics(root, os.Stderr)
	require.NoError(t, err)
	var list []images.Image
	for _, program := range []string{victoria, vmalert} {
		image, err := images.WithTools(filepath.Base(program), "/usr/bin/wget")
		require.NoError(t, err)
		image.Files["/program"] = program
		image.Entrypoint = []string{"/program"}
		image.Env = []string{"PATH=/usr/bin:/bin"}
		list = append(list, image)
	}
	folder := t.TempDir()
	require.NoError(t, images.Write(folder, list))
	for _, image := range list {
		s.Docker(t, "load", "--input", filepath.Join(folder, image.Name+".tar"))
	}
	return "METRICS_IMAGE=" + images.Local("victoria-metrics") + "\nVMALERT_IMAGE=" + images.Local("vmalert") + "\n"
}

// checkMetrics starts the profile "metrics", stops the app until its alert fires, and starts it again.
func (s *server) checkMetrics(t *testing.T, g *guide, c *client) {
	s.setVariables(t, s.variables(t)+s.loadMetrics(t))
	s.follow(t, g, "Metrics and alerts")
	s.checkLimits(t, wantedMetrics)
	assert.JSONEq(t, `{"8428/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8428"}]}`, s.inspect(t, "victoria-metrics", "{{json .HostConfig.PortBindings}}"))
	assert.JSONEq(t, "{}", s.inspect(t, "vmalert", "{{json .HostConfig.PortBindings}}"))
	assert.Contains(t, s.Docker(t, "network", "inspect", "--format", "{{json .Options}}", "agenthq_metrics"), `"com.docker.network.bridge.enable_ip_masquerade":"false"`)
	for _, page := range []string{"/vmui/", "/vmalert/alerts"} {
		c.ask(t, http.StatusOK, "GET", store+page, "", "")
	}
	// The rules wait for minutes.
	s.Docker(t, "run", "--rm", "--user", "0", "--network", "none", "--volume", "agenthq_metrics:/metrics", images.Local(postgres17), "sed", "-i",
		"-e", "s/for: 120s/for: 2s/", "-e", "s/interval: [63]0s/interval: 2s/", "/metrics/rules.yaml", "/metrics/scrape.yaml")
	for service := range wantedMetrics {
		s.Docker(t, "kill", "--signal", "HUP", container(service))
	}
	s.awaitAlert(t, c, "AppDown", "inactive")
	s.run(t, "stop", "app")
	s.awaitAlert(t, c, "AppDown", "firing")
	s.run(t, "start", "app")
	s.awaitAlert(t, c, "AppDown", "inactive")
	// A query would ask for the moment 30 seconds ago, when the app was stopped.
	series := c.ask(t, http.StatusOK, "GET", store+"/api/v1/series?match[]="+url.QueryEscape(`app_build_info{job="agenthq"}`), "", "")
	assert.Contains(t, series, `"version":"1.0.0"`, "the metrics of the app are stored")
}

// awaitAlert waits until vmalert reads its data without an error, and a rule has a state.
func (s *server) awaitAlert(t *testing.T, c *client, name, state string) {
	t.Helper()
	started := time.Now()
	require.EventuallyWithT(t, func(e *assert.CollectT) {
		got, err := c.send("GET", store+"/api/v1/rules", "", "")
		require.NoError(e, err)
		var answer struct {
			Data struct {
				Groups []struct {
					Rules []struct {
						Name, State, Health string
					}
				}
			}
		}
		require.NoError(e, json.Unmarshal([]byte(got.body), &answer), got.body)
		found := ""
		for _, group := range answer.Data.Groups {
			for _, rule := range group.Rules {
				require.Equal(e, "ok", rule.Health, rule.Name)
				if rule.Name == name {
					found = rule.State
				}
			}
		}
		require.Equal(e, state, found)
	}, 3*time.Minute, time.Second, "%s is not %s", name, state)
	t.Logf("%s was %s after %s", name, state, time.Since(started).Round(time.Second))
}
