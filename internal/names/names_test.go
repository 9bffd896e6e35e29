package names_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/genericcorp/platform/internal/names"
)

func TestTenantAcceptsOnlyHostLabelsThatAreIdentifiersInSQL(t *testing.T) {
	for _, good := range []string{"acme", "a", "acme-2", strings.Repeat("a", 56)} {
		assert.NoError(t, names.Tenant(good), good)
	}
	for _, bad := range []string{
		"", "Admin_", "acme.", "-acme", "acme-", "www", "grafana", "postgres", "pg-one", "pg", "2fast", "xn--acme", "ac me",
		strings.Repeat("a", 57), "café",
	} {
		assert.Error(t, names.Tenant(bad), bad)
	}
}

func TestDomainAcceptsOnlyFullHostNames(t *testing.T) {
	assert.NoError(t, names.Domain("demo.genericcorp.com"))
	for _, bad := range []string{"", "localhost", "https://a.b", "a..b", "a_b.c", "A.b", "a.b/", "*.a.b", strings.Repeat("a", 64) + ".b"} {
		assert.Error(t, names.Domain(bad), bad)
	}
}

func FuzzTenantAdmitsOnlyLabelsThatAreIdentifiersToo(f *testing.F) {
	label := regexp.MustCompile(`^[a-z]([a-z0-9-]{0,54}[a-z0-9])?$`)
	identifier := regexp.MustCompile(`^tenant_[a-z][a-z0-9_]*$`)
	f.Add("acme", "ac-me")
	f.Add("Ünïcode", "pg_catalog")
	f.Fuzz(func(t *testing.T, one, other string) {
		if names.Tenant(one) != nil {
			return
		}
		sql := names.SQL(one)
		if !label.MatchString(one) || !identifier.MatchString(sql) || len(sql) > 63 {
			t.Errorf("%q was accepted, and its SQL name is %q", one, sql)
		}
		if owner := names.Owner(one); owner != "owner_"+strings.TrimPrefix(sql, "tenant_") || len(owner) > 63 {
			t.Errorf("%q was accepted, and its owner is %q", one, owner)
		}
		if names.Tenant(other) == nil && one != other && sql == names.SQL(other) {
			t.Errorf("%q and %q have the same SQL name %q", one, other, sql)
		}
	})
}

func TestStackNamesAreThoseThatDigitalOceanAllowsInItsNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"demo": true, "prod-2": true, "a": true, strings.Repeat("x", 40): true,
		"": false, "my_stack": false, "a b": false, "Prod": false, "-a": false, "a-": false, "a.b": false, "é": false, strings.Repeat("x", 41): false,
	} {
		assert.Equal(t, ok, names.Stack(name) == nil, name)
	}
}
