package alerts_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/alerts"
	"github.com/genericcorp/platform/internal/workload"
	"github.com/genericcorp/platform/sandbox/build"
)

// receiver is a webhook. It remembers the messages that it gets, each as "status alert: summary".
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	messages []string
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		var message struct {
			Alerts []struct {
				Status              string
				Labels, Annotations map[string]string
			}
		}
		assert.NoError(t, json.NewDecoder(req.Body).Decode(&message))
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, a := range message.Alerts {
			r.messages = append(r.messages, a.Status+" "+a.Labels["alertname"]+": "+a.Annotations["summary"])
			assert.Contains(t, a.Annotations["runbook"], "docs/operations.md#")
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// got returns the messages without repetitions, sorted.
func (r *receiver) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := slices.Sorted(slices.Values(r.messages))
	return slices.Compact(out)
}

// store is a running VictoriaMetrics. It gets the samples of all series every half second.
type store struct {
	url    string
	mu     sync.Mutex
	series map[string]float64
}

func (s *store) set(series map[string]float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(s.series, series)
}

func (s *store) write(t *testing.T) {
	t.Helper()
	var body strings.Builder
	s.mu.Lock()
	for series, value := range s.series {
		fmt.Fprintf(&body, "%s %v\n", series, value)
	}
	s.mu.Unlock()
	resp, err := http.Post(s.url+"/api/v1/import/prometheus", "text/plain", strings.NewReader(body.String()))
	if assert.NoError(t, err) {
		resp.Body.Close()
	}
}

// launch runs a program until the end of the test, or until the returned function is called. It
// waits until the URL answers.
func launch(t *testing.T, ready, program string, args ...string) (stop func()) {
	t.Helper()
	path, err := filepath.Abs(program)
	require.NoError(t, err)
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	require.NoError(t, cmd.Start())
	stop = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait() // its status says that it was interrupted
	})
	t.Cleanup(stop)
	require.Eventually(t, func() bool {
		resp, err := http.Get(ready)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}, 2*time.Minute, 100*time.Millisecond, "%s does not answer at %s", program, ready)
	return stop
}

// address returns a free address of this machine.
func address(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// durations are those of rules and of messages, which would take minutes.
var durations = regexp.MustCompile(`(interval|for|group_wait|group_interval): \S+`)

func write(t *testing.T, folder, name, text string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// healthy has the series of a stack without a fault.
func healthy() map[string]float64 {
	out := map[string]float64{`up{job="containers",node="a"}`: 1}
	for _, namespace := range workload.ScrapedNamespaces() {
		out[fmt.Sprintf(`up{job="pods",namespace=%q,pod="%s-1",node="a"}`, namespace, namespace)] = 1
	}
	for _, node := range []string{"a", "b"} {
		out[fmt.Sprintf(`kube_node_info{node=%q}`, node)] = 1
		out[fmt.Sprintf(`kube_node_status_condition{node=%q,condition="Ready",status="true"}`, node)] = 1
	}
	maps.Copy(out, map[string]float64{
		`kube_deployment_spec_replicas{namespace="app",deployment="app"}`:                                   2,
		`kube_deployment_status_replicas_available{namespace="app",deployment="app"}`:                       2,
		`certmanager_certificate_ready_status{namespace="ingress",name="tls",condition="True"}`:             1,
		`kube_service_spec_type{namespace="ingress",service="traefik",type="LoadBalancer"}`:                 1,
		`container_memory_working_set_bytes{namespace="app",pod="app-1",container="app"}`:                   50,
		`kube_pod_container_resource_limits{namespace="app",pod="app-1",container="app",resource="memory"}`: 100,
	})
	return out
}

// TestFaultsReachTheWebhookAndTheirEndsToo runs the real programs with the real files. Only
// durations are shorter.
func TestFaultsReachTheWebhookAndTheirEndsToo(t *testing.T) {
	tools, err := build.Alerting("../..", os.Stderr)
	require.NoError(t, err)
	folder := t.TempDir()
	people, heartbeats := newReceiver(t), newReceiver(t)
	write(t, folder, alerts.WebhookFile, people.URL)
	write(t, folder, alerts.HeartbeatFile, heartbeats.URL)
	short := func(text string) string { return durations.ReplaceAllString(text, "$1: 1s") }
	delivery := alerts.Delivery{Webhook: "json", Heartbeat: true}
	config := write(t, folder, "alertmanager.yaml", short(delivery.File(stack, folder)))
	rules := write(t, folder, "rules.yaml", short(alerts.File(stack)))

	metrics, manager, evaluator := address(t), address(t), address(t)
	launch(t, "http://"+metrics+"/health", tools.VictoriaMetrics, "-storageDataPath="+filepath.Join(folder, "metrics"),
		"-httpListenAddr="+metrics, "-search.latencyOffset=1s", "-loggerLevel=ERROR")
	launch(t, "http://"+manager+"/-/ready", tools.Alertmanager, append(alerts.Alertmanager(config, filepath.Join(folder, "data")), "--web.listen-address="+manager)...)
	s := &store{url: "http://" + metrics, series: healthy()}
	feed(t, s)
	require.Eventually(t, func() bool { return strings.Contains(get(t, s.url+"/api/v1/query?query=count(up)"), `"value"`) }, 2*time.Minute, 100*time.Millisecond)
	vmalert := append(alerts.VMAlert(rules, s.url, "http://"+manager), "-httpListenAddr="+evaluator, "-rule.evalDelay=1s")
	stop := launch(t, "http://"+evaluator+"/health", tools.VMAlert, vmalert...)

	const beat = "firing Heartbeat: Alerts work. This alert fires always."
	require.Eventually(t, func() bool { return slices.Equal(heartbeats.got(), []string{beat}) }, 2*time.Minute, 100*time.Millisecond, "%v", heartbeats.got())
	assert.Empty(t, people.got(), "a stack without a fault")

	s.set(map[string]float64{
		`kube_deployment_status_replicas_available{namespace="app",deployment="app"}`: 0,
		`up{job="pods",namespace="app",pod="app-1",node="a"}`:                         0,
	})
	// DeploymentNotReady fires too. Its cause, AppDown, mutes it.
	faults := []string{"firing AppDown: app has no ready Pod. Users get errors.", "firing TargetDown: The metrics of app-1 cannot be read for 15 minutes."}
	assert.Eventually(t, func() bool { return slices.Equal(people.got(), faults) }, 2*time.Minute, 100*time.Millisecond, "%v", people.got())
	before := activeSince(t, evaluator)
	assert.Contains(t, before, "DeploymentNotReady")
	// VictoriaMetrics returns a sample some seconds after it was written.
	require.Eventually(t, func() bool {
		return strings.Contains(get(t, s.url+"/api/v1/query?query=count(ALERTS_FOR_STATE)>2"), `"value"`)
	}, 2*time.Minute, 100*time.Millisecond)
	stop()
	launch(t, "http://"+evaluator+"/health", tools.VMAlert, vmalert...)
	assert.EventuallyWithT(t, func(c *assert.CollectT) {
		assert.Equal(c, before, activeSince(t, evaluator), "after a restart, alerts must be as old as before")
	}, 2*time.Minute, 200*time.Millisecond)

	s.set(healthy())
	ends := []string{"resolved AppDown: app has no ready Pod. Users get errors.", "resolved TargetDown: The metrics of app-1 cannot be read for 15 minutes."}
	assert.Eventually(t, func() bool { return slices.Equal(people.got(), slices.Concat(faults, ends)) }, 2*time.Minute, 100*time.Millisecond, "%v", people.got())
	assert.Equal(t, []string{beat}, heartbeats.got())
}

// feed writes the samples of a store until the end of the test.
func feed(t *testing.T, s *store) {
	t.Helper()
	ended := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		for {
			select {
			case <-ended:
				return
			case <-time.After(500 * time.Millisecond):
				s.write(t)
			}
		}
	})
	t.Cleanup(func() { close(ended); running.Wait() })
}

// activeSince returns when each alert of vmalert became active, by the name of the alert.
func activeSince(t *testing.T, vmalert string) map[string]time.Time {
	t.Helper()
	body := get(t, "http://"+vmalert+"/api/v1/alerts")
	var answer struct {
		Data struct {
			Alerts []struct {
				Name     string    `json:"name"`
				ActiveAt time.Time `json:"activeAt"`
			} `json:"alerts"`
		} `json:"data"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &answer), body)
	out := map[string]time.Time{}
	for _, a := range answer.Data.Alerts {
		if a.Name != alerts.Heartbeat { // it is not restored, because it has no state
			out[a.Name] = a.ActiveAt.Truncate(time.Second)
		}
	}
	return out
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(body)
}
