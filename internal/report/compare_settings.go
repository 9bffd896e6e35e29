package report

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/genericcorp/platform/internal/settings"
)

// settingEffect returns the effect of a changed setting, and a note.
type settingEffect func(before, now settings.Settings) (effect, note string)

func always(effect, note string) settingEffect {
	return func(settings.Settings, settings.Settings) (string, string) { return effect, note }
}

const (
	fixedRange  = "address ranges cannot change after the cluster is created"
	onlyText    = "only the text of the plan and of reports"
	grownVolume = "a volume cannot shrink"
)

// settingEffects has the settings whose change needs a word. Every other setting changes in place.
var settingEffects = map[string]settingEffect{
	"region":           always(Refused, "a running cluster cannot move; create a second stack there and destroy this one"),
	"network.vpc":      always(Refused, fixedRange),
	"network.pods":     always(Refused, fixedRange),
	"network.services": always(Refused, fixedRange),
	"zone":             always(Replaces, "every record is deleted in the old zone and created in the new one"),
	"domain":           always(Replaces, "records and certificate are created again; the old hosts stop answering"),
	"cluster.kind": func(before, _ settings.Settings) (string, string) {
		return replacesUnlessProtected(before, "everything is created again in the other cluster")
	},
	"cluster.context": always(Replaces, "if the contexts are of two clusters, everything is created again in the other one"),
	"cluster.version": func(before, now settings.Settings) (string, string) {
		// Both are 1 and two digits, which settings.Load checked.
		if now.Cluster.Version < before.Cluster.Version {
			return Refused, "a cluster cannot be downgraded"
		}
		return OneWay, "nodes are replaced one by one"
	},
	"cluster.ha": oneWay("it cannot be turned off once it is on", func(_, now settings.Settings) bool { return now.Cluster.HA }),
	"database.kind": func(before, _ settings.Settings) (string, string) {
		return replacesUnlessProtected(before, "the app gets another database, without the data")
	},
	"database.version": oneWay("a major upgrade in place, with a pause; it cannot be undone",
		func(before, now settings.Settings) bool { return now.Database.Version > before.Database.Version }), // two digits
	"monitoring.volumeGiB": oneWay(grownVolume, func(before, now settings.Settings) bool {
		return now.Monitoring.VolumeGiB > before.Monitoring.VolumeGiB
	}),
	"archive.volumeGiB": func(before, now settings.Settings) (string, string) {
		switch {
		case now.Archive.VolumeGiB > before.Archive.VolumeGiB:
			return OneWay, grownVolume
		case now.Archive.VolumeGiB > 0:
			return Refused, grownVolume
		case before.Protect:
			return Replaces, "no tenant can be archived or restored; the volume with the dumps is kept, and costs money until you delete it"
		}
		return Replaces, "the volume is deleted with every dump: the only copy of a purged tenant's data"
	},
	"nodes.size":          always(InPlace, "it pins a size; another one than that of the running nodes is a change of the node size"),
	"protect":             always(InPlace, "it protects the cluster and the database from deletion"),
	"certificates.issuer": always(InPlace, "the certificate is ordered again"),
	"pricing.tenantUsd":   always(InPlace, onlyText),
	"pricing.fixedUsd":    always(InPlace, onlyText),
	"pricing.tierUsd":     always(InPlace, onlyText),
}

// oneWay returns OneWay if a change goes the way that is possible, else Refused.
func oneWay(note string, possible func(before, now settings.Settings) bool) settingEffect {
	return func(before, now settings.Settings) (string, string) {
		if possible(before, now) {
			return OneWay, note
		}
		return Refused, note
	}
}

// replacesUnlessProtected returns Refused for a protected stack: Pulumi deletes no protected
// resource, and looks at what the last update wrote.
func replacesUnlessProtected(before settings.Settings, note string) (string, string) {
	if before.Protect {
		return Refused, note + "; Pulumi refuses to delete what is protected: write `protect: false` in an update of its own first"
	}
	return Replaces, note
}

// settings adds a change for every setting that differs, tenants left out.
func (c *Comparison) settings(before, now settings.Settings) {
	was, is := valuesOf(before), valuesOf(now)
	paths := slices.Compact(slices.Sorted(func(yield func(string) bool) {
		for _, values := range []map[string]string{was, is} {
			for path := range maps.Keys(values) {
				if !yield(path) {
					return
				}
			}
		}
	}))
	for _, path := range paths {
		effect, note := InPlace, ""
		rule, ok := settingEffects[path]
		if !ok { // a key of a map has the effect of the map
			rule, ok = settingEffects[path[:max(0, strings.LastIndex(path, "."))]]
		}
		if ok {
			effect, note = rule(before, now)
		}
		c.addIfDifferent(path, was[path], is[path], effect, note)
	}
}

// valuesOf returns the settings by their path in a stack file, without tenants.
func valuesOf(s settings.Settings) map[string]string {
	s.Tenants = nil
	out := map[string]string{}
	collect(out, "", reflect.ValueOf(s))
	return out
}

// collect adds the values below v to out. A field without a key in the stack file is left out.
func collect(out map[string]string, path string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if key := v.Type().Field(i).Tag.Get("yaml"); key != "-" {
				collect(out, strings.TrimPrefix(path+"."+key, "."), v.Field(i))
			}
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			out[path+"."+key.String()] = shown(v.MapIndex(key).Interface())
		}
	case reflect.Pointer:
		if !v.IsNil() {
			collect(out, path, v.Elem())
		}
	default:
		out[path] = shown(v.Interface())
	}
}

// shown returns a value on one line that is safe to print, and not too long for a table.
func shown(value any) string {
	const most = 60
	text := []rune(fmt.Sprint(value))
	if len(text) > most {
		text = append(text[:most], '…')
	}
	if quoted := strconv.Quote(string(text)); quoted != `"`+string(text)+`"` {
		return quoted
	}
	return string(text)
}
