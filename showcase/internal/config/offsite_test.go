package config_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/internal/config"
)

const recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"

func offsite(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{
		"BACKUPS_DIR": t.TempDir(), "S3_ENDPOINT": "https://s3.example.com/", "S3_BUCKET": "my-backups", "AGE_RECIPIENTS": recipient,
		"S3_ACCESS_KEY_FILE": write(t, "access", "id\n"), "S3_SECRET_KEY_FILE": write(t, "secret", "hunter2\n"),
	}
}

func TestLoadOffsiteNeedsNoDatabase(t *testing.T) {
	env := offsite(t)
	c, err := config.LoadOffsite(env)
	require.NoError(t, err)
	assert.Equal(t, "s3.example.com", c.Endpoint.Host)
	assert.Equal(t, "id", c.AccessKey)
	assert.Equal(t, "hunter2", c.SecretKey)
	assert.Len(t, c.Recipients, 1)
	env["AGE_RECIPIENTS"] = recipient + "\n " + recipient
	c, err = config.LoadOffsite(env)
	require.NoError(t, err)
	assert.Len(t, c.Recipients, 2)
	env["AGE_RECIPIENTS"] = "none"
	c, err = config.LoadOffsite(env)
	require.NoError(t, err)
	assert.Empty(t, c.Recipients)
}

func TestLoadOffsiteReportsAllFaultsAtOnceWithoutSecrets(t *testing.T) {
	_, err := config.LoadOffsite(map[string]string{"BACKUPS_DIR": "/nowhere"})
	require.Error(t, err)
	for _, fault := range []string{
		"BACKUPS_DIR: there is no folder /nowhere", "S3_ENDPOINT: is missing", "S3_BUCKET: is missing", "AGE_RECIPIENTS: is missing",
		"S3_ACCESS_KEY: is missing; set it, or set S3_ACCESS_KEY_FILE", "S3_SECRET_KEY: is missing; set it, or set S3_SECRET_KEY_FILE",
	} {
		assert.ErrorContains(t, err, fault)
	}
	for variable, values := range map[string][]string{
		"S3_ENDPOINT": {"s3.example.com", "ftp://a", "https://id:hunter2@s3.example.com", "https://s3.example.com/my-backups"}, "S3_BUCKET": {"A", "a/b"},
		"S3_REGION": {"eu central"}, "S3_PREFIX": {"hq", "/hq/"},
		"AGE_RECIPIENTS": {"age1x", "AGE-SECRET-KEY-1HUNTER2", recipient + " age-secret-key-1hunter2"},
	} {
		for _, value := range values {
			env := offsite(t)
			env[variable] = value
			_, err := config.LoadOffsite(env)
			require.ErrorContains(t, err, variable+": ", value)
			assert.NotContains(t, err.Error(), "unter2")
			assert.NotContains(t, err.Error(), "HUNTER2")
		}
	}
}
