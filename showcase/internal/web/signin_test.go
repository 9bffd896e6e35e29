package web

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/genericcorp/platform/showcase/internal/throttle"
)

// Each sign-in hashes a password. Those of the demo succeed, so they do not count as wrong ones.
func TestSignInsWithTheDemosPasswordAreThrottledByAddress(t *testing.T) {
	now := time.Now()
	clock := func() time.Time { return now }
	a := &Web{attempts: throttle.New(clock), hashes: throttle.New(clock)}
	signIn := func(address, account string) bool {
		if !a.allow(address, account, account+" "+address, true) {
			return false
		}
		a.attempts.GiveBack(address)
		return true
	}
	for range hashBurst {
		assert.True(t, signIn("192.0.2.1", "acme/demo"))
	}
	for range addressBurst + 1 {
		assert.False(t, signIn("192.0.2.1", "acme/demo"))
	}
	assert.True(t, signIn("192.0.2.2", "acme/demo"), "another address")
	assert.True(t, signIn("192.0.2.1", "beta/olga"), "another account")
	now = now.Add(time.Second)
	assert.True(t, signIn("192.0.2.1", "acme/demo"))
	assert.False(t, signIn("192.0.2.1", "acme/demo"))
}
