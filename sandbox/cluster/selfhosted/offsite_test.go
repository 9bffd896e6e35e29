package selfhosted_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/build"
	"github.com/genericcorp/platform/sandbox/cluster/images"
	"github.com/genericcorp/platform/sandbox/cluster/vpc"
)

const (
	// As in README.
	accessKey = "ACCESS_KEY_ID"
	secretKey = "SECRET_ACCESS_KEY"
)

// bucket is the folder with the objects of a bucket, outside of the server.
type bucket struct{ folder string }

// startS3 starts an S3-compatible service, without a bucket, at an address that only a container with a
// way out reaches. It keeps everything in the folder home, which must outlive the step of the test.
func (s *server) startS3(t *testing.T, home string) bucket {
	t.Helper()
	root, err := filepath.Abs(checkout)
	require.NoError(t, err)
	program, err := build.S3(root, os.Stderr)
	require.NoError(t, err)
	folder := t.TempDir()
	image := images.Image{Name: "s3", Files: map[string]string{"/versitygw": program}, Entrypoint: []string{"/versitygw"}, User: "0"}
	require.NoError(t, images.Write(folder, []images.Image{image}))
	s.Docker(t, "load", "--input", filepath.Join(folder, "s3.tar"))
	data, metadata := filepath.Join(home, "data"), filepath.Join(home, "metadata")
	require.NoError(t, os.Mkdir(data, 0o755))
	require.NoError(t, os.Mkdir(metadata, 0o755))
	s.Docker(t, "run", "--detach", "--name", "s3", "--network", "host", "--volume", data+":/data", "--volume", metadata+":/metadata",
		"--env", "ROOT_ACCESS_KEY="+accessKey, "--env", "ROOT_SECRET_KEY="+secretKey,
		images.Local("s3"), "--quiet", "--port", vpc.Cloud.String()+":7070", "posix", "--sidecar", "/metadata", "/data")
	return bucket{filepath.Join(data, "my-backups")}
}

// useBucket writes the access key of the bucket, as README's step 3 does.
func (s *server) useBucket(t *testing.T) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Join(s.folder, "offsite"), 0o700))
	s.write(t, "offsite/access-key", accessKey+"\n")
	s.write(t, "offsite/secret-key", secretKey+"\n")
}

// objects returns the names of the objects in the bucket. The service keeps parts in hidden folders.
func (b bucket) objects(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(b.folder, "[^.]*"))
	require.NoError(t, err)
	for i := range found {
		found[i] = filepath.Base(found[i])
	}
	return found
}

// checkOffsite copies the backups to a bucket as README says, and makes mistakes.
func (s *server) checkOffsite(t *testing.T, g *guide, home, file string) {
	out := s.fails(t, "run", "--rm", "offsite")
	for _, variable := range []string{"S3_ENDPOINT", "S3_BUCKET", "S3_ACCESS_KEY", "S3_SECRET_KEY", "AGE_RECIPIENTS"} {
		assert.Contains(t, out, variable+": ")
	}
	b := s.startS3(t, home)
	s.follow(t, g, "Keep copies off the server")
	key, err := os.ReadFile(filepath.Join(s.folder, "agenthq.key"))
	require.NoError(t, err)
	s.follow(t, g, "Keep copies off the server", "RECIPIENT="+regexp.MustCompile(`age1\w+`).FindString(string(key)))
	assert.Contains(t, s.fails(t, "run", "--rm", "offsite"), "has no bucket my-backups; create it, or set S3_BUCKET")
	require.NoError(t, os.Mkdir(b.folder, 0o755))
	s.write(t, "offsite/secret-key", "another secret\n")
	out = s.fails(t, "run", "--rm", "offsite")
	assert.Contains(t, out, "refuses the access key; correct S3_ACCESS_KEY and S3_SECRET_KEY")
	assert.NotContains(t, out, "another secret")
	s.write(t, "offsite/secret-key", secretKey+"\n")
	s.checkKilledUpload(t, b)

	assert.Contains(t, s.follow(t, g, "Keep copies off the server"), file+".tar.age is in the bucket my-backups already")
	assert.Contains(t, s.run(t, "run", "--rm", "fetch"), file)
	for _, object := range b.objects(t) {
		assert.True(t, strings.HasSuffix(object, ".tar.age"), object)
		data, err := os.ReadFile(filepath.Join(b.folder, object))
		require.NoError(t, err)
		assert.True(t, strings.HasPrefix(string(data), "age-encryption.org/v1\n"), object)
		assert.NotContains(t, string(data), "PGDMP", "the dump is not in the bucket as plain text")
	}
	s.follow(t, g, "Keep copies off the server")
	s.logged(t, "scheduled-offsite", file+".tar.age is in the bucket my-backups already")
	s.run(t, "--profile", "*", "rm", "--force", "--stop", "scheduled-offsite", "scheduled-backups")
	s.checkFetchMistakes(t, b, string(key), file)
}

// checkKilledUpload ends an upload with SIGKILL, and completes it.
func (s *server) checkKilledUpload(t *testing.T, b bucket) {
	const big = "20200101T000000Z.dump"
	dump := make([]byte, 150<<20)
	_, err := rand.Read(dump)
	require.NoError(t, err)
	sum := sha256.Sum256(dump)
	s.write(t, "backups/"+big, string(dump))
	s.write(t, "backups/"+big+".digests", "end\n")
	s.write(t, "backups/"+big+".sha256", hex.EncodeToString(sum[:])+"  "+big+"\n")
	s.run(t, "run", "--detach", "--name", "upload", "offsite")
	require.Eventually(t, func() bool {
		found, err := filepath.Glob(filepath.Join(b.folder, ".sgwtmp", "multipart", "*", "*", "*"))
		return err == nil && len(found) > 0
	}, 30*time.Second, 2*time.Millisecond, "no part is uploaded")
	s.Kill(t, "upload")
	s.Docker(t, "wait", "upload")
	var found []struct {
		NetworkSettings struct{ Networks map[string]any }
	}
	inspected := s.Docker(t, "inspect", "upload")
	require.NoError(t, json.Unmarshal([]byte(inspected), &found))
	assert.Contains(t, found[0].NetworkSettings.Networks, "agenthq_offsite")
	assert.Len(t, found[0].NetworkSettings.Networks, 1, "it cannot reach the database")
	assert.NotContains(t, inspected, secretKey)
	s.Docker(t, "rm", "upload")
	assert.NotContains(t, b.objects(t), big+".tar.age", "half an upload is no object")
	out := s.run(t, "run", "--rm", "offsite")
	assert.Contains(t, out, big+".tar.age (")
	assert.Contains(t, b.objects(t), big+".tar.age")
	assert.NotContains(t, out, secretKey)
	for _, suffix := range []string{"", ".digests", ".sha256"} {
		require.NoError(t, os.Remove(filepath.Join(s.folder, "backups", big+suffix)))
	}
	require.NoError(t, os.Remove(filepath.Join(b.folder, big+".tar.age")))
}

// checkFetchMistakes fetches into an empty folder, with what cannot work.
func (s *server) checkFetchMistakes(t *testing.T, b bucket, key, file string) {
	before := s.env
	defer func() { s.env = before }()
	s.env = append(s.env[:len(s.env):len(s.env)], "BACKUPS=./fetched")
	require.NoError(t, os.Mkdir(filepath.Join(s.folder, "fetched"), 0o755))
	fails := func(want string) {
		t.Helper()
		assert.Contains(t, s.fails(t, "run", "--rm", "fetch", file), want)
		files, err := os.ReadDir(filepath.Join(s.folder, "fetched"))
		require.NoError(t, err)
		assert.Empty(t, files)
	}
	fails("the backup is encrypted, and the file of the private key cannot be read: open /offsite/identity: no such file")
	other := regexp.MustCompile(`AGE-SECRET-KEY-\w+`).FindString(s.run(t, "run", "--rm", "-T", "offsite", "keygen"))
	s.write(t, "offsite/identity", other+"\n")
	fails("the private key in /offsite/identity is not the one for this backup")
	s.write(t, "offsite/identity", key)
	object := filepath.Join(b.folder, file+".tar.age")
	whole, err := os.ReadFile(object)
	require.NoError(t, err)
	damaged := slices.Clone(whole)
	damaged[len(damaged)-100] ^= 1
	require.NoError(t, os.WriteFile(object, damaged, 0o600))
	fails("the copy in the bucket is damaged: ")
	require.NoError(t, os.WriteFile(object, whole, 0o600))
	unmount := s.SmallDisk(t, filepath.Join(s.folder, "fetched"), "8k")
	defer unmount()
	s.on(t, filepath.Join(s.folder, "fetched"), fill)
	assert.Contains(t, s.fails(t, "run", "--rm", "fetch", file), "no space left on device")
	assert.Equal(t, "fill\n", s.on(t, filepath.Join(s.folder, "fetched"), "ls"))
	require.NoError(t, os.Remove(filepath.Join(s.folder, "offsite", "identity")))
}
