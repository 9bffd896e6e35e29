package settings

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/genericcorp/platform/internal/budget"
)

// decoder reads YAML into the settings. It goes on after a fault, so that all are found. It
// reads nodes and not Go values, because a value no longer shows that 64 was written as 0100.
type decoder struct {
	faults *Faults
	// zeros are the places where the text has 0 or "".
	zeros []place
	// fields has the index of each key's field.
	fields map[reflect.Type]map[string]int
}

// place is a value of the settings: its path for messages, and the index of each field or
// entry that leads to it.
type place struct {
	path    string
	indices []int
}

func (p place) key(name string, i int) place {
	return place{strings.TrimPrefix(p.path+"."+name, "."), append(slices.Clone(p.indices), i)}
}

func (p place) entry(i int) place {
	return place{fmt.Sprintf("%s[%d]", p.path, i), append(slices.Clone(p.indices), i)}
}

// in returns the value of the place.
func (p place) in(s Settings) reflect.Value {
	v := reflect.ValueOf(s)
	for _, i := range p.indices {
		if v.Kind() == reflect.Struct {
			v = v.Field(i)
		} else {
			v = v.Index(i)
		}
	}
	return v
}

func (d *decoder) value(at place, node *yaml.Node, into reflect.Value) {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch {
	case isNull(node):
		d.null(at, into)
	case into.Kind() == reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		d.value(at, node, into.Elem())
	case into.Kind() == reflect.Struct && node.Kind == yaml.MappingNode:
		d.fieldsOf(at, node, into)
	case into.Kind() == reflect.Map && node.Kind == yaml.MappingNode:
		d.entriesOf(at, node, into)
	case into.Kind() == reflect.Slice && node.Kind == yaml.SequenceNode:
		d.listOf(at, node, into)
	default:
		d.scalar(at, node, into)
	}
}

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" }

// null allows a section or a list without content: all its lines may be commented out.
func (d *decoder) null(at place, into reflect.Value) {
	section := slices.Contains([]reflect.Kind{reflect.Struct, reflect.Map, reflect.Slice}, into.Kind())
	switch {
	case strings.HasSuffix(at.path, "]"):
		d.faults.add(at.path, "is empty; %s, or delete it", wanted(into.Type(), nil))
	case !section:
		d.faults.add(at.path, "has no value; write one, or delete the line for the default")
	}
}

func (d *decoder) fieldsOf(at place, node *yaml.Node, into reflect.Value) {
	known := d.fieldsByKey(into.Type())
	d.pairs(at, node, func(key string, value *yaml.Node) {
		i, ok := known[key]
		if !ok {
			d.faults.add(at.key(key, 0).path, "is no setting%s", suggestion(keys(into.Type()), key))
			return
		}
		d.value(at.key(key, i), value, into.Field(i))
	})
}

func (d *decoder) fieldsByKey(t reflect.Type) map[string]int {
	if d.fields[t] == nil {
		d.fields[t] = map[string]int{}
		for i := range t.NumField() {
			if key := t.Field(i).Tag.Get("yaml"); key != "-" {
				d.fields[t][key] = i
			}
		}
	}
	return d.fields[t]
}

func (d *decoder) entriesOf(at place, node *yaml.Node, into reflect.Value) {
	into.Set(reflect.MakeMap(into.Type()))
	d.pairs(at, node, func(key string, value *yaml.Node) {
		element := reflect.New(into.Type().Elem()).Elem()
		// An empty value is no default here, so it is not among the zeros.
		inner := decoder{faults: d.faults, fields: d.fields}
		inner.value(at.key(key, 0), value, element)
		into.SetMapIndex(reflect.ValueOf(key), element)
	})
}

// pairs calls read for each key of a map that is text and that is there once.
func (d *decoder) pairs(at place, node *yaml.Node, read func(key string, value *yaml.Node)) {
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content) && !d.faults.full(); i += 2 {
		key := node.Content[i]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		path := at.key(key.Value, 0).path
		switch {
		case key.ShortTag() == "!!merge":
			d.faults.add(path, "is a merge of YAML, which is not read; write the keys out")
		case key.Kind != yaml.ScalarNode || key.ShortTag() != "!!str":
			d.faults.add(path, "a key has to be text; write it in quotes")
		case seen[key.Value]:
			d.faults.add(path, "is there twice; delete one of them")
		default:
			seen[key.Value] = true
			read(key.Value, node.Content[i+1])
		}
	}
}

func (d *decoder) listOf(at place, node *yaml.Node, into reflect.Value) {
	into.Set(reflect.MakeSlice(into.Type(), len(node.Content), len(node.Content)))
	for i, entry := range node.Content {
		d.value(at.entry(i), entry, into.Index(i))
	}
}

func (d *decoder) scalar(at place, node *yaml.Node, into reflect.Value) {
	tag := node.ShortTag()
	number := node.Kind == yaml.ScalarNode && (tag == "!!int" || tag == "!!float")
	switch {
	case into.Type() == reflect.TypeFor[budget.Cents]() && number:
		d.cents(at, node, into)
	case into.Type() == reflect.TypeFor[budget.Cents]():
		d.wrongType(at, node, into.Type())
	case into.CanInt() && number:
		d.integer(at, node, into)
	case into.CanFloat() && number:
		d.float(at, node, into)
	case into.Kind() == reflect.Bool && tag == "!!bool":
		into.SetBool(strings.EqualFold(node.Value, "true"))
		return // false is never a default's place-holder
	case into.Kind() == reflect.String && tag == "!!str":
		into.SetString(node.Value)
	default:
		d.wrongType(at, node, into.Type())
	}
	if into.IsZero() {
		d.zeros = append(d.zeros, at)
	}
}

func (d *decoder) cents(at place, node *yaml.Node, into reflect.Value) {
	if readsDifferently(node) {
		d.readDifferently(at, node)
		return
	}
	usd, err := strconv.ParseFloat(node.Value, 64)
	amount, ok := budget.FromUSD(usd)
	if err != nil || !ok {
		d.faults.add(at.path, "%s is not a whole number of cents; write an amount in dollars, such as 80 or 79.50", node.Value)
	}
	into.SetInt(int64(amount))
}

func (d *decoder) float(at place, node *yaml.Node, into reflect.Value) {
	float, err := strconv.ParseFloat(node.Value, 64)
	if err != nil || math.IsNaN(float) || math.IsInf(float, 0) {
		d.faults.add(at.path, "%s is not a decimal number; write one, such as 99.5", node.Value)
		return
	}
	into.SetFloat(float)
}

// decimal is a number as YAML and people read it alike. YAML reads 0100 as 64.
var decimal = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)$`)

// largestWhole is below the numbers of which a float64 has no exact value.
const largestWhole = 1 << 53

func (d *decoder) integer(at place, node *yaml.Node, into reflect.Value) {
	float, err := strconv.ParseFloat(node.Value, 64)
	whole := err == nil && float == math.Trunc(float)
	switch {
	case readsDifferently(node):
		d.readDifferently(at, node)
	case !whole:
		d.faults.add(at.path, "%s is not a whole number; write one, such as 2", node.Value)
	case math.Abs(float) >= largestWhole:
		d.faults.add(at.path, "%s has too many digits; write a whole number, such as 2", node.Value)
	default:
		into.SetInt(int64(float))
	}
}

// readsDifferently reports whether a number has a form that people may read as another number,
// such as 0100.
func readsDifferently(node *yaml.Node) bool {
	return node.ShortTag() == "!!int" && !decimal.MatchString(node.Value)
}

func (d *decoder) readDifferently(at place, node *yaml.Node) {
	var read int64
	if err := node.Decode(&read); err != nil {
		d.faults.add(at.path, "%s is not a decimal number; write one, such as 2", node.Value)
		return
	}
	d.faults.add(at.path, "%s would be read as %d; write the number in decimal digits, without a zero in front", node.Value, read)
}

// wrongType adds the fault of a value that is, for example, a list where a number is needed.
// The field keeps its zero value.
func (d *decoder) wrongType(at place, node *yaml.Node, t reflect.Type) {
	d.faults.add(at.path, "is %s; %s", described(node), wanted(t, node))
}
