package tenants_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/pulumitest"
)

// Kubernetes objects refer to each other by name, which Pulumi does not see. A run that
// starts before its policy or its Secret cannot reach the database, or waits for a file.
func TestARunStartsAfterEverythingThatItReads(t *testing.T) {
	r := declared(t, args())
	for _, kind := range []string{"Job", "CronJob"} {
		run, ok := r.Find("kubernetes:batch/v1:"+kind, "reconcile")
		require.True(t, ok, kind)
		before := strings.Join(run.DependsOn, "\n") + "\n"
		for _, want := range []string{
			"Namespace::tenants", "NetworkPolicy::tenants-allow-database", "ServiceAccount::reconcile", "ConfigMap::reconcile",
			"Secret::administrator", "Secret::verifiers", "PersistentVolumeClaim::reconcile",
		} {
			assert.Contains(t, before, ":"+want+"\n", kind)
		}
	}
}

// The archive's volume has the only copy of a purged tenant.
func TestTheArchivesVolumeStaysWhenTheStackGoesAndWhenTheClassChanges(t *testing.T) {
	for _, retain := range []bool{true, false} {
		a := args()
		a.Retain = retain
		claim, ok := declared(t, a).Find("kubernetes:core/v1:PersistentVolumeClaim", "reconcile")
		require.True(t, ok)
		assert.Equal(t, retain, claim.Retain)
		assert.Equal(t, []string{"spec.storageClassName"}, claim.IgnoreChanges, "another class would replace the volume")
	}
}

func TestAnUpdatesRunWritesToTheArchiveAndToItsScratchAlone(t *testing.T) {
	g, ok := declared(t, args()).Find("kubernetes:batch/v1:Job", "reconcile")
	require.True(t, ok)
	var writable []any
	for _, mount := range pulumitest.Dig(g.Containers()[0], "volumeMounts").([]any) {
		if pulumitest.Dig(mount, "readOnly") != true {
			writable = append(writable, pulumitest.Dig(mount, "mountPath"))
		}
	}
	assert.ElementsMatch(t, []any{"/tmp", "/archive"}, writable)
}
