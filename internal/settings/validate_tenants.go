package settings

import (
	"fmt"
	"slices"

	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/names"
)

func (s Settings) validateTenants(f *Faults) {
	archiveBounds.within(f, "archive.volumeGiB", s.Archive.VolumeGiB)
	if len(s.Tenants) > MaxTenants {
		f.add("tenants", "has %d entries; a stack can have at most %d. Create another stack", len(s.Tenants), MaxTenants)
		return
	}
	seen := map[string]int{}
	for i, tenant := range s.Tenants {
		path := fmt.Sprintf("tenants[%d]", i)
		if err := names.Tenant(tenant.Name); err != nil {
			f.add(path+".name", "%v", err)
		}
		if first, ok := seen[tenant.Name]; ok {
			f.add(path+".name", "%q is the name of tenants[%d] too; each tenant needs its own name", tenant.Name, first)
		} else {
			seen[tenant.Name] = i
		}
		if host := tenant.Host(s.Domain); len(host) > 253 {
			f.add(path+".name", "makes a host of %d characters, and a host has at most 253", len(host))
		}
		tenant.validate(f, path, s.Archive)
	}
	s.validateRenames(f, seen)
}

// validateRenames checks the old names against the names of all entries.
func (s Settings) validateRenames(f *Faults, declared map[string]int) {
	renamed := map[string]int{}
	for i, tenant := range s.Tenants {
		path, old := fmt.Sprintf("tenants[%d].renamedFrom", i), tenant.RenamedFrom
		if old == "" {
			continue
		}
		first, taken := renamed[old]
		switch other, there := declared[old]; {
		case old == tenant.Name:
			f.add(path, "is the tenant's own name; write the name that it had before")
		case there:
			f.add(path, "%q has an entry of its own, tenants[%d]; a rename replaces the old entry, so delete that one or take renamedFrom out", old, other)
		case taken:
			f.add(path, "%q is renamed by tenants[%d] already; take one of them out", old, first)
		}
		renamed[old] = i
	}
}

func (t Tenant) validate(f *Faults, path string, archive Archive) {
	oneOf(f, path+".plan", t.Plan, tierNames()...)
	oneOf(f, path+".state", t.State, Active, Suspended, Archived, Purged)
	versionBounds.within(f, path+".passwordVersion", t.PasswordVersion)
	needsArchive := t.Restore || slices.Contains([]string{Archived, Purged}, t.State)
	if needsArchive && archive.VolumeGiB == 0 && !f.wrong("archive.volumeGiB") {
		f.add(path, "archiving, purging and restoring need a volume for the dump; set settings.archive.volumeGiB (5 GiB are %s a month)", 5*catalog.BlockStorage.Unit)
	}
	t.validateState(f, path)
	t.validateRename(f, path)
}

// validateState checks the fields that are allowed with some states only.
func (t Tenant) validateState(f *Faults, path string) {
	if f.wrong(path + ".state") {
		return
	}
	switch {
	case t.State == Purged && t.ConfirmPurge != t.Name:
		f.add(path+".confirmPurge", "purging drops the data of %q; to mean it, write confirmPurge: %s", t.Name, t.Name)
	case t.State != Purged && t.ConfirmPurge != "":
		f.add(path+".confirmPurge", "goes with state: purged alone")
	}
	if t.Restore && t.State != Active {
		f.add(path+".restore", "goes with state: active alone")
	}
	if t.Fresh && t.State != Active {
		f.add(path+".fresh", "goes with state: active alone")
	}
	if t.Restore && t.Fresh {
		f.add(path+".fresh", "does not go with restore: true; keep restore for the data of the archive, or fresh for an empty schema")
	}
}

func (t Tenant) validateRename(f *Faults, path string) {
	if t.RenamedFrom == "" {
		if t.RedirectOldHost {
			f.add(path+".redirectOldHost", "goes with renamedFrom alone, which names the host that is redirected")
		}
		return
	}
	if err := names.Tenant(t.RenamedFrom); err != nil {
		f.add(path+".renamedFrom", "%v", err)
	}
	for key, set := range map[string]bool{"restore: true": t.Restore, "fresh: true": t.Fresh, "state: purged": t.State == Purged} {
		if set {
			f.add(path+".renamedFrom", "does not go with %s; run one update for each, or take out what an earlier update did", key)
		}
	}
}
