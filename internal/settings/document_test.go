package settings_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/golden"
)

// labels begin the lines of a field's comment that become columns of the table.
var labels = []string{"Default", "Values", "Cost", "Change"}

// TestTheSettingsPageHasEveryKeyWithItsComment generates the tables of docs/settings.md with
// the flag -update, and otherwise compares them.
func TestTheSettingsPageHasEveryKeyWithItsComment(t *testing.T) {
	page := document{structs: structs(t), defaults: map[string]reflect.Value{}}
	s, err := settings.Load([]byte(least + "tenants: [{name: acme}]\n"))
	require.NoError(t, err)
	page.table(t, "", reflect.ValueOf(s))
	assert.Greater(t, page.keys, 50, "keys of the table")
	text := regexp.MustCompile("`[^`]*`").ReplaceAllString(page.text.String(), "")
	assert.NotContains(t, text, "<", "outside of backticks, Markdown reads <domain> as an HTML tag and does not show it")
	golden.Section(t, "../../docs/settings.md", "settings", page.text.String())
}

// document collects the tables of docs/settings.md.
type document struct {
	structs  map[string]*ast.TypeSpec
	defaults map[string]reflect.Value
	text     strings.Builder
	keys     int
}

// structs returns the package's type declarations by name.
func structs(t *testing.T) map[string]*ast.TypeSpec {
	t.Helper()
	out := map[string]*ast.TypeSpec{}
	for _, file := range []string{"settings.go", "nodes.go", "pricing.go", "alerts.go", "alerts_digitalocean.go", "oauth.go", "tenant.go"} {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, declared := range parsed.Decls {
			group, ok := declared.(*ast.GenDecl)
			if !ok || group.Tok != token.TYPE {
				continue
			}
			for _, spec := range group.Specs {
				spec := spec.(*ast.TypeSpec)
				spec.Doc = group.Doc
				out[spec.Name.Name] = spec
			}
		}
	}
	return out
}

// table writes the keys of a struct, then those of the structs in it. value has the defaults.
func (d *document) table(t *testing.T, prefix string, value reflect.Value) {
	t.Helper()
	spec := d.structs[value.Type().Name()]
	require.NotNil(t, spec, "no declaration of %s", value.Type())
	if prefix != "" {
		fmt.Fprintf(&d.text, "\n### %s\n\n%s\n", strings.TrimSuffix(prefix, "."), sentence(spec.Doc.Text(), value.Type().Name()))
	}
	d.text.WriteString("\n| key | type | what it does | default | values | cost | a change |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	var nested []int
	for i := range value.NumField() {
		field := value.Type().Field(i)
		switch key := field.Tag.Get("yaml"); {
		case key == "-":
		case structure(value.Field(i)).IsValid():
			nested = append(nested, i)
		default:
			d.row(t, prefix+key, field.Name, value.Field(i), comment(t, spec, field.Name))
		}
	}
	for _, i := range nested {
		key := value.Type().Field(i).Tag.Get("yaml")
		if value.Field(i).Kind() == reflect.Slice {
			key += "[]"
		}
		d.table(t, prefix+key+".", structure(value.Field(i)))
	}
}

// structure returns the struct of a field, or the first struct of a list. It returns the zero
// Value for any other field.
func structure(field reflect.Value) reflect.Value {
	if field.Kind() == reflect.Slice && field.Type().Elem().Kind() == reflect.Struct {
		return field.Index(0)
	}
	if field.Kind() == reflect.Struct {
		return field
	}
	return reflect.Value{}
}

func comment(t *testing.T, spec *ast.TypeSpec, field string) string {
	t.Helper()
	for _, f := range spec.Type.(*ast.StructType).Fields.List {
		if len(f.Names) == 1 && f.Names[0].Name == field {
			return f.Doc.Text()
		}
	}
	require.Fail(t, "a key has to have a comment of its own", "%s.%s", spec.Name.Name, field)
	return ""
}

func (d *document) row(t *testing.T, key, field string, value reflect.Value, comment string) {
	t.Helper()
	d.keys++
	text, columns := split(comment)
	required := strings.HasSuffix(text, " Required.")
	if required {
		text, columns["Default"] = strings.TrimSuffix(text, " Required."), "required"
	}
	assert.NotEmpty(t, columns["Default"], "%s: its comment has no line Default:", key)
	assert.NotEmpty(t, columns["Change"], "%s: its comment has no line Change:", key)
	fromOthers := key == "ingress.hstsIncludeSubdomains" || key == "alerts.digitalocean.email"
	if !required && !fromOthers {
		assert.Equal(t, inComment(value), strings.Trim(columns["Default"], `"`), "%s: the default in its comment", key)
	}
	fmt.Fprintf(&d.text, "| `%s` | %s | %s |", key, kind(value.Type()), sentence(text, field))
	for _, label := range labels {
		fmt.Fprintf(&d.text, " %s |", columns[label])
	}
	d.text.WriteString("\n")
}

// split separates the lines of a comment that begin with a label.
func split(comment string) (text string, columns map[string]string) {
	columns = map[string]string{}
	current := ""
	for line := range strings.Lines(comment) {
		line = strings.TrimSpace(line)
		for _, label := range labels {
			if rest, found := strings.CutPrefix(line, label+":"); found {
				current, line = label, strings.TrimSpace(rest)
			}
		}
		columns[current] = strings.TrimSpace(columns[current] + " " + line)
	}
	text = columns[""]
	for label, column := range columns {
		columns[label] = keyNames(strings.TrimSuffix(column, "."))
	}
	return text, columns
}

// sentence returns a comment without the Go name at its beginning, and with keys instead of
// Go names.
func sentence(comment, name string) string {
	comment = strings.ReplaceAll(strings.TrimSpace(comment), "\n", " ")
	for _, verb := range []string{" is ", " are ", " has "} {
		comment = strings.TrimPrefix(comment, name+verb)
	}
	comment = strings.TrimPrefix(comment, name+" ")
	comment = keyNames(comment)
	return strings.ToUpper(comment[:1]) + comment[1:]
}

// keyNames replaces the names of Go fields with the names of their keys.
func keyNames(text string) string {
	for _, field := range []string{"Domain", "Zone", "RenamedFrom"} {
		text = strings.ReplaceAll(text, " "+field, " `"+strings.ToLower(field[:1])+field[1:]+"`")
	}
	return text
}

// kind returns the name of a type for readers of the stack file.
func kind(of reflect.Type) string {
	switch {
	case of == reflect.TypeFor[budget.Cents]():
		return "dollars"
	case of.Kind() == reflect.Pointer:
		return kind(of.Elem())
	case of.Kind() == reflect.Slice:
		return "list of " + kind(of.Elem())
	}
	return map[reflect.Kind]string{reflect.String: "text", reflect.Int: "number", reflect.Float64: "number", reflect.Bool: "true or false", reflect.Map: "map"}[of.Kind()]
}

// inComment returns a default in the notation of the comments.
func inComment(value reflect.Value) string {
	switch v := value.Interface().(type) {
	case budget.Cents:
		return strings.TrimSuffix(strings.TrimPrefix(v.String(), "$"), ".00")
	case []budget.Cents:
		var out []string
		for i := range v {
			out = append(out, inComment(value.Index(i)))
		}
		return strings.Join(out, ", ")
	case map[string]string, map[string]budget.Cents, []string:
		return "none"
	case string:
		if v == "" {
			return "empty"
		}
	}
	return fmt.Sprint(value.Interface())
}
