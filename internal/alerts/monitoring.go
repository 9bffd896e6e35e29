package alerts

import (
	"fmt"
	"strings"
	"time"

	"github.com/genericcorp/platform/internal/workload"
)

// monitoring returns the rules about the monitoring itself.
func monitoring() []Rule {
	var missing []string
	for _, namespace := range workload.ScrapedNamespaces() {
		missing = append(missing, fmt.Sprintf(`absent(up{job="pods",namespace=%q})`, namespace))
	}
	missing = append(missing, `absent(up{job="containers"})`)
	return []Rule{
		{
			Name: "TargetDown", Severity: Warning, For: 15 * time.Minute,
			Expr:    `max by (job, namespace, pod, node) (up) == 0`,
			Summary: "The metrics of {{ or $labels.pod $labels.node }} cannot be read for 15 minutes.",
			MutedBy: []Cause{{Name: "NodesMissing"}},
		},
		{
			Name: "TargetsMissing", Severity: Warning, For: 15 * time.Minute,
			Expr:    strings.Join(missing, " or "),
			Summary: "No metrics come from {{ or $labels.namespace \"the nodes\" }}. Its other alerts cannot fire.",
		},
		volumeFull(),
		{
			Name: Heartbeat, Severity: None, Expr: `vector(1)`,
			Summary: "Alerts work. This alert fires always.",
		},
	}
}

// volumeFull returns the rule about the disk of VictoriaMetrics.
func volumeFull() Rule {
	return Rule{
		Name: "MetricsVolumeFull", Severity: Warning, For: time.Hour,
		Expr:    fills("path", `vm_free_disk_space_bytes`, `vm_total_disk_space_bytes`, "0.1"),
		Summary: "The volume of the metrics is nearly full, or will be within four days. No metrics are stored then.",
	}
}

// Heartbeat is the alert that always fires. A service outside of the cluster tells people when
// it stops.
const Heartbeat = "Heartbeat"
