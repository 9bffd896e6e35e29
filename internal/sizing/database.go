package sizing

import (
	"errors"
	"fmt"

	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/workload"
)

// checkExternal returns an error if an external database admits fewer connections than
// the stack needs.
func checkExternal(s settings.Settings, set workload.Set) error {
	if need := connections(s, set); need > s.Database.Connections {
		return fmt.Errorf("settings.database.connections: the stack needs %d connections, and the database admits %d",
			need, s.Database.Connections)
	}
	return nil
}

// chooseDatabase returns the cheapest size that admits the connections of the stack and
// has disk for the quotas of all active tenants.
func chooseDatabase(s settings.Settings, set workload.Set) (Database, catalog.Database, error) {
	need := connections(s, set)
	nodes := 1
	if s.Database.Standby {
		nodes = 2
	}
	for _, size := range catalog.Databases() {
		if s.Database.Size != "" && size.SKU != s.Database.Size || size.MaxNodes < nodes {
			continue
		}
		if size.Connections >= need && size.TenantsMiB() >= storage(s) {
			return Database{Size: size.SKU, Nodes: nodes}, size, nil
		}
		if s.Database.Size != "" {
			return Database{}, catalog.Database{}, pinnedTooSmall(s, set, size)
		}
	}
	return Database{}, catalog.Database{}, fmt.Errorf("no database size admits %d connections and has %d MiB for tenants; "+
		"lower settings.app.databasePool (%d for each of %d replicas and %d more in a rolling update) or suspend tenants",
		need, storage(s), s.App.DatabasePool, set.App.Replicas, set.App.Surge)
}

// pinnedTooSmall returns the error of a pinned size that is too small. It names the
// cheapest size that is large enough, and the difference in price.
func pinnedTooSmall(s settings.Settings, set workload.Set, pinned catalog.Database) error {
	need := connections(s, set)
	admits, disk := "admits", storage(s) > pinned.TenantsMiB()
	msg := fmt.Sprintf("settings.database.size pins %s; it admits %d connections, and the stack needs %d", pinned.SKU, pinned.Connections, need)
	if disk {
		admits = "has disk and admits"
		msg = fmt.Sprintf("settings.database.size pins %s; it has %d MiB for tenants and admits %d connections, and the stack needs %d MiB and %d",
			pinned.SKU, pinned.TenantsMiB(), pinned.Connections, storage(s), need)
	}
	for _, size := range catalog.Databases() {
		if size.Connections >= need && size.TenantsMiB() >= storage(s) {
			return fmt.Errorf("%s; %s %s %d for %s more a month", msg, size.SKU, admits, size.Connections, size.Unit-pinned.Unit)
		}
	}
	return errors.New(msg + "; no larger size is enough")
}
