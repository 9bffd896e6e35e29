package images

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestForPodChoosesTheImageByItsRepository(t *testing.T) {
	known := []Image{{Name: "traefik"}, {Name: "pgbouncer"}, {Name: "pgbouncer-exporter"}, {Name: "cert-manager"}, {Name: "cert-manager-startupapicheck"}}
	for reference, want := range map[string]string{
		"docker.io/library/traefik:v3.7.11@sha256:5203c3f39ca70de6790d964624e042463ffbd57715bc82be155cf224c0dd5144": "traefik",
		"ghcr.io/cloudnative-pg/pgbouncer:1.26.0":                  "pgbouncer",
		"quay.io/prometheuscommunity/pgbouncer-exporter:v0.12.0":   "pgbouncer-exporter",
		"quay.io/jetstack/cert-manager-controller:v1.21.2":         "cert-manager",
		"quay.io/jetstack/cert-manager-startupapicheck:v1.21.2":    "cert-manager-startupapicheck",
		"registry.example.com/system:1":                            "pause",
		"registry.example.com:5000/team/traefik@sha256:0000000000": "traefik",
	} {
		assert.Equal(t, want, ForPod(reference, known), reference)
	}
}

// containerd's CRI plugin looks for the name without the tag if there is a digest.
func TestStoredIsTheNameThatContainerdLooksFor(t *testing.T) {
	const digest = "sha256:5203c3f39ca70de6790d964624e042463ffbd57715bc82be155cf224c0dd5144"
	for reference, want := range map[string]string{
		"docker.io/library/traefik:v3.7.11@" + digest: "docker.io/library/traefik@" + digest,
		"traefik:v3": "docker.io/library/traefik:v3",
		"traefik":    "docker.io/library/traefik:latest",
		"ghcr.io/cloudnative-pg/pgbouncer:1.26.0": "ghcr.io/cloudnative-pg/pgbouncer:1.26.0",
	} {
		assert.Equal(t, want, Stored(reference), reference)
	}
}

func TestWriteMakesAnImageWithItsFilesForAUserWhoIsNotRoot(t *testing.T) {
	source, folder := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(source, "run"), []byte("#!/bin/sh\n"), 0o600))
	image := Image{
		Name: "app", Files: map[string]string{"/app": source}, Texts: map[string]string{"/etc/passwd": "app\n"},
		Entrypoint: []string{"/app/run"}, Env: []string{"PATH=/bin"},
	}
	require.NoError(t, Write(folder, []Image{image}))
	tag, err := name.NewTag(Local("app"))
	require.NoError(t, err)
	written, err := tarball.ImageFromPath(filepath.Join(folder, "app.tar"), &tag)
	require.NoError(t, err)
	config, err := written.ConfigFile()
	require.NoError(t, err)
	assert.Equal(t, "linux", config.OS)
	assert.Equal(t, architecture, config.Architecture)
	assert.Equal(t, user, config.Config.User)
	assert.Equal(t, []string{"/app/run"}, config.Config.Entrypoint)
	files := map[string]int64{}
	reader := mutate.Extract(written)
	defer reader.Close()
	readTar(t, reader, files)
	assert.Equal(t, map[string]int64{"app/run": 0o755, "etc/passwd": 0o755}, files)
}

func TestWithToolsHasEveryLibraryOfAProgram(t *testing.T) {
	image, err := WithTools("tools")
	require.NoError(t, err)
	assert.Contains(t, image.Files, "/bin/sh")
	for _, file := range image.Files {
		libraries, err := librariesOf(file)
		require.NoError(t, err)
		for _, library := range libraries {
			assert.Contains(t, image.Files, library, "%s needs it", file)
		}
	}
}
