package config_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/internal/config"
)

const valid = "postgresql://u:hunter2@localhost/db"

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestDatabaseURLAloneIsEnoughForSingleTenantMode(t *testing.T) {
	c, err := config.Load(map[string]string{"DATABASE_URL": valid})
	require.NoError(t, err)
	assert.False(t, c.MultiTenant())
	assert.Equal(t, 9898, c.Port)
	assert.Equal(t, "http://localhost:9898", c.PublicURL.String())
	assert.Equal(t, 0, c.ProxyHops)
	assert.Equal(t, 5, c.Transactions)
}

func TestAFolderOfTenantsTrustsOneProxy(t *testing.T) {
	dir := filepath.Dir(write(t, "tenants.json", "[]"))
	c, err := config.Load(map[string]string{"DATABASE_URL": valid, "TENANTS_DIR": dir, "DEMO_TENANT": "acme"})
	require.NoError(t, err)
	assert.True(t, c.MultiTenant())
	assert.Equal(t, 1, c.ProxyHops)
}

func TestLoadReportsAllFaultsAtOnceWithoutSecrets(t *testing.T) {
	_, err := config.Load(map[string]string{
		"DATABASE_URL": "postgresql://u:hunter2@localhost:notaport/db", "PORT": "x", "PUBLIC_URL": "ftp://a/b", "DEMO_TENANT": "acme",
		"TRANSACTIONS": "0", "TENANT_POOLS": "-1", "DATABASE_POOL": "101", "PROXY_HOPS": "9", "LOG_LEVEL": "loud", "AGENTHQ_PORT": "1",
	})
	require.Error(t, err)
	for _, name := range []string{"DATABASE_URL", "PORT", "PUBLIC_URL", "DEMO_TENANT", "TRANSACTIONS", "TENANT_POOLS", "DATABASE_POOL", "PROXY_HOPS", "LOG_LEVEL", "AGENTHQ_PORT"} {
		assert.ErrorContains(t, err, name+": ")
	}
	assert.NotContains(t, err.Error(), "hunter2")
	_, err = config.Load(map[string]string{"DATABASE_URL": valid, "TENANTS_DIR": "/nowhere"})
	assert.EqualError(t, err, "TENANTS_DIR: the folder /nowhere has no readable tenants.json")
	_, err = config.Load(nil)
	assert.ErrorContains(t, err, "DATABASE_URL: is missing")
}

func TestASecretIsReadFromAFileWithoutTheSpaceAroundIt(t *testing.T) {
	c, err := config.Load(map[string]string{"DATABASE_URL_FILE": write(t, "url", "\n "+valid+"\r\n")})
	require.NoError(t, err)
	assert.Equal(t, valid, c.DatabaseURL)
}

func TestAFaultOfASecretsFileNamesTheVariableAndThePath(t *testing.T) {
	missing, empty, good, bad := filepath.Join(t.TempDir(), "none"), write(t, "empty", " \n"), write(t, "good", valid), write(t, "bad", "postgresql://u:hunter2@h:notaport/db")
	for _, c := range []struct{ file, value, want string }{
		{missing, "", "DATABASE_URL: DATABASE_URL_FILE names the file " + missing + ", which cannot be read: no such file or directory"},
		{empty, "", "DATABASE_URL: DATABASE_URL_FILE names the file " + empty + ", which is empty"},
		{filepath.Dir(good), "", "DATABASE_URL: DATABASE_URL_FILE names the file " + filepath.Dir(good) + ", which cannot be read: is a directory"},
		{good, valid, "DATABASE_URL: is set, and so is DATABASE_URL_FILE (" + good + "); set one of them"},
		{bad, "", "DATABASE_URL: the content of the file " + bad + " is not a connection string"},
	} {
		_, err := config.Load(map[string]string{"DATABASE_URL_FILE": c.file, "DATABASE_URL": c.value})
		require.Error(t, err, c.want)
		assert.Contains(t, err.Error(), c.want)
		assert.NotContains(t, err.Error(), "hunter2")
	}
	_, err := config.Load(map[string]string{"DATABASE_URL": valid, "PORT_FILE": good})
	assert.NoError(t, err, "the port is not secret, so PORT_FILE is not read")
}

func TestAVariableThatBeginsWithAGENTHQIsRefusedWithTheClosestName(t *testing.T) {
	for name, advice := range map[string]string{
		"AGENTHQ_PORT": "did you mean PORT?", "AGENTHQ_DATABSE_URL": "did you mean DATABASE_URL?", "AGENTHQ_DATABASE_URL_FILE": "did you mean DATABASE_URL_FILE?",
		"AGENTHQ_PUBLIC_URI": "did you mean PUBLIC_URL?", "AGENTHQ_COLOUR": "`agenthq config` lists all variables", "AGENTHQ_": "`agenthq config` lists all variables",
	} {
		_, err := config.Load(map[string]string{"DATABASE_URL": valid, name: "value"})
		require.Error(t, err, name)
		assert.Contains(t, err.Error(), name+": there is no such variable; ")
		assert.Contains(t, err.Error(), advice)
	}
}

func TestVariablesThatKubernetesSetsForAServiceAreNotRefused(t *testing.T) {
	_, err := config.Load(map[string]string{
		"DATABASE_URL": valid, "AGENTHQ_PORT": "tcp://10.0.0.7:80", "AGENTHQ_SERVICE_HOST": "10.0.0.7", "AGENTHQ_SERVICE_PORT": "80", "AGENTHQ_DB_SERVICE_PORT_HTTP": "80",
		"AGENTHQ_PORT_80_TCP": "tcp://10.0.0.7:80", "AGENTHQ_PORT_80_TCP_PROTO": "tcp", "AGENTHQ_PORT_80_TCP_PORT": "80", "AGENTHQ_PORT_80_TCP_ADDR": "10.0.0.7",
	})
	assert.NoError(t, err)
}

func TestPublicURLIsSchemeHostAndPort(t *testing.T) {
	for address, want := range map[string]string{
		"https://localhost": "https://localhost", "https://example.com:8443": "https://example.com:8443", "https://example.com/": "https://example.com", "http://[::1]:80": "http://[::1]:80",
		"https://example.com/app": "", "https://:8443": "", "example.com": "", "https://u:p@example.com": "", "https://example.com?x": "", "https://example.com#x": "", "ftp://example.com": "",
	} {
		c, err := config.Load(map[string]string{"DATABASE_URL": valid, "PUBLIC_URL": address})
		if want == "" {
			assert.ErrorContains(t, err, "PUBLIC_URL: ", address)
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, want, c.PublicURL.String())
	}
}

func TestPrintShowsEffectiveValuesAndNoSecret(t *testing.T) {
	file := write(t, "url", valid)
	c, err := config.Load(map[string]string{"DATABASE_URL_FILE": file, "PORT": "8080"})
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, c.Print(&out))
	for _, line := range []string{`DATABASE_URL +set +` + file, `PORT +8080 +environment`, `PUBLIC_URL +http://localhost:8080 +default`, `DEMO_TENANT +not set +default`, `LOG_LEVEL +info +default`} {
		assert.Regexp(t, `(?m)^`+line+`$`, out.String())
	}
	assert.NotContains(t, out.String(), "hunter2")
	assert.NotContains(t, out.String(), "S3_", "the app does not read the settings of the copies of backups")
}

func TestATokenOfWebAnalyticsIsCheckedAndNeedsTenants(t *testing.T) {
	const token = "0123456789abcdef0123456789abcdef"
	dir := filepath.Dir(write(t, "tenants.json", "[]"))
	for _, c := range []struct{ token, dir, want string }{
		{"0123", dir, `WEB_ANALYTICS_TOKEN: "0123" is not a token of 32 hexadecimal digits`},
		{token + `"}'>`, dir, "is not a token of 32 hexadecimal digits"},
		{token, "", "WEB_ANALYTICS_TOKEN: has no effect without TENANTS_DIR"},
	} {
		_, err := config.Load(map[string]string{"DATABASE_URL": valid, "TENANTS_DIR": c.dir, "WEB_ANALYTICS_TOKEN": c.token})
		assert.ErrorContains(t, err, c.want)
	}
	loaded, err := config.Load(map[string]string{"DATABASE_URL": valid, "TENANTS_DIR": dir, "WEB_ANALYTICS_TOKEN": token})
	require.NoError(t, err)
	assert.Equal(t, token, loaded.WebAnalyticsToken)
	none, err := config.Load(map[string]string{"DATABASE_URL": valid})
	require.NoError(t, err)
	assert.Empty(t, none.WebAnalyticsToken, "off by default")
}
