package meter

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
)

// inputs reads the inputs of a resource. Its methods return the default for a missing key.
// They return an error for an Unknown value or a value of another type, because its price
// is not known.
type inputs map[string]any

func (in inputs) object(key string) (inputs, error) {
	switch v := in[key].(type) {
	case nil:
		return inputs{}, nil
	case map[string]any:
		return v, nil
	default:
		return nil, unpriceable(key, v)
	}
}

// at returns the object at a path of keys, an empty one if there is none.
func (in inputs) at(path ...string) (inputs, error) {
	for i, key := range path {
		next, err := in.object(key)
		if err != nil {
			return nil, unpriceable(strings.Join(path[:i+1], "."), in[key])
		}
		in = next
	}
	return in, nil
}

// list returns the objects of a list.
func (in inputs) list(key string) ([]inputs, error) {
	switch v := in[key].(type) {
	case nil:
		return nil, nil
	case []any:
		out := make([]inputs, len(v))
		for i, element := range v {
			object, ok := element.(map[string]any)
			if !ok {
				return nil, unpriceable(fmt.Sprintf("%s[%d]", key, i), element)
			}
			out[i] = object
		}
		return out, nil
	default:
		return nil, unpriceable(key, v)
	}
}

func (in inputs) text(key, byDefault string) (string, error) {
	switch v := in[key].(type) {
	case nil:
		return byDefault, nil
	case string:
		return v, nil
	default:
		return "", unpriceable(key, v)
	}
}

func (in inputs) boolean(key string, byDefault bool) (bool, error) {
	switch v := in[key].(type) {
	case nil:
		return byDefault, nil
	case bool:
		return v, nil
	default:
		return false, unpriceable(key, v)
	}
}

// most is the largest number that a resource may have: more than any cloud sells.
const most = 100_000

// number returns a whole number from 0 to most.
func (in inputs) number(key string, byDefault int) (int, error) {
	n := float64(byDefault)
	switch v := in[key].(type) {
	case nil:
	case int:
		n = float64(v)
	case float64:
		n = v
	default:
		return 0, unpriceable(key, v)
	}
	if n != math.Trunc(n) || n < 0 || n > most {
		return 0, fmt.Errorf("%s: %v is not a whole number from 0 to %d, so its price is not known", key, n, most)
	}
	return int(n), nil
}

// count returns a number of at least 1. A missing key is an error.
func (in inputs) count(key string) (int, error) {
	n, err := in.number(key, 0)
	if err == nil && n < 1 {
		return 0, fmt.Errorf("%s: has no price without a number; write one of at least 1", key)
	}
	return n, err
}

// only returns an error that names all inputs that are not allowed. path is that of the
// object in the resource, "" for the resource's own inputs.
func (in inputs) only(path string, allowed ...string) error {
	var extra []string
	for key := range in {
		if !slices.Contains(allowed, key) {
			extra = append(extra, strings.TrimPrefix(path+"."+key, "."))
		}
	}
	if len(extra) == 0 {
		return nil
	}
	sort.Strings(extra)
	return fmt.Errorf("%s: has no price here; leave it out, or add its price in internal/meter", strings.Join(extra, ", "))
}

// onlyIn calls only for the objects of allowed, which has their paths below the object at path.
func (in inputs) onlyIn(path string, allowed map[string][]string) error {
	var errs []error
	for below, keys := range allowed {
		full := strings.Trim(path+"."+below, ".")
		object, err := in.at(strings.FieldsFunc(full, func(r rune) bool { return r == '.' })...)
		if err == nil {
			err = object.only(full, keys...)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func unpriceable(key string, value any) error {
	if _, ok := value.(Unknown); ok {
		return fmt.Errorf("%s: is an output of another resource, so its price is not known; use a plain value", key)
	}
	return fmt.Errorf("%s: %v is not a value that this key can have, so its price is not known", key, value)
}
