package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSplitPrintsTheSQLForTablesAndTenants(t *testing.T) {
	status, out, errs := ops(t, "split", "--tables", "customers,orders", "--tenants", "1=acme,2=beta")
	assert.Equal(t, exitDone, status)
	assert.Empty(t, errs)
	assert.Contains(t, out, "INSERT INTO wanted_tenants VALUES (0, '1', 'tenant_acme', 'owner_acme'), (1, '2', 'tenant_beta', 'owner_beta');")
}

func TestSplitPrintsDifferentSQLForEachStep(t *testing.T) {
	flags := []string{"split", "--tables", "customers", "--through", "orders.customer_id", "--shared", "countries", "--leave-out", "overview", "--tenants", "1=acme"}
	scripts := map[string]bool{}
	for _, step := range [][]string{nil, {"--verify"}, {"--rollback"}} {
		status, out, errs := ops(t, append(flags, step...)...)
		assert.Equal(t, exitDone, status, errs)
		assert.Contains(t, out, "(0, 'countries', 'shared', NULL), (1, 'customers', 'keyed', NULL), (2, 'orders', 'through', 'customer_id')")
		assert.Contains(t, out, "INSERT INTO left_out VALUES ('overview');")
		scripts[out] = true
	}
	assert.Len(t, scripts, 3)
}

func TestSplitWithFaultyInputPrintsNoSQLAndExitsWith2(t *testing.T) {
	for _, args := range [][]string{
		{}, {"--tables", "a", "--tenants", "1=www"}, {"--unknown"}, {"customers"},
		{"--tables", "a", "--tenants", "1=acme", "--through", "orders"}, {"--tables", "a", "--tenants", "1=acme", "--shared", "a"},
		{"--tables", "a", "--tenants", "1=acme", "--verify", "--rollback"},
	} {
		status, out, errs := ops(t, append([]string{"split"}, args...)...)
		assert.Equal(t, exitUsage, status, args)
		assert.Empty(t, out)
		assert.NotEmpty(t, errs)
	}
}
