package tenancy_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// A migration may change the settings of its owner, and a run that was killed leaves the
// owner's login open. Without a correction, both would affect every later archive.
func TestDriftOfAnOwnerIsUndone(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		declared := named("acme")
		b.must(t, declared)
		b.migrate(t, "acme", "ALTER ROLE owner_acme SET statement_timeout = '1ms'", "ALTER ROLE owner_acme IN DATABASE app SET search_path = public")
		admin := postgrestest.Connect(t, b.URL(postgrestest.Admin))
		run(t, admin, "ALTER ROLE owner_acme LOGIN PASSWORD 'known'")
		session := postgrestest.Connect(t, strings.Replace(b.URL(postgrestest.Admin), postgrestest.Admin+":only-for-tests", "owner_acme:known", 1))
		changes := strings.Join(b.must(t, declared), "\n")
		assert.Contains(t, changes, "ALTER ROLE owner_acme RESET ALL")
		assert.Contains(t, changes, "ALTER ROLE owner_acme IN DATABASE app RESET ALL")
		assert.Contains(t, changes, "end 1 sessions of owner_acme")
		require.Error(t, session.Ping(t.Context()))
		assert.Equal(t, "f none", ask[string](t, b.Superuser(t, postgrestest.Database),
			"SELECT concat_ws(' ', rolcanlogin::text::char, coalesce(rolpassword, 'none')) FROM pg_authid WHERE rolname = 'owner_acme' AND NOT EXISTS (SELECT FROM pg_db_role_setting WHERE setrole = pg_authid.oid)"))
		assert.Empty(t, b.must(t, declared))
	})
}

// In libpq's password file a colon separates fields, so colons and backslashes are escaped.
func TestAdministratorsPasswordMayHaveAnyCharacter(t *testing.T) {
	t.Parallel()
	passwords, err := tenancy.Passwords(`postgresql://doadmin:a%3Ab%5Cc@db:25060/app`, seed, nil)
	require.NoError(t, err)
	assert.Equal(t, "*:*:*:doadmin:a\\:b\\\\c\n", passwords)
	environment, err := tenancy.Environment(`postgresql://doadmin:hunter2@db:25060/app`)
	require.NoError(t, err)
	for name, value := range environment {
		assert.NotContains(t, value, "hunter2", name)
	}
}

// With the same password, a tenant could log in as its owner while it is archived.
func TestOwnersPasswordDiffersFromItsTenants(t *testing.T) {
	t.Parallel()
	tenant := tenants(settings.Tenant{Name: "acme", State: settings.Archived})
	passwords, err := tenancy.Passwords("postgresql://doadmin:hunter2@db:25060/app", seed, tenant)
	require.NoError(t, err)
	_, owners, found := strings.Cut(strings.TrimSpace(passwords), "*:*:*:owner_acme:")
	require.True(t, found)
	assert.Len(t, owners, 32)
	assert.NotEqual(t, tenancy.Password(seed, tenant[0]), owners)
	verifiers, err := tenancy.Verifiers(seed, tenant)
	require.NoError(t, err)
	salts := map[string]bool{}
	for line := range strings.Lines(verifiers) {
		salts[strings.Split(line, "$")[1]] = true
	}
	assert.Len(t, salts, 2, "equal salts would show that two passwords are equal")
}
