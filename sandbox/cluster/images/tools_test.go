package images

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// command matches a word where a shell expects a command.
var command = regexp.MustCompile(`(?:^|[|;&(]|\b(?:if|then|else|do|while|until)\b|!)\s*([a-z][a-z0-9_]*)(?:\s|$)`)

// function matches the declaration of a function.
var function = regexp.MustCompile(`(?m)^\s*([a-z][a-z0-9_]*)\(\)`)

// ofShell are words that the shell itself knows, and programs of PostgreSQL and PgBouncer.
var ofShell = []string{
	"break", "case", "cd", "continue", "do", "done", "echo", "elif", "else", "esac", "eval", "exec", "exit", "export", "false", "fi", "for", "if", "local", "printf", "read",
	"return", "set", "shift", "test", "then", "trap", "true", "type", "ulimit", "umask", "unset", "until", "wait", "while",
	"pg_dump", "pg_restore", "psql", "pgbouncer",
}

func TestImagesHaveEveryProgramThatTheScriptsOfThePlatformCall(t *testing.T) {
	scripts, err := filepath.Glob("../../../internal/tenancy/*/*.sh")
	require.NoError(t, err)
	scripts = append(scripts, "../../../internal/tenancy/pooler.sh")
	called := 0
	for _, script := range scripts {
		data, err := os.ReadFile(script)
		require.NoError(t, err)
		known := slices.Clone(ofShell)
		for _, match := range function.FindAllStringSubmatch(string(data), -1) {
			known = append(known, match[1])
		}
		for line := range strings.Lines(string(data)) {
			if strings.HasPrefix(strings.TrimSpace(line), "#") {
				continue
			}
			for _, match := range command.FindAllStringSubmatch(line, -1) {
				// Words of SQL are no programs of this machine.
				if _, err := exec.LookPath(match[1]); err != nil || slices.Contains(known, match[1]) {
					continue
				}
				called++
				assert.Contains(t, tools, match[1], "%s: %s", script, line)
			}
		}
	}
	assert.Greater(t, called, 20)
}
