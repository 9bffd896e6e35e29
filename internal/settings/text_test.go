package settings_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
)

// soon is the time in which everything is refused. It is a tenth of that on an idle machine, and
// minutes without the checks.
const soon = 5 * time.Second

// hostile are texts that keep a careless reader busy, each with the fault that refuses it.
var hostile = map[string]struct{ text, fault string }{
	"too many bytes":       {least + "# " + strings.Repeat("x", settings.MaxFileBytes), "bytes, and at most"},
	"a long text":          {least + "app: {env: {A: \"" + strings.Repeat("x", settings.MaxFileBytes) + "\"}}", "bytes, and at most"},
	"deep lists":           {"tenants: " + strings.Repeat("[", 9900) + strings.Repeat("]", 9900), "more than 50 levels"},
	"deep maps":            {"app: " + strings.Repeat("{a: ", 9900) + "b" + strings.Repeat("}", 9900), "more than 50 levels"},
	"deep dashes":          {"tenants:\n" + strings.Repeat("- ", 9900) + "a\n", "more than 50 levels"},
	"brackets in quotes":   {"tenants: " + strings.Repeat("[\"]\", ", 5000) + strings.Repeat("]", 5000), "more than 50 levels"},
	"deeper than YAML may": {"tenants: " + strings.Repeat("[", 20000) + strings.Repeat("]", 20000), "is not YAML"},
	"many entries":         {least + "tenants: [" + strings.Repeat("a,", 300_000) + "]", "lines, entries and keys"},
	"many empty tenants":   {least + "tenants: [" + strings.Repeat("{},", 40_000) + "]", "at most 1000"},
	"many unknown keys":    {least + manyKeys(40_000), "is no setting"},
	"many lines":           {strings.Repeat("\n", 300_000) + least, "lines, entries and keys"},
	"aliases of aliases":   {"a: &a [x,x,x,x,x,x,x,x,x]\n" + billion(), "is no setting"},
	"an alias of itself":   {least + "tenants: &a [*a]\n", "settings"},
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("k" + strings.Repeat("z", i%3) + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676%26)) + string(rune('a'+i/17576%26)) + ": 1\n")
	}
	return b.String()
}

// billion returns lists of which each has nine times the one before.
func billion() string {
	var b strings.Builder
	for c := 'b'; c < 'l'; c++ {
		before := "*" + string(c-1)
		b.WriteString(string(c) + ": &" + string(c) + " [" + strings.Repeat(before+",", 8) + before + "]\n")
	}
	return b.String()
}

func TestTextsThatWouldTakeLongAreRefusedSoon(t *testing.T) {
	indented := func(text string) []byte {
		return append([]byte("config:\n  platform:settings:\n    "), bytes.ReplaceAll([]byte(text), []byte("\n"), []byte("\n    "))...)
	}
	for name, h := range hostile {
		start := time.Now()
		_, err := settings.Load([]byte(h.text))
		took := time.Since(start)
		assert.Less(t, took, soon, name)
		if assert.Error(t, err, name) {
			assert.Contains(t, err.Error(), h.fault, name)
			assert.Less(t, len(err.Error()), 100_000, name)
		}
		start = time.Now()
		_, err = settings.LoadStackFile(indented(h.text))
		took = time.Since(start)
		assert.Error(t, err, name)
		assert.Less(t, took, soon, "%s in a stack file", name)
	}
}

func TestReadFileRefusesWhatIsNoSmallRegularFile(t *testing.T) {
	folder := t.TempDir()
	at := func(name string) string { return filepath.Join(folder, name) }
	require.NoError(t, syscall.Mkfifo(at("pipe"), 0o600))
	require.NoError(t, os.Symlink("pipe", at("link to the pipe")))
	require.NoError(t, os.Symlink("/dev/zero", at("device")))
	big, err := os.Create(at("big"))
	require.NoError(t, err)
	require.NoError(t, big.Truncate(50<<20))
	require.NoError(t, big.Close())
	require.NoError(t, os.WriteFile(at("small"), []byte("a: b"), 0o600))
	for name, fault := range map[string]string{
		"pipe": "is not a regular file", "link to the pipe": "is not a regular file", "device": "is not a regular file",
		".": "is not a regular file", "big": "has more than 3 MiB", "none": "no such file",
	} {
		start := time.Now()
		_, err := settings.ReadFile(at(name))
		assert.ErrorContains(t, err, fault, name)
		assert.Less(t, time.Since(start), soon, name)
	}
	data, err := settings.ReadFile(at("small"))
	require.NoError(t, err)
	assert.Equal(t, "a: b", string(data))
}

func TestAnEmptyTextIsAFault(t *testing.T) {
	for _, text := range []string{"", "\n", "# nothing\n", "---\n"} {
		_, err := settings.Load([]byte(text))
		require.ErrorContains(t, err, "settings", text)
	}
}
