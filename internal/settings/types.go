package settings

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/genericcorp/platform/internal/budget"
)

// encrypted reports whether a value is one that `pulumi config set --secret` wrote.
func encrypted(node *yaml.Node) bool {
	return node.Kind == yaml.MappingNode && len(node.Content) == 2 && node.Content[0].Value == "secure"
}

// described says what a value is. It follows "is".
func described(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		if encrypted(node) {
			return "encrypted, and only `pulumi up` can read that"
		}
		return "a map"
	case yaml.SequenceNode:
		return "a list"
	}
	switch tag := node.ShortTag(); tag {
	case "!!str":
		return fmt.Sprintf("the text %q", node.Value)
	case "!!int", "!!float":
		return "the number " + node.Value
	case "!!bool":
		return node.Value
	case "!!timestamp":
		return "the date " + node.Value
	default:
		return "a value with the tag " + tag
	}
}

// wanted says what to write for a type. The node is what was written, or nil for nothing.
func wanted(t reflect.Type, node *yaml.Node) string {
	scalar := node != nil && node.Kind == yaml.ScalarNode
	numeric := false
	if scalar && node.ShortTag() == "!!str" {
		_, err := strconv.ParseFloat(node.Value, 64)
		numeric = err == nil
	}
	switch {
	case t == reflect.TypeFor[budget.Cents]() && numeric:
		return "write the amount without quotes"
	case t == reflect.TypeFor[budget.Cents]():
		return "write an amount in dollars, such as 80 or 79.50"
	case t.Kind() == reflect.Pointer:
		return wanted(t.Elem(), node)
	case t.Kind() == reflect.Struct:
		return "write its keys below it: " + strings.Join(keys(t), ", ")
	case t.Kind() == reflect.Map:
		return "write names with their values below it"
	case t.Kind() == reflect.Slice:
		return "write a list, with a dash before each entry"
	case t.Kind() == reflect.Bool:
		return "write true or false, without quotes"
	case t.Kind() == reflect.String && scalar:
		return fmt.Sprintf("write it in quotes: %q", node.Value)
	case t.Kind() == reflect.String:
		return "write text"
	case t.Kind() == reflect.Float64 && !numeric:
		return "write a number, such as 99.5"
	case numeric:
		return "write the number without quotes"
	}
	if t.Kind() == reflect.Float64 {
		return "write a number, such as 99.5"
	}
	return "write a whole number, such as 2"
}
