package web

import (
	"bytes"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestOneTenantDoesNotTakeAllStreams(t *testing.T) {
	s := streams{open: map[string]map[*live]bool{}}
	enter := func(tenant string) bool {
		_, ok := s.enter(tenant, "192.0.2.1", func() {})
		return ok
	}
	leave, ok := s.enter("acme", "192.0.2.1", func() {})
	assert.True(t, ok)
	for range tenantStreams - 1 {
		assert.True(t, enter("acme"))
	}
	assert.False(t, enter("acme"))
	for i := range maxStreams - tenantStreams {
		assert.True(t, enter(strconv.Itoa(i)))
	}
	assert.False(t, enter("beta"), "the replica is full")
	leave()
	leaveBeta, ok := s.enter("beta", "192.0.2.1", func() {})
	assert.True(t, ok)
	leaveBeta()
	leaveBeta()
	assert.NotContains(t, s.open, "beta")
	assert.Equal(t, maxStreams-1, s.total)
}

func TestOneAddressDoesNotTakeAllStreamsOfItsTenant(t *testing.T) {
	s := streams{open: map[string]map[*live]bool{}}
	ended := map[string]int{}
	enter := func(address string) bool {
		_, ok := s.enter("acme", address, func() { ended[address]++ })
		return ok
	}
	for range tenantStreams {
		assert.True(t, enter("192.0.2.1"))
	}
	for range tenantStreams / 2 {
		assert.True(t, enter("192.0.2.2"))
	}
	assert.False(t, enter("192.0.2.2"), "both have the same number")
	assert.False(t, enter("192.0.2.1"))
	assert.Equal(t, map[string]int{"192.0.2.1": tenantStreams / 2}, ended)
	assert.Equal(t, tenantStreams, s.total)
}

func TestEachLineOfAMessageIsData(t *testing.T) {
	var b bytes.Buffer
	message(&b, "7", "entry", "one\r\nevent: forged\nid: 8")
	assert.Equal(t, "id: 7\nevent: entry\ndata: one\ndata: event: forged\ndata: id: 8\n\n", b.String())
}
