package images

import (
	"archive/tar"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWriteKeepsTheCapabilityOfAProgramAndTheVolumeOfTheImage(t *testing.T) {
	folder := t.TempDir()
	program := filepath.Join(t.TempDir(), "program")
	require.NoError(t, os.WriteFile(program, []byte("program"), 0o600))
	image := Image{Name: "app", Files: map[string]string{"/program": program}, LowPorts: "/program", Volume: "/data", User: "0"}
	require.NoError(t, Write(folder, []Image{image}))
	tag, err := name.NewTag(Local("app"))
	require.NoError(t, err)
	written, err := tarball.ImageFromPath(filepath.Join(folder, "app.tar"), &tag)
	require.NoError(t, err)
	config, err := written.ConfigFile()
	require.NoError(t, err)
	assert.Equal(t, map[string]struct{}{"/data": {}}, config.Config.Volumes)
	assert.Equal(t, "0", config.Config.User)
	reader := mutate.Extract(written)
	defer reader.Close()
	header, err := tar.NewReader(reader).Next()
	require.NoError(t, err)
	assert.Equal(t, "program", header.Name)
	assert.Equal(t, netBindService, header.PAXRecords["SCHILY.xattr.security.capability"])
	assert.Len(t, netBindService, 20, "the size that the kernel requires")
}
