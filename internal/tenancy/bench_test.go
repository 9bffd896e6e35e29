package tenancy_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
)

// numberedTenants declares n tenants: t0000, t0001 and so on.
func numberedTenants(n int) []settings.Tenant {
	out := make([]settings.Tenant, n)
	for i := range out {
		out[i] = settings.Tenant{Name: fmt.Sprintf("t%04d", i)}.WithDefaults()
	}
	return out
}

// BenchmarkReconcile creates tenants in an empty database (new), and runs again without a
// change (unchanged).
func BenchmarkReconcile(b *testing.B) {
	for _, major := range majors {
		for _, n := range []int{1, 10, 100, 1000} {
			b.Run(fmt.Sprintf("major=%d/tenants=%d", major, n), func(b *testing.B) { reconcileMany(b, major, n) })
		}
	}
}

func reconcileMany(b *testing.B, major, n int) {
	b.Run("new", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			bed := newBed(b, major)
			b.StartTimer()
			bed.must(b, numberedTenants(n))
			b.ReportMetric(float64(bed.last.peak), "MiB")
		}
	})
	b.Run("unchanged", func(b *testing.B) {
		bed := newBed(b, major)
		bed.must(b, numberedTenants(n))
		for b.Loop() {
			require.Empty(b, bed.must(b, numberedTenants(n)))
		}
	})
}

// BenchmarkScheduledRun measures a run of the CronJob without a change. Such a run sets
// each password again. sandbox/bench turns the results into a table.
func BenchmarkScheduledRun(b *testing.B) {
	const runs = 9
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprintf("major=%d/tenants=%d", benchMajor, n), func(b *testing.B) {
			bed := newBed(b, benchMajor)
			bed.must(b, numberedTenants(n))
			var times []time.Duration
			var client time.Duration
			before := bed.CPU(b)
			for range runs {
				out, err := bed.scheduled(b, numberedTenants(n))
				require.NoError(b, err, out)
				require.Contains(b, out, "all as declared")
				times, client = append(times, bed.last.time), client+bed.last.cpu
			}
			slices.Sort(times)
			b.ReportMetric(times[runs/2].Seconds(), "seconds")
			b.ReportMetric(client.Seconds()/runs, "job-cpu-s")
			b.ReportMetric((bed.CPU(b)-before).Seconds()/runs, "server-cpu-s")
		})
	}
}

// BenchmarkVerifiers measures the time that a preview needs to compute passwords.
func BenchmarkVerifiers(b *testing.B) {
	declared := numberedTenants(1000)
	for b.Loop() {
		_, err := tenancy.Verifiers(seed, declared)
		require.NoError(b, err)
	}
}
