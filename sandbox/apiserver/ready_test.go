package apiserver

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// quota is the metadata of a quota with two limits that Pulumi waits for.
const quota = `"metadata":{"annotations":{"pulumi.com/waitFor":"[\"jsonpath={.status.hard.claims}=1\",\"jsonpath={.status.hard['requests.storage']}=10Gi\"]"}}`

func TestUnreadyReturnsAReasonUntilTheObjectIsReady(t *testing.T) {
	for name, c := range map[string]struct {
		live  string
		ready bool
	}{
		"a config map":                     {`{"kind":"ConfigMap"}`, true},
		"a deployment with all Pods":       {`{"kind":"Deployment","metadata":{"generation":2},"spec":{"replicas":2},"status":{"observedGeneration":2,"replicas":2,"updatedReplicas":2,"availableReplicas":2}}`, true},
		"a deployment with an old Pod":     {`{"kind":"Deployment","metadata":{"generation":2},"spec":{"replicas":2},"status":{"observedGeneration":2,"replicas":3,"updatedReplicas":2,"availableReplicas":3}}`, false},
		"a deployment not observed yet":    {`{"kind":"Deployment","metadata":{"generation":2},"spec":{"replicas":1},"status":{"observedGeneration":1,"replicas":1,"updatedReplicas":1,"availableReplicas":1}}`, false},
		"a daemon set without one node":    {`{"kind":"DaemonSet","status":{"desiredNumberScheduled":2,"updatedNumberScheduled":2,"numberReady":1}}`, false},
		"a job that runs":                  {`{"kind":"Job","status":{"active":1}}`, false},
		"a job that failed":                {`{"kind":"Job","status":{"conditions":[{"type":"Failed","status":"True"}]}}`, false},
		"a job that is complete":           {`{"kind":"Job","status":{"conditions":[{"type":"Complete","status":"True"}]}}`, true},
		"a load balancer without address":  {`{"kind":"Service","spec":{"type":"LoadBalancer"},"status":{"loadBalancer":{}}}`, false},
		"a service inside the cluster":     {`{"kind":"Service","spec":{"type":"ClusterIP"}}`, true},
		"a claim without a volume":         {`{"kind":"PersistentVolumeClaim","status":{"phase":"Pending"}}`, false},
		"a certificate without conditions": {`{"kind":"Certificate","metadata":{"annotations":{"pulumi.com/waitFor":"condition=Ready"}},"status":{}}`, false},
		"a quota that is not counted":      {`{"kind":"ResourceQuota",` + quota + `}`, false},
		"a quota with the old limit":       {`{"kind":"ResourceQuota",` + quota + `,"status":{"hard":{"claims":"1","requests.storage":"5Gi"}}}`, false},
		"a quota that is in force":         {`{"kind":"ResourceQuota",` + quota + `,"status":{"hard":{"claims":"1","requests.storage":"10Gi"}}}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			var live map[string]any
			require.NoError(t, json.Unmarshal([]byte(c.live), &live))
			assert.Equal(t, c.ready, unready(live) == "", unready(live))
		})
	}
}

func TestAJobThatHasFailedIsAnErrorWithItsReason(t *testing.T) {
	job := func(kind, status string) map[string]any {
		return map[string]any{"kind": "Job", "status": map[string]any{"conditions": []any{
			map[string]any{"type": kind, "status": status, "message": "Job has reached the specified backoff limit"},
		}}}
	}
	assert.EqualError(t, jobFailure(job("Failed", "True")), "the Job failed: Job has reached the specified backoff limit")
	assert.NoError(t, jobFailure(job("Failed", "False")))
	assert.NoError(t, jobFailure(job("Complete", "True")))
	assert.NoError(t, jobFailure(map[string]any{"kind": "Deployment"}))
}
