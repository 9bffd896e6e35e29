package settings_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
)

func TestAppImageMayHaveATagADigestOrBoth(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("0a", 32)
	for _, image := range []string{
		"ghcr.io/acme/app:1.2.3",
		"ghcr.io/acme/app" + digest,
		"ghcr.io/acme/app:1.2.3" + digest,
		"registry.example.com:5000/acme/app:1.2.3" + digest,
		"ghcr.io/acme/app:latest" + digest,
	} {
		s, err := settings.Load([]byte(least + "app: {image: \"" + image + "\"}\n"))
		require.NoError(t, err, image)
		assert.Equal(t, image, s.App.Image)
	}
}

func TestAppImageWithAMalformedDigestIsAFault(t *testing.T) {
	for _, digest := range []string{"@sha256:0a", "@sha256:" + strings.Repeat("0A", 32), "@md5:" + strings.Repeat("0a", 16), "@"} {
		_, err := settings.Load([]byte(least + "app: {image: \"ghcr.io/acme/app:1.2.3" + digest + "\"}\n"))
		require.ErrorContains(t, err, "app.image", digest)
	}
}
