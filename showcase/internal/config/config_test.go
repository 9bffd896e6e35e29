package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/internal/config"
)

func load(env map[string]string) (config.Config, error) {
	return config.Load(func(name string) string { return env[name] })
}

func TestDatabaseURLAloneIsEnoughForSingleTenantMode(t *testing.T) {
	c, err := load(map[string]string{"DATABASE_URL": "postgresql://u:p@localhost/db"})
	require.NoError(t, err)
	assert.False(t, c.MultiTenant())
	assert.Equal(t, 9898, c.Port)
	assert.Equal(t, "http://localhost:9898", c.PublicURL.String())
	assert.Equal(t, 0, c.ProxyHops)
	assert.Equal(t, 5, c.Transactions)
}

func TestAFolderOfTenantsTrustsOneProxy(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tenants.json"), []byte("[]"), 0o600))
	c, err := load(map[string]string{"DATABASE_URL": "postgresql://u:p@localhost/db", "TENANTS_DIR": dir})
	require.NoError(t, err)
	assert.True(t, c.MultiTenant())
	assert.Equal(t, 1, c.ProxyHops)
}

func TestLoadReportsAllFaultsAtOnceWithoutSecrets(t *testing.T) {
	_, err := load(map[string]string{
		"DATABASE_URL": "postgresql://u:hunter2@localhost:notaport/db", "PORT": "x", "PUBLIC_URL": "ftp://a/b",
		"TENANTS_DIR": "/nowhere", "TRANSACTIONS": "0", "TENANT_POOLS": "-1", "DATABASE_POOL": "101", "PROXY_HOPS": "9", "LOG_LEVEL": "loud",
	})
	require.Error(t, err)
	for _, name := range []string{"DATABASE_URL", "PORT", "PUBLIC_URL", "TENANTS_DIR", "TRANSACTIONS", "TENANT_POOLS", "DATABASE_POOL", "PROXY_HOPS", "LOG_LEVEL"} {
		assert.ErrorContains(t, err, name+":")
	}
	assert.NotContains(t, err.Error(), "hunter2")
}

func TestLoadReportsAMissingDatabaseURL(t *testing.T) {
	_, err := load(nil)
	assert.ErrorContains(t, err, "DATABASE_URL: is missing")
}
