package lifecycle

import (
	"cmp"
	"fmt"
	"strconv"

	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/settings"
)

// Sizes are what an update has made, as far as it can only grow. The zero value is a stack
// without an update.
//
// DigitalOcean resizes a database to larger sizes only
// (docs.digitalocean.com/products/databases/postgresql/details/limits), and installs no older
// major. It does not turn high availability off. Kubernetes refuses to shrink a claim.
type Sizes struct {
	// DatabaseSize is a size of internal/catalog, and DatabaseVersion PostgreSQL's major.
	// Both are empty for an external database.
	DatabaseSize    string `json:"databaseSize,omitempty"`
	DatabaseVersion string `json:"databaseVersion,omitempty"`
	// HA says whether the control plane has high availability.
	HA bool `json:"ha,omitempty"`
	// MonitoringGiB and ArchiveGiB are the sizes of the volumes; 0 is no volume.
	MonitoringGiB int `json:"monitoringGiB,omitempty"`
	ArchiveGiB    int `json:"archiveGiB,omitempty"`
}

// SizesOf returns the sizes after an update with these settings. databaseSize is the size that
// the plan has chosen.
func SizesOf(s settings.Settings, databaseSize string) Sizes {
	out := Sizes{HA: s.Cluster.HA, MonitoringGiB: s.Monitoring.VolumeGiB, ArchiveGiB: s.Archive.VolumeGiB}
	if s.Database.Kind == settings.DigitalOcean {
		out.DatabaseSize, out.DatabaseVersion = databaseSize, s.Database.Version
	}
	return out
}

// Encode returns the sizes as a plain map, for the stack's outputs. DecodeSizes reads it.
func (z Sizes) Encode() (map[string]any, error) { return convert[map[string]any](z) }

// DecodeSizes reads what Encode returned. A database size that the catalogue lacks is an error.
func DecodeSizes(output map[string]any) (Sizes, error) {
	z, err := convert[Sizes](output)
	if err == nil && z.DatabaseSize != "" {
		_, err = catalog.DatabaseBySize(z.DatabaseSize)
	}
	return z, err
}

// Next returns the settings with what the plan must keep. The error is settings.Faults with
// every setting that would make something smaller or older.
func (z Sizes) Next(s settings.Settings) (settings.Settings, error) {
	var faults settings.Faults
	add := func(path, format string, args ...any) {
		faults = append(faults, settings.Fault{Path: path, Problem: fmt.Sprintf(format, args...)})
	}
	if z.HA && s.Cluster.Kind == settings.DigitalOcean && !s.Cluster.HA {
		add("settings.cluster.ha", "is false, and the running cluster has the highly available control plane (%s a month), which DigitalOcean does not turn off again. Write true",
			catalog.HAControlPlane.Unit)
	}
	s.Cluster.HARuns, s.Monitoring.AtLeastGiB, s.Archive.AtLeastGiB = z.HA, z.MonitoringGiB, z.ArchiveGiB
	if s.Database.Kind == settings.DigitalOcean {
		s.Database.AtLeast = z.DatabaseSize
		if catalog.IsSmallerDatabase(s.Database.Size, z.DatabaseSize) {
			add("settings.database.size", "is %s, and the running database is a %s. DigitalOcean never shrinks a database. Write %[2]s, or remove the line", s.Database.Size, z.DatabaseSize)
		}
		if isOlder(s.Database.Version, z.DatabaseVersion) {
			add("settings.database.version", "is %q, and the running database has PostgreSQL %s. A major upgrade cannot be undone. Write %[2]q", s.Database.Version, z.DatabaseVersion)
		}
	}
	for _, v := range []struct {
		path          string
		running, next int
	}{
		{"settings.monitoring.volumeGiB", z.MonitoringGiB, s.Monitoring.VolumeGiB},
		{"settings.archive.volumeGiB", z.ArchiveGiB, cmp.Or(s.Archive.VolumeGiB, z.ArchiveGiB)}, // without an archive there is no claim
	} {
		if v.next < v.running {
			add(v.path, "is %d, and the running volume has %d GiB. A volume never shrinks. Write %[2]d", v.next, v.running)
		}
	}
	if len(faults) > 0 {
		return s, faults
	}
	return s, nil
}

// isOlder compares majors. It returns false if one of them is empty.
func isOlder(major, than string) bool {
	a, errA := strconv.Atoi(major)
	b, errB := strconv.Atoi(than)
	return errA == nil && errB == nil && a < b
}
