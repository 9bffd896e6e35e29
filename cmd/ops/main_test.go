package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestOpsAcceptsFlagsWithOneDash(t *testing.T) {
	status, out, errs := ops(t, "split", "-tables", "customers,orders", "-column=tenant_id", "-tenants", "1=acme,2=beta")
	assert.Equal(t, exitDone, status, errs)
	assert.Contains(t, out, "'tenant_acme'")
}

func TestOpsExitsWith2AndNamesTheHelpForAnUnknownSubcommandOrFlag(t *testing.T) {
	for _, args := range [][]string{{"nosuch"}, {"--nosuch"}, {"prices", "--nosuch"}, {"prices", "s-2vcpu-4gb"}} {
		status, _, errs := ops(t, args...)
		assert.Equal(t, exitUsage, status, args)
		assert.Contains(t, errs, "--help", args)
	}
}

func TestOpsHelpListsEverySubcommandAndTheExitStatuses(t *testing.T) {
	status, out, _ := ops(t, "--help")
	assert.Equal(t, exitDone, status)
	for _, expected := range []string{"prices", "split", "adopt", "resize", "tenant", "usage", "leftovers", "Exit status: 0 done"} {
		assert.Contains(t, out, expected)
	}
	_, out, _ = ops(t, "split", "--help")
	assert.Contains(t, out, "Exit status: 0 done")
	assert.Contains(t, out, "--tables")
}
