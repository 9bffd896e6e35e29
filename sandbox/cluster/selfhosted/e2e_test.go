package selfhosted_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/cluster/images"
)

// The steps of one server's life, each on what the earlier ones left. The commands are README's code
// blocks, in README's order.
func TestSelfHosted(t *testing.T) {
	s, g := newServer(t), readGuide(t)
	source := vendored(t)
	s.folder = source
	s.follow(t, g, "Build the image")
	t.Run("the image is small and reproducible", func(t *testing.T) { s.checkImage(t, source) })
	s.folder = t.TempDir()
	s.follow(t, g, "Start it")
	s.setVariables(t, "POSTGRES_IMAGE="+images.Local(postgres17)+"\nCADDY_IMAGE="+images.Local("caddy")+"\n")
	s.follow(t, g, "Build the image")
	started := time.Now()
	s.follow(t, g, "Start it")
	t.Logf("the first start took %s", time.Since(started).Round(time.Second))
	link := regexp.MustCompile(`"link":"(` + home + `/invitations/[\w-]+)"`).FindStringSubmatch(s.follow(t, g, "Start it"))
	require.NotNil(t, link, "README's command prints no link")
	s.follow(t, g, "Start it")
	c := s.newClient(t)
	s.join(t, c, link[1])
	for _, title := range []string{"second", "third"} {
		c.report(t, title)
	}
	count, sum := c.runs(t)
	require.Equal(t, 3, count)

	t.Run("HTTP leads to HTTPS, and the way in is Caddy alone", func(t *testing.T) { s.checkAddresses(t, c) })
	t.Run("the containers are hardened", s.checkContainers)
	t.Run("no secret is in the containers' configuration or in the logs", s.checkSecrets)
	t.Run("a crash of any container heals", func(t *testing.T) { s.checkCrashes(t, c) })
	t.Run("a domain", func(t *testing.T) { s.checkDomain(t, g, c) })
	t.Run("a certificate by ACME", func(t *testing.T) { s.checkCertificates(t, g) })

	var file string
	require.True(t, t.Run("a backup is written", func(t *testing.T) { file = s.backup(t, s.follow(t, g, "Back up")) }))
	t.Run("scheduled backups", func(t *testing.T) { s.checkSchedule(t, g) })
	t.Run("a restore refuses what would lose data", func(t *testing.T) { s.checkRefusals(t, file) })
	t.Run("a backup onto a full disk", s.checkFullBackups)
	t.Run("bad numbers delete no backup", s.checkNumbers)
	elsewhere := t.TempDir()
	require.True(t, t.Run("copies of the backups off the server", func(t *testing.T) { s.checkOffsite(t, g, elsewhere, file) }))
	t.Run("everything is destroyed, and restored from a copy", func(t *testing.T) {
		s.destroy(t)
		s.run(t, "up", "--detach", "--wait")
		s.follow(t, g, "Fetch a copy", "BACKUP="+file)
		s.follow(t, g, "Restore", "BACKUP="+file)
		s.Docker(t, "rm", "--force", "s3")
		s.trust(t, c)
		c.await(t)
		restored, same := c.runs(t)
		assert.Equal(t, count, restored)
		assert.Equal(t, sum, same)
		c.report(t, "the agent's key works after the restore")
	})
	t.Run("a restore over other data", func(t *testing.T) {
		s.run(t, "run", "--rm", "restore", file, "--overwrite")
		c.await(t)
		_, same := c.runs(t)
		assert.Equal(t, sum, same)
	})
	t.Run("an upgrade under traffic", func(t *testing.T) { s.checkUpgrade(t, g, c) })
	t.Run("no volume without a name is left", s.checkVolumes)
	t.Run("to a tenant of the platform and back", func(t *testing.T) { s.checkTenant(t, g, c) })
	t.Run("a wrong password", func(t *testing.T) { s.checkWrongPassword(t, c) })
	t.Run("a taken port", s.checkTakenPort)
	t.Run("the database of a newer version", s.checkNewerDatabase)
	t.Run("a new password", func(t *testing.T) { s.checkNewPassword(t, c) })
	t.Run("the data of another PostgreSQL", func(t *testing.T) { s.checkWrongMajor(t, c) })
	t.Run("from PostgreSQL 17 to 18", func(t *testing.T) { s.checkMajorUpgrade(t, c) })
	t.Run("the database on a full disk", func(t *testing.T) { s.checkFullDatabase(t, c, s.backup(t, s.run(t, "run", "--rm", "backup"))) })
	t.Run("metrics and alerts", func(t *testing.T) { s.checkMetrics(t, g, c) })
	t.Run("everything is removed", func(t *testing.T) { s.checkRemoval(t, g) })
	g.finish(t)
}

// destroy removes all of the server but compose.yaml, .env, and the file of the private key, which the user
// brings back. It writes the access key of the bucket again.
func (s *server) destroy(t *testing.T) {
	t.Helper()
	s.run(t, "--profile", "*", "down", "--volumes")
	for _, folder := range []string{"backups", "offsite"} {
		require.NoError(t, os.RemoveAll(filepath.Join(s.folder, folder)))
	}
	s.useBucket(t)
}

func (s *server) checkAddresses(t *testing.T, c *client) {
	got, err := c.send("GET", "http://localhost/runs?agent=writer", "", "")
	require.NoError(t, err)
	assert.Equal(t, http.StatusPermanentRedirect, got.status)
	assert.Equal(t, home+"/runs?agent=writer", got.location)
	for _, path := range []string{"/readyz", "/metrics"} {
		c.ask(t, http.StatusNotFound, "GET", home+path, "", "")
	}
	for _, service := range []string{"db", "app"} {
		assert.JSONEq(t, "{}", s.inspect(t, service, "{{json .HostConfig.PortBindings}}"), service)
	}
	assert.True(t, c.throttled(t, home, "198.51.100.%d"), "a client that writes other addresses into X-Forwarded-For is known by its own")
}

// checkVolumes looks for volumes without a name, which stay after "down": an image asks for them.
func (s *server) checkVolumes(t *testing.T) {
	for name := range strings.FieldsSeq(s.Docker(t, "volume", "ls", "--quiet")) {
		assert.True(t, strings.HasPrefix(name, "agenthq_"), "%s has no name", name)
	}
}

// checkRemoval follows README's last step, after which nothing is left but the two files of the user.
func (s *server) checkRemoval(t *testing.T, g *guide) {
	s.follow(t, g, "Remove it")
	for _, list := range [][]string{{"ps", "--all", "--quiet"}, {"volume", "ls", "--quiet", "--filter", "name=agenthq"}, {"network", "ls", "--quiet", "--filter", "name=agenthq"}} {
		assert.Empty(t, s.Docker(t, list...), list)
	}
	assert.NoDirExists(t, filepath.Join(s.folder, "backups"))
	assert.NoDirExists(t, filepath.Join(s.folder, "offsite"))
}

// checkCrashes ends the first process of each container with SIGKILL, and waits until agents can report
// again.
func (s *server) checkCrashes(t *testing.T, c *client) {
	for _, service := range []string{"db", "app", "caddy"} {
		s.Kill(t, container(service))
		started := time.Now()
		require.Eventually(t, func() bool {
			got, err := c.send("GET", home+"/export/runs.json", "", "")
			return err == nil && got.status == http.StatusOK && s.inspect(t, service, "{{.State.Health.Status}}") == "healthy"
		}, time.Minute, 500*time.Millisecond, "%s does not come back", service)
		t.Logf("%s was back after %s", service, time.Since(started).Round(time.Second))
	}
}

// backup returns the name of the file that a backup has written. out is what the backup printed.
func (s *server) backup(t *testing.T, out string) string {
	t.Helper()
	match := regexp.MustCompile(`backup: (\S+\.dump) `).FindStringSubmatch(out)
	require.NotNil(t, match, out)
	for _, suffix := range []string{"", ".sha256", ".digests"} {
		info, err := os.Stat(filepath.Join(s.folder, "backups", match[1]+suffix))
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		assert.Positive(t, info.Size())
	}
	return match[1]
}

func (s *server) checkRefusals(t *testing.T, file string) {
	assert.Contains(t, s.fails(t, "run", "--rm", "restore"), file, "it lists the files")
	assert.Contains(t, s.fails(t, "run", "--rm", "restore", "other.dump"), "there is no file other.dump")
	assert.Contains(t, s.fails(t, "run", "--rm", "restore", file), "the database has accounts or runs")

	path := filepath.Join(s.folder, "backups", file)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	damaged := append([]byte{}, whole...)
	damaged[len(damaged)/2] ^= 1
	require.NoError(t, os.WriteFile(path, damaged, 0o600))
	assert.Contains(t, s.fails(t, "run", "--rm", "restore", file, "--overwrite"), file+" is damaged")
	require.NoError(t, os.WriteFile(path, whole, 0o600))

	sum, err := os.ReadFile(path + ".sha256")
	require.NoError(t, err)
	require.NoError(t, os.Remove(path+".sha256"))
	assert.Contains(t, s.fails(t, "run", "--rm", "restore", file, "--overwrite"), file+".sha256 is missing")
	require.NoError(t, os.WriteFile(path+".sha256", sum, 0o600))

	digests, err := os.ReadFile(path + ".digests")
	require.NoError(t, err)
	changed := strings.Replace(string(digests), "table runs|3|", "table runs|4|", 1)
	require.NotEqual(t, string(digests), changed)
	require.NoError(t, os.WriteFile(path+".digests", []byte(changed), 0o600))
	assert.Contains(t, s.fails(t, "run", "--rm", "restore", file, "--overwrite"), "the restored rows differ")
	require.NoError(t, os.WriteFile(path+".digests", digests, 0o600))
}

// inspect returns a field of a service's container.
func (s *server) inspect(t *testing.T, service, format string) string {
	t.Helper()
	return strings.TrimSpace(s.Docker(t, "inspect", "--format", format, container(service)))
}

// inVolumes runs a shell command as root with the project's volumes in folders of their names.
func (s *server) inVolumes(t *testing.T, command string) string {
	t.Helper()
	args := []string{"run", "--rm", "--user", "0", "--network", "none"}
	for _, volume := range []string{"secrets", "app-secrets", "database"} {
		args = append(args, "--volume", "agenthq_"+volume+":/"+volume)
	}
	return s.Docker(t, append(args, images.Local(postgres17), "sh", "-euc", command)...)
}
