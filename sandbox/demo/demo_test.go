package demo

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
)

func TestWriteStackFileChangesOnlyTheDomain(t *testing.T) {
	root := filepath.Join("..", "..")
	d := New(root, root, t.TempDir(), "demo", Ports{HTTPS: 443}, 0, io.Discard, io.Discard)
	require.NoError(t, d.writeStackFile())
	declared, err := os.ReadFile(filepath.Join(root, "Pulumi.demo.yaml"))
	require.NoError(t, err)
	written, err := os.ReadFile(filepath.Join(d.Root, "Pulumi.demo.yaml"))
	require.NoError(t, err)
	assert.Contains(t, string(written), "    domain: demo.localhost\n    zone: demo.localhost\n")
	assert.NotContains(t, string(written), "demo.genericcorp.com")
	_, err = settings.LoadStackFile(written)
	require.NoError(t, err, "the program accepts it")
	assert.Len(t, lines(written), len(lines(declared)))
	different := 0
	for i, line := range lines(written) {
		if line != lines(declared)[i] {
			different++
		}
	}
	assert.Equal(t, 2, different)
}

func lines(text []byte) []string { return strings.Split(string(text), "\n") }

func TestURLHasThePortUnlessItIsTheDefault(t *testing.T) {
	for port, want := range map[int]string{443: "https://acme.demo.localhost", 8443: "https://acme.demo.localhost:8443"} {
		d := New("", "", "", "demo", Ports{HTTPS: port}, 0, nil, nil)
		assert.Equal(t, want, d.URL("acme."+d.Domain()))
	}
}

func TestDemoTenantIsTheOneInTheStackFile(t *testing.T) {
	root := filepath.Join("..", "..")
	for stack, want := range map[string]string{"demo": "acme", "prod": ""} {
		d := New(root, root, t.TempDir(), stack, Ports{}, 0, io.Discard, io.Discard)
		require.NoError(t, d.writeStackFile())
		tenant, err := d.demoTenant()
		require.NoError(t, err)
		assert.Equal(t, want, tenant, stack)
	}
}

// The path is that of the engine's file backend.
func TestUpStartsAnewAfterARunOfTheEngineThatWasKilled(t *testing.T) {
	d := New("", "", t.TempDir(), "demo", Ports{}, 0, io.Discard, io.Discard)
	interrupted, err := d.interrupted()
	require.NoError(t, err)
	assert.False(t, interrupted)
	lock := filepath.Join(d.Folder, "state", ".pulumi", "locks", "organization", "platform", "demo", "4b1f.json")
	require.NoError(t, os.MkdirAll(filepath.Dir(lock), 0o700))
	require.NoError(t, os.WriteFile(lock, []byte("{}"), 0o600))
	interrupted, err = d.interrupted()
	require.NoError(t, err)
	assert.True(t, interrupted)
}
