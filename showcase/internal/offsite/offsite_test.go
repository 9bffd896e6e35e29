package offsite_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/internal/config"
	"github.com/genericcorp/platform/showcase/internal/offsite"
)

const (
	first  = "20261130T020000Z.dump"
	second = "20261201T020000Z.dump"
)

// writeBackup writes the files of a backup, with random bytes as the dump.
func writeBackup(t *testing.T, folder, name string, size int) []byte {
	t.Helper()
	dump := make([]byte, size)
	_, err := rand.Read(dump)
	require.NoError(t, err)
	sum := sha256.Sum256(dump)
	for suffix, data := range map[string]string{"": string(dump), ".sha256": hex.EncodeToString(sum[:]) + "  " + name + "\n", ".digests": "end\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name+suffix), []byte(data), 0o600))
	}
	return dump
}

// key writes a new private key to a file, and returns its path and the public key.
func key(t *testing.T) (file, public string) {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, offsite.Keygen(&out))
	file = filepath.Join(t.TempDir(), "identity")
	require.NoError(t, os.WriteFile(file, out.Bytes(), 0o600))
	return file, regexp.MustCompile(`age1\w+`).FindString(out.String())
}

// environment returns the variables of a server that uses the service.
func (s service) environment(t *testing.T, folder string) map[string]string {
	t.Helper()
	identity, public := key(t)
	return map[string]string{
		"BACKUPS_DIR": folder, "S3_ENDPOINT": s.endpoint, "S3_BUCKET": "backups", "S3_ACCESS_KEY": "key-id", "S3_SECRET_KEY": "key-secret",
		"AGE_RECIPIENTS": public, "AGE_IDENTITY_FILE": identity,
	}
}

// store returns a store, and what it has written. changes are pairs of a variable and its value.
func store(t *testing.T, env map[string]string, changes ...string) (*offsite.Store, *bytes.Buffer) {
	t.Helper()
	changed := map[string]string{}
	for name, value := range env {
		changed[name] = value
	}
	for i := 0; i < len(changes); i += 2 {
		changed[changes[i]] = changes[i+1]
	}
	c, err := config.LoadOffsite(changed)
	require.NoError(t, err)
	var out bytes.Buffer
	s, err := offsite.New(c, &out)
	require.NoError(t, err)
	return s, &out
}

func TestUploadCopiesEachCompleteBackupOnceAndFetchReturnsIt(t *testing.T) {
	for name, recipients := range map[string]string{".tar.age": "", ".tar": "none"} {
		service, folder := startS3(t), t.TempDir()
		env := service.environment(t, folder)
		if recipients != "" {
			env["AGE_RECIPIENTS"] = recipients
		}
		env["S3_PREFIX"] = "hq/"
		// The second one is uploaded in parts of 16 MiB.
		dumps := map[string][]byte{first: writeBackup(t, folder, first, 100_000), second: writeBackup(t, folder, second, 20_000_000)}
		writeBackup(t, folder, "20261202T020000Z.dump", 10)
		require.NoError(t, os.Remove(filepath.Join(folder, "20261202T020000Z.dump.sha256")), "it is not complete")
		writeBackup(t, folder, "acme-20261130T020000Z.dump", 10)

		s, out := store(t, env)
		require.NoError(t, s.Upload(context.Background()))
		assert.Equal(t, 2, strings.Count(out.String(), "was copied to the bucket backups"), out)
		require.NoError(t, s.Check(context.Background()))
		out.Reset()
		require.NoError(t, s.Upload(context.Background()))
		assert.Empty(t, out.String(), "it says so once")
		s, out = store(t, env)
		require.NoError(t, s.Upload(context.Background()))
		assert.Equal(t, 2, strings.Count(out.String(), "is in the bucket backups already"), out)
		objects, err := filepath.Glob(filepath.Join(service.bucket, "hq", "*"))
		require.NoError(t, err)
		assert.Equal(t, []string{filepath.Join(service.bucket, "hq", first+name), filepath.Join(service.bucket, "hq", second+name)}, objects)

		fetched := t.TempDir()
		s, out = store(t, env, "BACKUPS_DIR", fetched)
		require.NoError(t, s.List(context.Background()))
		assert.Regexp(t, "^"+second+" .*\n"+first+" ", out.String())
		for dump, want := range dumps {
			require.NoError(t, s.Fetch(context.Background(), dump))
			got, err := os.ReadFile(filepath.Join(fetched, dump))
			require.NoError(t, err)
			assert.True(t, bytes.Equal(want, got))
			for _, suffix := range []string{"", ".sha256", ".digests"} {
				info, err := os.Stat(filepath.Join(fetched, dump+suffix))
				require.NoError(t, err)
				assert.Equal(t, os.FileMode(0o600), info.Mode())
			}
		}
		assert.ErrorContains(t, s.Fetch(context.Background(), first), first+".sha256 is in the folder of the backups already; move it away first")
		assert.ErrorContains(t, s.Fetch(context.Background(), "../x.dump"), "the bucket backups has no backup x.dump; it has: "+second)
	}
}

func TestTheBucketHasNoPlainTextOfAnEncryptedBackup(t *testing.T) {
	service, folder := startS3(t), t.TempDir()
	dump := writeBackup(t, folder, first, 5000)
	s, _ := store(t, service.environment(t, folder))
	require.NoError(t, s.Upload(context.Background()))
	data, err := os.ReadFile(filepath.Join(service.bucket, first+".tar.age"))
	require.NoError(t, err)
	assert.True(t, bytes.HasPrefix(data, []byte("age-encryption.org/v1\n")))
	assert.NotContains(t, string(data), string(dump[:32]))
	assert.NotContains(t, string(data), first)
}

func TestASmallerCopyIsReplaced(t *testing.T) {
	service, folder := startS3(t), t.TempDir()
	env := service.environment(t, folder)
	writeBackup(t, folder, first, 5000)
	s, out := store(t, env)
	require.NoError(t, s.Upload(context.Background()))
	object := filepath.Join(service.bucket, first+".tar.age")
	before, err := os.Stat(object)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(object, 100))
	require.NoError(t, s.Upload(context.Background()))
	assert.Contains(t, out.String(), "has 100 bytes in the bucket, and should have")
	after, err := os.Stat(object)
	require.NoError(t, err)
	assert.Equal(t, before.Size(), after.Size())
}

func TestTheBackupOfAnotherServerIsNotReplaced(t *testing.T) {
	service, folder := startS3(t), t.TempDir()
	env := service.environment(t, folder)
	writeBackup(t, folder, first, 5000)
	s, _ := store(t, env)
	require.NoError(t, s.Upload(context.Background()))
	before, err := os.ReadFile(filepath.Join(service.bucket, first+".tar.age"))
	require.NoError(t, err)
	writeBackup(t, folder, first, 5000)
	s, _ = store(t, env)
	assert.ErrorContains(t, s.Upload(context.Background()), "the bucket has another backup of this name; set S3_PREFIX")
	after, err := os.ReadFile(filepath.Join(service.bucket, first+".tar.age"))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(before, after))
}

func TestADamagedBackupIsNotCopiedAndTheNextOneIs(t *testing.T) {
	service, folder := startS3(t), t.TempDir()
	env := service.environment(t, folder)
	dump := writeBackup(t, folder, first, 20_000_000)
	writeBackup(t, folder, second, 5000)
	dump[len(dump)-1] ^= 1
	require.NoError(t, os.WriteFile(filepath.Join(folder, first), dump, 0o600))
	s, out := store(t, env)
	assert.ErrorContains(t, s.Upload(context.Background()), first+" in the folder of the backups is damaged: its SHA-256 differs")
	assert.Contains(t, out.String(), second+".tar.age")
	assert.NoFileExists(t, filepath.Join(service.bucket, first+".tar.age"))
}

func TestCheckMissesACopyOfABackupThatIsOlderThanAnHour(t *testing.T) {
	service, folder := startS3(t), t.TempDir()
	writeBackup(t, folder, first, 5000)
	s, _ := store(t, service.environment(t, folder))
	assert.NoError(t, s.Check(context.Background()))
	out, err := exec.Command("touch", "-d", "2 hours ago", filepath.Join(folder, first)).CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.EqualError(t, s.Check(context.Background()), "the bucket backups has no complete copy of "+first)
	require.NoError(t, s.Upload(context.Background()))
	assert.NoError(t, s.Check(context.Background()))
}

func TestTarUnpacksACopyWithoutThisProgram(t *testing.T) {
	service, folder := startS3(t), t.TempDir()
	dump := writeBackup(t, folder, first, 100_000)
	s, _ := store(t, service.environment(t, folder), "AGE_RECIPIENTS", "none")
	require.NoError(t, s.Upload(context.Background()))
	target := t.TempDir()
	out, err := exec.Command("tar", "-xf", filepath.Join(service.bucket, first+".tar"), "-C", target).CombinedOutput()
	require.NoError(t, err, "%s", out)
	check := exec.Command("sha256sum", "-c", "--status", first+".sha256")
	check.Dir = target
	require.NoError(t, check.Run())
	got, err := os.ReadFile(filepath.Join(target, first))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(dump, got))
}
