package accounts_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Time cannot be measured well enough for this, so the test reads the code.
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	other := regexp.MustCompile(`bytes\.Equal|bytes\.Compare|reflect\.DeepEqual|string\((key|want|stored|secret)`)
	compared := 0
	for _, file := range []string{"password.go", "keys.go", "sessions.go", "members.go"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		compared += strings.Count(string(text), "subtle.ConstantTimeCompare(")
		assert.NotRegexp(t, other, string(text), file)
	}
	assert.Equal(t, 2, compared, "passwords and API keys; sessions and invitations are found by their hash")
}
