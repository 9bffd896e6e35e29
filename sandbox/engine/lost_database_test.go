package engine_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/cloud"
)

const (
	databaseCluster  = "digitalocean:index/databaseCluster:DatabaseCluster"
	databaseFirewall = "digitalocean:index/databaseFirewall:DatabaseFirewall"
	job              = "kubernetes:batch/v1:Job"
)

// onlyObject returns the ID and the object of the only one of a type in the simulated cloud.
func onlyObject(t *testing.T, c cloud.Cloud, token string) (string, cloud.Object) {
	t.Helper()
	ids, err := c.IDs(token)
	require.NoError(t, err)
	require.Len(t, ids, 1, token)
	object, found, err := c.Get(token, ids[0])
	require.NoError(t, err)
	require.True(t, found)
	return ids[0], object
}

// loseDatabase deletes the database cluster with its contents, as DigitalOcean's console
// can. Only Pulumi respects the protection.
func loseDatabase(t *testing.T, c cloud.Cloud) {
	t.Helper()
	for _, token := range []string{
		databaseCluster, databaseFirewall, "digitalocean:index/databasePostgresqlConfig:DatabasePostgresqlConfig", "digitalocean:index/databaseDb:DatabaseDb", "digitalocean:index/databaseUser:DatabaseUser",
	} {
		id, _ := onlyObject(t, c, token)
		require.NoError(t, c.Delete(token, id))
	}
}

// databaseURL returns the URL with which the app's Pods connect.
func databaseURL(t *testing.T, c cloud.Cloud) *url.URL {
	t.Helper()
	secret, found, err := c.Get("kubernetes:core/v1:Secret", "app/database")
	require.NoError(t, err)
	require.True(t, found)
	data, ok := secret.Inputs["stringData"].(map[string]any)
	require.True(t, ok)
	text, ok := data["url"].(string)
	require.True(t, ok, "the Secret app/database has no url")
	u, err := url.Parse(text)
	require.NoError(t, err)
	return u
}

// Somebody deletes a protected database cluster by hand. The refresh removes it from the
// state. The next run must create an empty one with trusted sources, new credentials in the
// app's Secret, and the tenants.
func TestUpRecreatesADatabaseDeletedByHandWithCredentialsAndTenants(t *testing.T) {
	t.Parallel()
	s := newStack(t, "prod")
	s.Edit(t, "    capacity:", "    tenants:\n      - name: acme\n    capacity:")
	s.Up(t)
	c := cloud.At(s.CloudFolder())
	oldID, old := onlyObject(t, c, databaseCluster)
	oldURL := databaseURL(t, c)
	oldJobs, err := c.IDs(job)
	require.NoError(t, err)
	_, oldRules := onlyObject(t, c, databaseFirewall)
	loseDatabase(t, c)

	s.Fails(t, "preview", "--refresh", "--expect-no-changes")
	out := s.Succeeds(t, "up", "--yes", "--skip-preview", "--refresh")
	assert.NotContains(t, out, "panic")
	newID, made := onlyObject(t, c, databaseCluster)
	assert.NotEqual(t, oldID, newID)
	for _, input := range []string{"name", "region", "size", "version", "privateNetworkUuid", "nodeCount"} {
		assert.Equal(t, old.Inputs[input], made.Inputs[input], input)
	}
	_, rules := onlyObject(t, c, databaseFirewall)
	assert.Equal(t, newID, rules.Inputs["clusterId"])
	assert.Equal(t, oldRules.Inputs["rules"], rules.Inputs["rules"], "the trusted sources must be the same, without addresses of persons")
	newURL := databaseURL(t, c)
	assert.NotEqual(t, oldURL.User.String(), newURL.User.String(), "the app gets the new user's password")
	newJobs, err := c.IDs(job)
	require.NoError(t, err)
	assert.Len(t, newJobs, 2)
	assert.NotSubset(t, oldJobs, newJobs, "both Jobs must run again, to create roles and schemas")
	s.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
}

// The restore runbook deletes the tenants' Jobs so that they run again.
func TestReconcileJobsDeletedByHandRunAgain(t *testing.T) {
	t.Parallel()
	s := newStack(t, "prod")
	s.Up(t)
	c := cloud.At(s.CloudFolder())
	before, err := c.IDs(job)
	require.NoError(t, err)
	require.Len(t, before, 2)
	for _, id := range before {
		require.NoError(t, c.Delete(job, id))
	}
	assert.Contains(t, s.Succeeds(t, "up", "--yes", "--skip-preview", "--refresh"), "+ 2 created")
	after, err := c.IDs(job)
	require.NoError(t, err)
	assert.Equal(t, before, after)
	s.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
}

// The restore runbook suspends the schedule while it loads rows.
func TestUpResumesSchedulesThatWereSuspendedByHand(t *testing.T) {
	t.Parallel()
	s := newStack(t, "prod")
	s.Up(t)
	c := cloud.At(s.CloudFolder())
	const cronJob = "kubernetes:batch/v1:CronJob"
	for _, id := range []string{"tenants/reconcile", "tenants/usage"} {
		schedule, found, err := c.Get(cronJob, id)
		require.NoError(t, err)
		require.True(t, found, id)
		schedule.Inputs["spec"].(map[string]any)["suspend"] = true
		require.NoError(t, c.Put(cronJob, id, schedule))
		s.Fails(t, "preview", "--refresh", "--expect-no-changes")
		s.Succeeds(t, "up", "--yes", "--skip-preview", "--refresh")
		schedule, _, err = c.Get(cronJob, id)
		require.NoError(t, err)
		assert.Equal(t, false, schedule.Inputs["spec"].(map[string]any)["suspend"], id)
	}
}
