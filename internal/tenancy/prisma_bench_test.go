package tenancy_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkPrismaExample measures the figures of docs/prisma.md with a hundred tenants through
// the pooler: memory of a client, transactions a second, and the time of a migration.
func BenchmarkPrismaExample(b *testing.B) {
	example := buildPrismaExample(b)
	hundred := make([]string, 100)
	for i := range hundred {
		hundred[i] = fmt.Sprintf("customer-%d", i+1)
	}
	bed := prismaBed(b, 0, named(hundred...))
	for b.Loop() {
		out, err := bed.command(example, "--expose-gc", "dist/bench/load.js").CombinedOutput()
		require.NoError(b, err, "%s", out)
		b.Logf("\n%s", out)
	}
}
