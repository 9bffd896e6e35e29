package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSplitPrintsAScriptForPsql(t *testing.T) {
	var out, problems bytes.Buffer
	code := run([]string{"-tables", "customers,orders", "-tenants", "1=acme,2=beta"}, &out, &problems)
	assert.Zero(t, code)
	assert.Empty(t, problems.String())
	assert.Contains(t, out.String(), "INSERT INTO wanted_tenants VALUES ('1', 'tenant_acme'), ('2', 'tenant_beta');")
}

func TestFaultyArgumentsPrintNothingToRun(t *testing.T) {
	for _, args := range [][]string{{}, {"-tables", "a", "-tenants", "1=www"}, {"-unknown"}} {
		var out, problems bytes.Buffer
		assert.Equal(t, exitUsage, run(args, &out, &problems), args)
		assert.Empty(t, out.String())
		assert.NotEmpty(t, problems.String())
	}
}
