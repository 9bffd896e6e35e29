package main

import (
	"encoding/csv"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// database starts a PostgreSQL with the tables of the usage, and sets the variables of libpq for a
// role. It returns a function that runs a statement as the administrator.
func database(t *testing.T, role string) (sql func(statement string)) {
	t.Helper()
	server := postgrestest.Start(t, 0)
	u, err := url.Parse(server.URL(role))
	require.NoError(t, err)
	password, _ := u.User.Password()
	for name, value := range map[string]string{
		"PGHOST": u.Hostname(), "PGPORT": u.Port(), "PGUSER": role, "PGPASSWORD": password, "PGDATABASE": postgrestest.Database,
		"PGSSLMODE": "verify-full", "PGSSLROOTCERT": server.CA,
	} {
		t.Setenv(name, value)
	}
	admin := postgrestest.Connect(t, server.URL(postgrestest.Admin))
	return func(statement string) {
		_, err := admin.Exec(t.Context(), statement)
		require.NoError(t, err, statement)
	}
}

// counted creates the tables as the reconcile Job does, with two days of November 2025.
func counted(sql func(string)) {
	sql("CREATE SCHEMA platform")
	sql(tenancy.Files(nil, postgrestest.App, 1)["usage.sql"])
	sql("UPDATE platform.usage_days SET day = '2025-10-31'")
	sql("INSERT INTO platform.usage_days (day, measured) VALUES ('2025-11-01', true), ('2025-11-02', true)")
	sql(`INSERT INTO platform.usage (tenant, day, requests, errors, bytes, p95, storage, rows, logins) VALUES
		('acme', '2025-11-01', 100, 1, 5000, 0.1, 1048576, 10, 3), ('acme', '2025-11-02', 200, 0, 10000, 0.4, 3145728, 20, null),
		('=cmd|'' /C calc''!A0', '2025-11-01', 0, 0, 0, null, 2097152, 0, 0)`)
	sql("INSERT INTO platform.usage (tenant, day, requests, errors, bytes, logins) VALUES ('(purged)', '2025-11-01', 100, 0, 100, 7)")
}

func TestUsagePrintsAMonthFromTheDatabase(t *testing.T) {
	checkout(t, "s-2vcpu-4gb")
	stackFile(t, "priced", "fixedUsd: 2000\n", "fixedUsd: 2000\n      tierUsd: {starter: 49}\n    tenants: [{name: acme}]\n")
	counted(database(t, postgrestest.Admin))

	status, out, errs := ops(t, "usage", "--stack", "priced", "--month", "2025-11")
	require.Equal(t, exitDone, status, errs)
	assert.Contains(t, out, "Usage of priced in November 2025 (UTC)")
	assert.Contains(t, out, "2 of 30 days are counted.")
	assert.Regexp(t, `acme +starter +300 +1 +300 ms +15 KiB +20 +2048 KiB +3 +2 +\$47\.\d\d +\$49\.00 +\$1\.\d\d`, out)
	assert.Regexp(t, `\(purged\) +- +100 +0 +- +0 KiB +- +- +7 +- +\$9\.5\d +unknown`, out)
	assert.Regexp(t, `TOTAL +- +400 +1 .* \$76\.15 `, out)

	status, out, errs = ops(t, "usage", "-stack", "priced", "-month", "2025-11", "-format", "csv")
	require.Equal(t, exitDone, status, errs)
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 4)
	assert.Equal(t, "'=cmd|' /C calc'!A0", rows[2][0], "a spreadsheet must not run it")
	assert.Equal(t, "acme", rows[3][0])
}

func TestUsageOfAMonthWithoutDataNamesTheDaysThatAreCounted(t *testing.T) {
	checkout(t, "s-2vcpu-4gb")
	sql := database(t, postgrestest.Admin)
	fails := func(want string, args ...string) {
		t.Helper()
		status, out, errs := ops(t, append([]string{"usage", "--stack", "prod"}, args...)...)
		assert.Equal(t, exitFailed, status, errs)
		assert.Empty(t, out)
		assert.Contains(t, errs, want)
	}
	fails("the database app has no usage: no update with this version has run yet, or it is not the stack's database")
	sql("CREATE SCHEMA platform")
	sql(tenancy.Files(nil, postgrestest.App, 1)["usage.sql"])
	fails("no day is counted yet: the first one is the day after the update")
	sql("DROP SCHEMA platform, platform_usage CASCADE")
	counted(sql)
	fails("no day of 2025-10 is counted; the counted days are 2025-11-01 to 2025-11-02", "--month", "2025-10")
	fails("no day of "+time.Now().UTC().Format("2006-01")+" is counted", "--format", "json")
}

func TestUsageNamesAllFaultsOfItsInputAtOnce(t *testing.T) {
	checkout(t, "s-2vcpu-4gb")
	stackFile(t, "faulty", "concurrentUsers: 100", "concurrentUsers: -1")
	t.Setenv(envHost, "")
	status, out, errs := ops(t, "usage", "--stack", "faulty", "--month", "11/2026", "--format", "pdf")
	assert.Equal(t, exitUsage, status)
	assert.Empty(t, out)
	for _, want := range []string{`--format "pdf" is not one of table, csv, json`, `--month "11/2026" is not a month such as `, "PGHOST is not set; docs/operations.md", "settings.capacity.concurrentUsers"} {
		assert.Contains(t, errs, want)
	}
	status, _, errs = ops(t, "usage", "--month", "9999-01")
	assert.Equal(t, exitUsage, status)
	assert.Contains(t, errs, "--month 9999-01 has not begun")
	assert.Contains(t, errs, "--stack is missing")
}

func TestUsageNeedsTheAdministratorAndPrintsNoPassword(t *testing.T) {
	checkout(t, "s-2vcpu-4gb")
	counted(database(t, postgrestest.App))
	status, _, errs := ops(t, "usage", "--stack", "prod", "--month", "2025-11")
	assert.Equal(t, exitFailed, status)
	assert.Contains(t, errs, "the role app may not read the usage (permission denied for schema platform); connect as the administrator")

	t.Setenv("PGPASSWORD", "canary-of-a-secret")
	status, _, errs = ops(t, "usage", "--stack", "prod", "--month", "2025-11")
	assert.Equal(t, exitFailed, status)
	assert.Contains(t, errs, "password authentication failed")
	assert.NotContains(t, errs, "canary")
}

func TestUsageHelpNamesTheVariablesOfTheConnection(t *testing.T) {
	status, out, _ := ops(t, "usage", "--help")
	assert.Equal(t, exitDone, status)
	for _, expected := range []string{"PGHOST", "PGSSLROOTCERT", "--month", "--format", "Exit status: 0 done"} {
		assert.Contains(t, out, expected)
	}
}
