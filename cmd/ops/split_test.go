package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSplitPrintsAScriptForPsql(t *testing.T) {
	status, out, errs := ops(t, "split", "--tables", "customers,orders", "--tenants", "1=acme,2=beta")
	assert.Equal(t, exitDone, status)
	assert.Empty(t, errs)
	assert.Contains(t, out, "INSERT INTO wanted_tenants VALUES ('1', 'tenant_acme'), ('2', 'tenant_beta');")
}

func TestSplitWithFaultyInputPrintsNoSQLAndExitsWith2(t *testing.T) {
	for _, args := range [][]string{{}, {"--tables", "a", "--tenants", "1=www"}, {"--unknown"}, {"customers"}} {
		status, out, errs := ops(t, append([]string{"split"}, args...)...)
		assert.Equal(t, exitUsage, status, args)
		assert.Empty(t, out)
		assert.NotEmpty(t, errs)
	}
}
