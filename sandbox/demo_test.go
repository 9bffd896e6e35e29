package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOneDemoAtATimeStartsInACheckout(t *testing.T) {
	t.Chdir(t.TempDir())
	first, err := oneAtATime()
	require.NoError(t, err)
	_, err = oneAtATime()
	assert.EqualError(t, err, "another `make demo` or `make demo-down` is going on in this checkout; wait for its end, or end it with Ctrl-C")
	require.NoError(t, first.Close())
	second, err := oneAtATime()
	require.NoError(t, err)
	require.NoError(t, second.Close())
}
