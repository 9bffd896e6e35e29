package settings_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
)

func TestAStackHoldsMaxTenantsAndNotOneMore(t *testing.T) {
	var entries strings.Builder
	for n := range settings.MaxTenants {
		fmt.Fprintf(&entries, "  - {name: t%d}\n", n)
	}
	most := least + "tenants:\n" + entries.String()
	_, err := settings.Load([]byte(most))
	require.NoError(t, err)
	_, err = settings.Load([]byte(most + "  - {name: more}\n"))
	require.ErrorContains(t, err, "settings.tenants: has 1001 entries; a stack can have at most 1000")
}

func TestATenantsHostHasAtMost253Characters(t *testing.T) {
	zone := strings.Repeat("abcdefghi.", 24) + "example.com" // 251 characters
	load := func(name string) error {
		_, err := settings.Load([]byte(strings.ReplaceAll(least, "demo.example.com", zone) + "tenants: [{name: " + name + "}]\n"))
		return err
	}
	assert.NotContains(t, fmt.Sprint(load("a")), "makes a host of", "253 characters")
	require.ErrorContains(t, load("ab"), "settings.tenants[0].name: makes a host of 254 characters")
}
