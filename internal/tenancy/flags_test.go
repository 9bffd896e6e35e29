package tenancy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// grammar describes the arguments and flags that a command accepts.
type grammar struct {
	// positional is the largest number of arguments that are no flags.
	positional int
	// values are the flags with a value, switches those without one.
	values, switches []string
	// columns are the names that --format accepts. A command of doctl without columns has
	// neither --format nor --no-header.
	columns []string
}

// doctl's commands and flags, from commands/databases.go and
// commands/displayers/{database,database_firewall_rules}.go of
// github.com/digitalocean/doctl at commit 168188d3 (2026-08-06). CmdBuilder in
// commands/command.go adds --format and --no-header to commands with a
// displayerType only.
var doctlCommands = map[string]grammar{
	"databases list":             {columns: databaseColumns},
	"databases get":              {positional: 1, columns: databaseColumns},
	"databases get-ca":           {positional: 1, columns: []string{"Certificate"}},
	"databases connection":       {positional: 1, switches: []string{"--private"}, columns: []string{"URI", "Database", "Host", "Port", "User", "Password", "SSL"}},
	"databases user get":         {positional: 2, columns: []string{"Name", "Role", "Password"}},
	"databases firewalls list":   {positional: 1},
	"databases firewalls append": {positional: 1, values: []string{"--rule"}},
	"databases fork":             {positional: 1, values: []string{"--restore-from-cluster-id", "--restore-from-timestamp"}, switches: []string{"--wait"}},
	"databases delete":           {positional: 1, switches: []string{"--force", "-f"}},
}

var databaseColumns = []string{"ID", "Name", "Engine", "Version", "NumNodes", "Region", "Status", "Size", "URI", "Created", "StorageMib"}

// kubectl's, from https://kubernetes.io/docs/reference/kubectl/generated/.
var kubectlCommands = map[string]grammar{
	"delete": {positional: 2, values: []string{"--selector", "-l", "--cascade"}, switches: []string{"--ignore-not-found"}},
	"get":    {positional: 2, values: []string{"--selector", "-l", "-o"}},
	"logs":   {positional: 1, values: []string{"--selector", "-l", "--tail"}},
	"patch":  {positional: 2, values: []string{"--patch", "-p"}},
	"scale":  {positional: 2, values: []string{"--replicas"}},
	"wait":   {positional: 2, values: []string{"--for", "--selector", "-l", "--timeout"}},
}

// pulumi's, from https://www.pulumi.com/docs/iac/cli/commands/. A person answers
// `pulumi up`, so --yes is not in the runbook.
var pulumiCommands = map[string]grammar{
	"up":      {values: []string{"-s", "--stack"}, switches: []string{"--refresh"}},
	"preview": {values: []string{"-s", "--stack"}, switches: []string{"--refresh", "--expect-no-changes"}},
}

// parsed is a command line that its program accepts.
type parsed struct {
	command string
	args    []string
	flags   map[string]string
}

// parse checks a command line as the program does. The error names the unknown command,
// flag or column.
func parse(program string, args []string) (parsed, error) {
	commands, global := doctlCommands, grammar{values: []string{"--output", "-o", "--context"}}
	switch program {
	case "kubectl":
		commands, global = kubectlCommands, grammar{values: []string{"-n", "--namespace"}}
	case "pulumi":
		commands, global = pulumiCommands, grammar{}
	}
	out := parsed{flags: map[string]string{}}
	var words []string
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			words = append(words, args[i+1:]...)
			break
		}
		if !strings.HasPrefix(args[i], "-") {
			words = append(words, args[i])
			continue
		}
		name, value, joined := strings.Cut(args[i], "=")
		if takesValue(name, global, commands) && !joined {
			i++
			if i == len(args) {
				return out, fmt.Errorf("%s: flag needs an argument: %s", program, name)
			}
			value = args[i]
		}
		out.flags[name] = value
	}
	for length := min(3, len(words)); length > 0; length-- {
		if of, known := commands[strings.Join(words[:length], " ")]; known {
			out.command, out.args = strings.Join(words[:length], " "), words[length:]
			return out, out.check(program, of, global)
		}
	}
	return out, fmt.Errorf("%s: unknown command: %s", program, strings.Join(args, " "))
}

// takesValue reports whether any command of the program gives the flag a value.
func takesValue(name string, global grammar, commands map[string]grammar) bool {
	if name == "--format" || slices.Contains(global.values, name) {
		return true
	}
	for _, of := range commands {
		if slices.Contains(of.values, name) {
			return true
		}
	}
	return false
}

func (p parsed) check(program string, of, global grammar) error {
	if len(p.args) > of.positional {
		return fmt.Errorf("%s %s: too many arguments: %v", program, p.command, p.args)
	}
	for name, value := range p.flags {
		switch {
		case slices.Contains(of.values, name), slices.Contains(of.switches, name), slices.Contains(global.values, name):
		case of.columns != nil && name == "--no-header":
		case of.columns != nil && name == "--format":
			for column := range strings.SplitSeq(value, ",") {
				if !slices.Contains(of.columns, column) {
					return fmt.Errorf("%s %s: unknown column %q", program, p.command, column)
				}
			}
		default:
			return fmt.Errorf("%s %s: unknown flag: %s", program, p.command, name)
		}
	}
	return nil
}

func TestUnknownCommandsInARunbookAreRefused(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"doctl databases fork x --restore-from-cluster-name=y":                  "unknown flag: --restore-from-cluster-name",
		"doctl databases firewalls list x --format UUID":                        "unknown flag: --format",
		"doctl databases get x --format PrivateNetworkUUID":                     `unknown column "PrivateNetworkUUID"`,
		"doctl databases restore x":                                             "unknown command",
		"doctl databases delete x y":                                            "too many arguments",
		"doctl databases firewalls append x --rule":                             "flag needs an argument: --rule",
		"kubectl -n app scale deployment app --replica=0":                       "unknown flag: --replica",
		"pulumi preview --expect-no-change -s prod":                             "unknown flag: --expect-no-change",
		"doctl databases connection x --format Host --no-header --private":      "",
		"kubectl -n tenants logs --selector=app.kubernetes.io/name=x --tail=50": "",
	} {
		fields := strings.Fields(line)
		_, err := parse(fields[0], fields[1:])
		if want == "" {
			require.NoError(t, err, line)
			continue
		}
		assert.ErrorContains(t, err, want, line)
	}
}
