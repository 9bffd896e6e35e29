package meter

import (
	"fmt"
	"math"
)

// inputs reads plain inputs. A value that is not known, or not of the kind that
// it should be, is an error: it could cost anything.
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

func (in inputs) text(key, missing string) (string, error) {
	switch v := in[key].(type) {
	case nil:
		return missing, nil
	case string:
		return v, nil
	default:
		return "", unpriceable(key, v)
	}
}

func (in inputs) boolean(key string, missing bool) (bool, error) {
	switch v := in[key].(type) {
	case nil:
		return missing, nil
	case bool:
		return v, nil
	default:
		return false, unpriceable(key, v)
	}
}

func (in inputs) number(key string, missing int) (int, error) {
	switch v := in[key].(type) {
	case nil:
		return missing, nil
	case int:
		return v, nil
	case float64:
		return int(math.Ceil(v)), nil
	default:
		return 0, unpriceable(key, v)
	}
}

// count is a number that has to be there.
func (in inputs) count(key string) (int, error) {
	n, err := in.number(key, 0)
	if err == nil && n < 1 {
		return 0, fmt.Errorf("%s: has to say how many, or nothing can be priced", key)
	}
	return n, err
}

func unpriceable(key string, value any) error {
	if _, ok := value.(Unknown); ok {
		return fmt.Errorf("%s: is not known before it exists, so it cannot be priced; take a plain value", key)
	}
	return fmt.Errorf("%s: a %T cannot be priced", key, value)
}
