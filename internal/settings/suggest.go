package settings

import (
	"fmt"
	"reflect"
	"regexp"
	"sort"
	"strings"
)

var index = regexp.MustCompile(`\[[^\]]*\]`)

// suggestion returns the end of the message about an unknown key: the key that was probably
// meant, or all keys that are known in its place.
func suggestion(path string) string {
	t := reflect.TypeFor[Settings]()
	parts := strings.Split(index.ReplaceAllString(path, ""), ".")
	for _, part := range parts[:len(parts)-1] {
		t = child(t, part)
		if t == nil {
			return ""
		}
	}
	known := keys(t)
	last := parts[len(parts)-1]
	for _, key := range known {
		if strings.EqualFold(key, last) || near(key, last) {
			return fmt.Sprintf("; %q is", key)
		}
	}
	return "; known: " + strings.Join(known, ", ")
}

func child(t reflect.Type, key string) reflect.Type {
	for i := range t.NumField() {
		if f := t.Field(i); f.Tag.Get("yaml") == key {
			if f.Type.Kind() == reflect.Slice {
				return structOrNil(f.Type.Elem())
			}
			return structOrNil(f.Type)
		}
	}
	return nil
}

func structOrNil(t reflect.Type) reflect.Type {
	if t.Kind() != reflect.Struct {
		return nil
	}
	return t
}

func keys(t reflect.Type) []string {
	var out []string
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("yaml"); key != "-" {
			out = append(out, key)
		}
	}
	sort.Strings(out)
	return out
}

// near reports whether the keys differ by one letter, or by two neighbours in the other order.
func near(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	swapped := len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
	return swapped || len(a) <= 1 && len(b) <= 1
}
