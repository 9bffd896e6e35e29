package postgrestest_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/postgrestest"
)

func TestCPUIncludesConnectionsThatHaveEnded(t *testing.T) {
	s := postgrestest.Start(t, 0)
	before := s.CPU(t)
	super := s.Superuser(t, postgrestest.Database)
	_, err := super.Exec(context.Background(), "SELECT sum(n) FROM generate_series(1, 3000000) n")
	require.NoError(t, err)
	require.NoError(t, super.Close(context.Background()))
	time.Sleep(200 * time.Millisecond) // time for the server to notice that the process ended
	assert.Greater(t, s.CPU(t)-before, 100*time.Millisecond)
}
