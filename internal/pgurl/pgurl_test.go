package pgurl_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/pgurl"
)

func TestParseReturnsEveryComponentAndStringReturnsTheSameText(t *testing.T) {
	for text, want := range map[string]pgurl.URL{
		"postgresql://app:p%40ss@db.internal:25060/app?sslmode=require": {Host: "db.internal", Port: 25060, Database: "app", User: "app", Password: "p@ss"},
		"postgresql://app:x@[fd00::1]:5432/a%20b":                       {Host: "fd00::1", Port: 5432, Database: "a b", User: "app", Password: "x"},
	} {
		got, err := pgurl.Parse(text)
		require.NoError(t, err, text)
		assert.Equal(t, text, got.String())
		got.Parameters = nil
		assert.Equal(t, want, got, text)
	}
}

func TestParseWithoutAPortReturns5432(t *testing.T) {
	u, err := pgurl.Parse("postgres://app:x@db/app")
	require.NoError(t, err)
	assert.Equal(t, "postgresql://app:x@db:5432/app", u.String())
}

func TestParseErrorsForFaultyTextDoNotContainThePassword(t *testing.T) {
	for _, text := range []string{
		"", "app", "mysql://app:hunter2@db/app", "postgresql://db/app", "postgresql://:hunter2@db/app", "postgresql://app:hunter2@/app",
		"postgresql://app:hunter2@db", "postgresql://app:hunter2@db/", "postgresql://app:hunter2@db:x/app", "postgresql://app:hunter2@db:70000/app",
		"postgresql://app:hunter2@db:0/app", "postgresql://app:hun%ter2@db/app",
	} {
		_, err := pgurl.Parse(text)
		require.Error(t, err, text)
		assert.NotContains(t, err.Error(), "hun", text)
	}
}

func TestVerifiedReplacesTheParametersThatDisableTheCheckOfTheServer(t *testing.T) {
	u, err := pgurl.Parse("postgresql://app:x@db/app?sslmode=disable&sslrootcert=/tmp/x&connect_timeout=5")
	require.NoError(t, err)
	assert.Equal(t, "postgresql://app:x@db:5432/app?connect_timeout=5&sslmode=verify-full&sslrootcert=%2Fetc%2Fpostgres%2Fca.crt", u.Verified().String())
	assert.Equal(t, "disable", u.Parameters.Get("sslmode"), "Verified must not change its receiver")
}

func TestEnvironmentHasNoPassword(t *testing.T) {
	u, err := pgurl.Parse("postgresql://app:hunter2@db:25060/app?sslmode=require")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{
		"PGHOST": "db", "PGPORT": "25060", "PGDATABASE": "app", "PGUSER": "app", "PGSSLMODE": "require", "PGSSLROOTCERT": "",
	}, u.Environment())
}
