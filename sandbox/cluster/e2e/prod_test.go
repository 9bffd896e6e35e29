package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/genericcorp/platform/internal/workload"
	"github.com/genericcorp/platform/sandbox/load"
	"github.com/genericcorp/platform/sandbox/machine"
)

// TestProdLosesOneOfEverything takes replicas, the database's sessions and a node from prod while an
// agent reports runs.
func TestProdLosesOneOfEverything(t *testing.T) {
	d := newDemo(t, "prod")
	d.edit(t, "    capacity:", "    tenants:\n      - name: acme\n        plan: growth\n    capacity:")
	d.up(t)
	tenant, err := d.Invite("acme", 1)
	require.NoError(t, err)
	targets, _, err := load.Prepare(t.Context(), d.Network(), []load.Tenant{tenant})
	require.NoError(t, err)
	agent := agent{d.client(t), "https://acme." + d.Domain() + "/api/v1/runs", targets[0].Keys[0]}
	for _, loss := range []struct {
		of      string
		lose    func(*testing.T)
		longest time.Duration
	}{
		{"one Pod of each workload", d.deleteOneOfEach, 0},
		{"the sessions of the database", d.restartDatabase, 10 * time.Second},
		{"a node", d.loseNode, 2 * time.Minute},
	} {
		t.Run(loss.of, func(t *testing.T) {
			stop := agent.report(t)
			time.Sleep(5 * time.Second)
			loss.lose(t)
			seen := stop()
			t.Logf("%s: %d of %d requests failed, in %s", loss.of, seen.failed, seen.sent, seen.outage())
			assert.Greater(t, seen.sent, 50)
			if loss.longest == 0 {
				assert.Zero(t, seen.failed, seen.faults)
			}
			assert.LessOrEqual(t, seen.outage(), loss.longest, seen.faults)
		})
	}
}

// agent reports a run every 100 ms.
type agent struct {
	client
	url, key string
}

// seen is what an agent saw.
type seen struct {
	sent, failed int
	// first and last are when the first and the last request began that failed.
	first, last time.Time
	// faults counts the failures by their kind.
	faults map[string]int
}

// outage is the time from the first failure to the last one.
func (s seen) outage() time.Duration { return s.last.Sub(s.first).Round(time.Millisecond) }

// report reports runs until the returned function is called.
func (a agent) report(t *testing.T) func() seen {
	t.Helper()
	total := seen{faults: map[string]int{}}
	var lock sync.Mutex
	var open sync.WaitGroup
	ended := make(chan struct{})
	ticks := time.NewTicker(100 * time.Millisecond)
	open.Go(func() {
		for {
			select {
			case <-ended:
				return
			case <-ticks.C:
			}
			open.Go(func() {
				begun := time.Now()
				fault := a.post()
				lock.Lock()
				defer lock.Unlock()
				total.sent++
				if fault == "" {
					return
				}
				if total.failed == 0 || begun.Before(total.first) {
					total.first = begun
				}
				if begun.After(total.last) {
					total.last = begun
				}
				total.failed++
				total.faults[fault]++
			})
		}
	})
	return func() seen {
		ticks.Stop()
		close(ended)
		open.Wait()
		return total
	}
}

// post reports a run, and returns why that failed.
func (a agent) post() string {
	body, err := json.Marshal(map[string]string{"agent": "watch", "title": "Report while something is lost"})
	if err != nil {
		return err.Error()
	}
	request, err := http.NewRequest(http.MethodPost, a.url, bytes.NewReader(body))
	if err != nil {
		return err.Error()
	}
	request.Header.Set("Authorization", "Bearer "+a.key)
	request.Header.Set("Content-Type", "application/json")
	got := a.do(a.secure, request)
	switch {
	case got.err != nil:
		return "no response"
	case got.status != http.StatusCreated:
		return http.StatusText(got.status)
	}
	return ""
}

// deleteOneOfEach deletes a Pod of each Deployment that has more than one, and waits until all are
// replaced.
func (d runningDemo) deleteOneOfEach(t *testing.T) {
	client := d.kubernetes(t)
	deployments, err := client.AppsV1().Deployments("").List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	deleted := 0
	for _, deployment := range deployments.Items {
		if *deployment.Spec.Replicas < 2 || deployment.Namespace == "kube-system" {
			continue
		}
		pods, err := client.CoreV1().Pods(deployment.Namespace).List(t.Context(), metav1.ListOptions{LabelSelector: metav1.FormatLabelSelector(deployment.Spec.Selector)})
		require.NoError(t, err)
		require.NoError(t, client.CoreV1().Pods(deployment.Namespace).Delete(t.Context(), pods.Items[0].Name, metav1.DeleteOptions{}))
		deleted++
	}
	assert.Equal(t, 3, deleted, "the app, Traefik and the pooler")
	time.Sleep(time.Second) // the controllers notice the deletion
	d.waitForDeployments(t, 2*time.Minute)
}

// waitForDeployments waits until all replicas of the platform's Deployments are available.
func (d runningDemo) waitForDeployments(t *testing.T, limit time.Duration) {
	t.Helper()
	var missing []string
	require.Eventually(t, func() bool {
		missing = nil
		for _, namespace := range workload.Namespaces() {
			list, err := d.kubernetes(t).AppsV1().Deployments(namespace).List(t.Context(), metav1.ListOptions{})
			require.NoError(t, err)
			for _, deployment := range list.Items {
				if deployment.Status.AvailableReplicas < *deployment.Spec.Replicas {
					missing = append(missing, deployment.Name)
				}
			}
		}
		return len(missing) == 0
	}, limit, time.Second, "not available: %v", missing)
}

// restartDatabase kills a process of the server. Then the server ends all sessions, and recovers.
func (d runningDemo) restartDatabase(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(machine.DatabaseFolder(d.ClusterFolder()), "data", "postmaster.pid"))
	require.NoError(t, err)
	server, _, _ := strings.Cut(string(text), "\n")
	children, err := os.ReadFile(fmt.Sprintf("/proc/%s/task/%s/children", server, server))
	require.NoError(t, err)
	var child int
	_, err = fmt.Sscan(string(children), &child)
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(child, syscall.SIGKILL))
	time.Sleep(15 * time.Second)
	d.waitForDeployments(t, time.Minute)
}

// loseNode kills everything on one node, and waits until another one has taken its place.
func (d runningDemo) loseNode(t *testing.T) {
	d.killNode(t)
	time.Sleep(30 * time.Second)
	d.waitForDeployments(t, 3*time.Minute)
}
