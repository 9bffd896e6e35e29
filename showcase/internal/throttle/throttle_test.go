package throttle_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/genericcorp/platform/showcase/internal/throttle"
)

func TestABucketEmptiesAndFillsAgain(t *testing.T) {
	now := time.Unix(0, 0)
	b := throttle.New(func() time.Time { return now })
	for left := 2; left >= 0; left-- {
		r := b.Take("a", 0.5, 3)
		assert.True(t, r.OK)
		assert.Equal(t, left, r.Remaining)
	}
	r := b.Take("a", 0.5, 3)
	assert.False(t, r.OK)
	assert.Equal(t, 2*time.Second, r.Wait)
	assert.True(t, b.Take("b", 0.5, 3).OK, "another key has its own bucket")

	now = now.Add(2 * time.Second)
	assert.True(t, b.Take("a", 0.5, 3).OK)
	assert.False(t, b.Take("a", 0.5, 3).OK)
	b.GiveBack("a")
	assert.True(t, b.Take("a", 0.5, 3).OK)
}

func TestManyKeysDoNotGrowWithoutLimitAndDoNotFreeABlockedOne(t *testing.T) {
	now := time.Unix(0, 0)
	b := throttle.New(func() time.Time { return now })
	assert.True(t, b.Take("blocked", 0.001, 1).OK)
	for i := range 50_000 {
		b.Take(strconv.Itoa(i), 1000, 1)
		now = now.Add(time.Millisecond)
	}
	assert.LessOrEqual(t, throttle.Size(b), 20_000)
	assert.False(t, b.Take("blocked", 0.001, 1).OK)
}
