package web

import (
	"bytes"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestOneTenantDoesNotTakeAllStreams(t *testing.T) {
	s := streams{open: map[string]int{}}
	for range tenantStreams {
		assert.True(t, s.enter("acme"))
	}
	assert.False(t, s.enter("acme"))
	for i := range maxStreams - tenantStreams {
		assert.True(t, s.enter(strconv.Itoa(i)))
	}
	assert.False(t, s.enter("beta"), "the replica is full")
	s.leave("acme")
	assert.True(t, s.enter("beta"))
	s.leave("beta")
	assert.NotContains(t, s.open, "beta")
}

func TestEachLineOfAMessageIsData(t *testing.T) {
	var b bytes.Buffer
	message(&b, "7", "entry", "one\r\nevent: forged\nid: 8")
	assert.Equal(t, "id: 7\nevent: entry\ndata: one\ndata: event: forged\ndata: id: 8\n\n", b.String())
}
