package workload

import (
	"slices"

	"github.com/genericcorp/platform/internal/settings"
)

// Namespaces returns the namespaces of all workloads, sorted.
func Namespaces() []string { return namespaces(func(Workload) bool { return true }) }

// ScrapedNamespaces returns the namespaces in which Pods may ask by annotation to be
// scraped, sorted: those of all workloads but Jobs, which end before they are scraped.
func ScrapedNamespaces() []string {
	return namespaces(func(w Workload) bool { return w.Kind == Deployment || w.Kind == DaemonSet })
}

func namespaces(of func(Workload) bool) []string {
	var out []string
	for w := range For(settings.Settings{}).All() {
		if of(w) {
			out = append(out, w.Namespace)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
