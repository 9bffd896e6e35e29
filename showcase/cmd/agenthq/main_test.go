package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/internal/pgtest"
)

func command(ctx context.Context, env map[string]string, args ...string) (status int, out, faults string) {
	var o, f bytes.Buffer
	status = run(ctx, args, env, &o, &f)
	return status, o.String(), f.String()
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}

func TestVersionUsageAndFaultyConfiguration(t *testing.T) {
	status, out, _ := command(context.Background(), nil, "--version")
	assert.Zero(t, status)
	assert.Regexp(t, `^agenthq \S+\n$`, out)
	status, _, faults := command(context.Background(), map[string]string{"PORT": "x"})
	assert.Equal(t, 2, status)
	assert.Regexp(t, `(?s)DATABASE_URL: .*PORT: `, faults)
	status, _, faults = command(context.Background(), map[string]string{"DATABASE_URL": "postgresql://nobody@localhost:1/none"}, "dance")
	assert.Equal(t, 2, status)
	assert.Contains(t, faults, "agenthq migrate")
}

func TestConfigPrintsTheConfigurationAlsoWhenItIsFaulty(t *testing.T) {
	status, out, faults := command(context.Background(), map[string]string{"DATABASE_URL": "postgresql://u:hunter2@localhost/db"}, "config")
	assert.Zero(t, status)
	assert.Regexp(t, `DATABASE_URL +set +environment`, out)
	assert.Empty(t, faults)
	status, out, faults = command(context.Background(), map[string]string{"AGENTHQ_PORT": "80"}, "config")
	assert.Equal(t, 2, status)
	assert.Regexp(t, `DATABASE_URL +not set +default`, out)
	assert.Regexp(t, `(?s)AGENTHQ_PORT: .*did you mean PORT\?.*DATABASE_URL: is missing`, faults)
}

func TestSingleTenantModeFromDatabaseURLAlone(t *testing.T) {
	s := pgtest.Start(t)
	_, err := s.Admin(t).Exec(context.Background(), "GRANT ALL ON SCHEMA public TO app")
	require.NoError(t, err)
	env := map[string]string{"DATABASE_URL": s.AppURL(), "PORT": freePort(t)}
	ctx, terminate := context.WithCancel(context.Background())
	status, out, _ := command(ctx, env, "migrate")
	assert.Zero(t, status)
	assert.Regexp(t, `main +migrated +4`, out)
	status, out, _ = command(ctx, env, "invite", "a@example.com")
	assert.Zero(t, status)
	link := regexp.MustCompile(`^http://localhost:\d+/invitations/\S+`).FindString(out)
	require.NotEmpty(t, link, out)
	status, _, faults := command(ctx, env, "invite", "a@example.com", "acme")
	assert.Equal(t, 1, status)
	assert.Contains(t, faults, `no active tenant "acme"`)

	status, _, _ = command(ctx, env, "healthcheck")
	assert.Equal(t, 1, status, "nothing listens yet")
	ended := make(chan int, 1)
	var log string
	go func() {
		var status int
		status, log, _ = command(ctx, env)
		ended <- status
	}()
	require.Eventually(t, func() bool { status, _, _ := command(ctx, env, "healthcheck"); return status == 0 }, 20*time.Second, 50*time.Millisecond)
	r, err := http.Get(link)
	require.NoError(t, err)
	defer r.Body.Close()
	assert.Equal(t, http.StatusOK, r.StatusCode)
	proxied := httptest.NewRequest(http.MethodGet, "http://localhost:"+env["PORT"]+"/metrics", nil)
	proxied.RequestURI = ""
	direct, err := http.DefaultClient.Do(proxied)
	require.NoError(t, err)
	defer direct.Body.Close()
	assert.Equal(t, http.StatusOK, direct.StatusCode)
	proxied.Header.Set("X-Forwarded-For", "192.0.2.1")
	refused, err := http.DefaultClient.Do(proxied)
	require.NoError(t, err)
	defer refused.Body.Close()
	assert.Equal(t, http.StatusNotFound, refused.StatusCode, "metrics are not for the Internet")
	terminate()
	select {
	case status := <-ended:
		assert.Zero(t, status)
	case <-time.After(25 * time.Second):
		require.Fail(t, "the process did not end within the contract's 25 s")
	}
	assert.Regexp(t, `"level":"WARN","msg":"create the first account: open the link","link":"http://localhost:\d+/invitations/[\w-]{43}","valid_hours":72`, log)
}

func TestEveryCommandRefusesADatabaseOfANewerVersionAndChangesNothing(t *testing.T) {
	s := pgtest.Start(t)
	s.Run(t, "GRANT ALL ON SCHEMA public TO app")
	env := map[string]string{"DATABASE_URL": s.AppURL(), "PORT": freePort(t)}
	status, _, faults := command(context.Background(), env, "migrate")
	require.Zero(t, status, faults)
	s.Run(t, "INSERT INTO agenthq_version (version_id, is_applied) VALUES (7, true)")
	const all = "SELECT (SELECT string_agg(v::text, ' ' ORDER BY id) FROM agenthq_version v) || (SELECT count(*) FROM invitations)"
	var before, after string
	require.NoError(t, s.Admin(t).QueryRow(context.Background(), all).Scan(&before))
	for _, args := range [][]string{{"migrate"}, {"invite", "a@example.com"}, {}} {
		status, _, faults := command(context.Background(), env, args...)
		assert.Equal(t, 1, status, args)
		assert.Contains(t, faults, "the database was migrated by a newer version (migration 7; this version knows 4): install that version again or restore the backup\n")
	}
	require.NoError(t, s.Admin(t).QueryRow(context.Background(), all).Scan(&after))
	assert.Equal(t, before, after)
}

func TestMigratePrintsFailuresAndEndsWithOne(t *testing.T) {
	s := pgtest.Start(t, "acme", "beta")
	_, err := s.Admin(t).Exec(context.Background(), "CREATE TABLE tenant_acme.runs (id int)")
	require.NoError(t, err)
	env := map[string]string{"DATABASE_URL": s.AppURL(), "TENANTS_DIR": s.Folder}
	status, out, faults := command(context.Background(), env, "migrate")
	assert.Equal(t, 1, status)
	assert.Regexp(t, `acme +failed +.*already exists`, out)
	assert.Regexp(t, `beta +migrated +4`, out)
	assert.Contains(t, faults, "1 of 2 tenants failed")
}

func TestOffsiteNeedsNoDatabaseAndRefusesUnknownArguments(t *testing.T) {
	status, out, _ := command(context.Background(), nil, "offsite", "keygen")
	assert.Zero(t, status)
	public := regexp.MustCompile(`^# public key: (age1\w+)\nAGE-SECRET-KEY-1\w+\n$`).FindStringSubmatch(out)
	require.NotNil(t, public)
	status, _, faults := command(context.Background(), nil, "offsite")
	assert.Equal(t, 2, status)
	assert.Regexp(t, `(?s)^agenthq offsite cannot start:\n.*S3_ENDPOINT: is missing`, faults)
	env := map[string]string{
		"BACKUPS_DIR": t.TempDir(), "S3_ENDPOINT": "http://127.0.0.1:1", "S3_BUCKET": "my-backups", "S3_ACCESS_KEY": "id", "S3_SECRET_KEY": "hunter2", "AGE_RECIPIENTS": public[1],
	}
	status, _, faults = command(context.Background(), env, "offsite", "dance")
	assert.Equal(t, 2, status)
	assert.Contains(t, faults, "agenthq offsite fetch")
	status, _, faults = command(context.Background(), env, "offsite", "check")
	assert.Equal(t, 1, status)
	assert.Contains(t, faults, "http://127.0.0.1:1 cannot be reached")
	ctx, terminate := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer terminate()
	status, _, faults = command(ctx, env, "offsite", "watch")
	assert.Zero(t, status, "it ends when it is told to")
	assert.Contains(t, faults, "has no complete backup; make one first: docker compose run --rm backup; the next attempt is in 5m0s")
}
