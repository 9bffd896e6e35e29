package settings

import (
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Key is the configuration key in a stack file that holds the settings.
const Key = "platform:settings"

// Load reads the settings from YAML or JSON, sets defaults and checks all rules. An unknown
// key is a fault. The error is Faults, with all faults that were found.
func Load(data []byte) (Settings, error) {
	var faults Faults
	s := fromText(string(data), &faults)
	return s, faults.orNil()
}

func fromText(text string, faults *Faults) Settings {
	node, err := parse([]byte(text), MaxBytes)
	if err != nil {
		faults.at("settings", "%v", err)
		return Settings{}
	}
	return fromNode(node, faults)
}

// fromNode returns the settings of a YAML value. The value is nil for an empty text.
func fromNode(node *yaml.Node, faults *Faults) Settings {
	if node != nil && encrypted(node) {
		faults.at("settings", "is %s; write the settings in plain text, and put secrets of the app into %s", described(node), AppEnvKey)
		return Settings{}
	}
	if node == nil || node.Kind != yaml.MappingNode {
		faults.at("settings", "has to be a map with at least domain, zone and email")
		return Settings{}
	}
	var written Settings
	d := decoder{faults: faults, fields: map[reflect.Type]map[string]int{}}
	d.value(place{}, node, reflect.ValueOf(&written).Elem())
	unreadable := len(*faults)
	s := written.withDefaults()
	for _, zero := range d.zeros {
		if v := zero.in(s); !v.IsZero() {
			value := "0"
			if v.Kind() == reflect.String {
				value = "an empty text"
			}
			faults.add(zero.path, "%s has no meaning here; delete the line for the default", value)
		}
	}
	s.validate(faults)
	s.validateIgnored(faults, written)
	faults.dropBelow(unreadable)
	return s
}

// dropBelow drops each fault after the first n whose path is that of one of these n, or is
// below it: what could not be read would be reported again, as missing.
func (f *Faults) dropBelow(n int) {
	first := map[string]bool{}
	for _, fault := range (*f)[:n] {
		first[fault.Path] = true
	}
	kept := (*f)[:n]
	for _, fault := range (*f)[n:] {
		covered := first[fault.Path]
		for i, c := range fault.Path {
			covered = covered || strings.ContainsRune(".[", c) && first[fault.Path[:i]]
		}
		if !covered {
			kept = append(kept, fault)
		}
	}
	*f = kept
}
