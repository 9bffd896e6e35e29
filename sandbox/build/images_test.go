package build

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCopyOfAPatchedModuleWritesEachVersionOnce(t *testing.T) {
	parent, source := t.TempDir(), filepath.Join("..", "..", "tools", "traefik")
	var copies sync.WaitGroup
	folders, errs := [2]string{}, [2]error{}
	for i := range folders {
		copies.Go(func() { folders[i], errs[i] = withoutDNS.copy(parent, source) })
	}
	copies.Wait()
	for i := range folders {
		require.NoError(t, errs[i])
		assert.Equal(t, folders[0], folders[i])
	}
	written, err := os.Stat(filepath.Join(folders[0], "go.mod"))
	require.NoError(t, err)
	entries, err := os.ReadDir(parent)
	require.NoError(t, err)
	assert.Len(t, entries, 1, "no part is left")

	again, err := withoutDNS.copy(parent, source)
	require.NoError(t, err)
	assert.Equal(t, folders[0], again)
	same, err := os.Stat(filepath.Join(again, "go.mod"))
	require.NoError(t, err)
	assert.Equal(t, written.ModTime(), same.ModTime())

	changed := t.TempDir()
	require.NoError(t, os.CopyFS(changed, os.DirFS(source)))
	require.NoError(t, os.WriteFile(filepath.Join(changed, "new.go"), []byte("package tools\n"), 0o600))
	other, err := withoutDNS.copy(parent, changed)
	require.NoError(t, err)
	assert.NotEqual(t, folders[0], other)
	providers, err := os.ReadFile(filepath.Join(other, "changed", "providers", "dns", "zz_gen_dns_providers.go"))
	require.NoError(t, err)
	assert.Equal(t, withoutDNS.content, string(providers))
}
