package offsite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/postgrestest"
)

func TestErrorsOfTheServiceSayWhatToDo(t *testing.T) {
	service, folder := startS3(t), t.TempDir()
	env := service.environment(t, folder)
	writeBackup(t, folder, first, 5000)
	nothing := fmt.Sprintf("http://127.0.0.1:%d", postgrestest.FreePort(t))
	for _, c := range []struct{ name, value, want string }{
		{"S3_ACCESS_KEY", "other", service.endpoint + " refuses the access key; correct S3_ACCESS_KEY and S3_SECRET_KEY"},
		{"S3_SECRET_KEY", "other-secret", service.endpoint + " refuses the access key; correct S3_ACCESS_KEY and S3_SECRET_KEY"},
		{"S3_BUCKET", "other", service.endpoint + " has no bucket other; create it, or set S3_BUCKET"},
		{"S3_REGION", "eu-central-1", "the bucket is in another region; set S3_REGION and S3_ENDPOINT"},
		{"S3_ENDPOINT", nothing, nothing + " cannot be reached; check S3_ENDPOINT and the network"},
	} {
		s, out := store(t, env, c.name, c.value)
		for _, err := range []error{s.Upload(context.Background()), s.Fetch(context.Background(), first), s.Check(context.Background())} {
			require.ErrorContains(t, err, c.want)
			assert.NotContains(t, err.Error(), "other-secret")
			assert.NotContains(t, err.Error(), "key-secret")
		}
		assert.Empty(t, out.String())
	}
	s, _ := store(t, env, "BACKUPS_DIR", t.TempDir())
	assert.ErrorContains(t, s.Upload(context.Background()), "has no complete backup; make one first: docker compose run --rm backup")
}

// Each fetch fails, and leaves nothing in the folder.
func TestFetchRefusesAWrongKeyAndADamagedCopy(t *testing.T) {
	service, folder := startS3(t), t.TempDir()
	env := service.environment(t, folder)
	writeBackup(t, folder, first, 200_000)
	for _, recipients := range []string{env["AGE_RECIPIENTS"], "none"} {
		s, _ := store(t, env, "AGE_RECIPIENTS", recipients)
		require.NoError(t, s.Upload(context.Background()))
	}
	env["BACKUPS_DIR"] = t.TempDir()
	fails := func(want string, changes ...string) {
		t.Helper()
		s, out := store(t, env, changes...)
		assert.ErrorContains(t, s.Fetch(context.Background(), first), want)
		assert.Empty(t, out.String())
		files, err := os.ReadDir(env["BACKUPS_DIR"])
		require.NoError(t, err)
		assert.Empty(t, files)
	}
	other, _ := key(t)
	empty := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	fails("the private key in "+other+" is not the one for this backup", "AGE_IDENTITY_FILE", other)
	fails("the file "+empty+" has no private key of age", "AGE_IDENTITY_FILE", empty)
	fails("the file of the private key cannot be read: open /nowhere: no such file", "AGE_IDENTITY_FILE", "/nowhere")
	fails("the backup is encrypted; set AGE_IDENTITY_FILE", "AGE_IDENTITY_FILE", "")
	for _, suffix := range []string{".tar.age", ".tar"} {
		object := filepath.Join(service.bucket, first+suffix)
		whole, err := os.ReadFile(object)
		require.NoError(t, err)
		for _, damage := range []func([]byte) []byte{
			func(d []byte) []byte { d[len(d)/2] ^= 1; return d },
			func(d []byte) []byte { d[10] ^= 1; return d },
			func(d []byte) []byte { return d[:len(d)/2] },
			func([]byte) []byte { return nil },
		} {
			require.NoError(t, os.WriteFile(object, damage(append([]byte{}, whole...)), 0o600))
			fails("the copy in the bucket is damaged: ")
		}
		require.NoError(t, os.Remove(object))
	}
	fails("the bucket backups has no backup " + first)
}
