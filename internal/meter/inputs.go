package meter

import (
	"fmt"
	"math"
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

// number rounds up, so that a fraction is never billed too low.
func (in inputs) number(key string, byDefault int) (int, error) {
	switch v := in[key].(type) {
	case nil:
		return byDefault, nil
	case int:
		return v, nil
	case float64:
		return int(math.Ceil(v)), nil
	default:
		return 0, unpriceable(key, v)
	}
}

// count returns a number of at least 1. A missing key is an error.
func (in inputs) count(key string) (int, error) {
	n, err := in.number(key, 0)
	if err == nil && n < 1 {
		return 0, fmt.Errorf("%s: has no price without a number; write one of at least 1", key)
	}
	return n, err
}

func unpriceable(key string, value any) error {
	if _, ok := value.(Unknown); ok {
		return fmt.Errorf("%s: is an output of another resource, so its price is not known; use a plain value", key)
	}
	return fmt.Errorf("%s: %v is not a value that this key can have, so its price is not known", key, value)
}
