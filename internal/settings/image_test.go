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

func TestAppImageFollowsTheGrammarOfContainerRuntimes(t *testing.T) {
	for _, image := range []string{
		"ghcr.io//app:1", "ghcr.io/acme/:1", "ghcr.io/acme/App:1", "ghcr.io/acme/app:-1", "ghcr.io/acme/a..b:1", "http://ghcr.io/acme/app:1",
		"ghcr.io:99999/acme/app:1", "ghcr.io:0/acme/app:1", "ghcr.io/acme/app:" + strings.Repeat("x", 129), "ghcr.io/" + strings.Repeat("a", 300) + ":1", " app:1", "app:1 ",
	} {
		_, err := settings.Load([]byte(least + "app: {image: \"" + image + "\"}\n"))
		assert.ErrorContains(t, err, "is not an image such as ghcr.io/acme/app:1.2.3", image)
	}
	for _, image := range []string{"app:1.2.3", "acme/app:1", "ghcr.io/acme/a__b:v1.", "localhost:5000/app:1"} {
		_, err := settings.Load([]byte(least + "app: {image: \"" + image + "\"}\n"))
		assert.NoError(t, err, image)
	}
}

func TestPathsOfTheAppAreWrittenAsInARequest(t *testing.T) {
	for path, ok := range map[string]bool{
		"/": true, "/healthz": true, "/a/b-c_d.e~f": true, "/x?ready=1": true, "/a%20b": true,
		"healthz": false, "/a b": false, "/a\\u0000": false, "/a\\nb": false, "//host/x": false, "/é": false, "/%zz": false, "/x#y": false, "http://x/y": false,
	} {
		for _, key := range []string{"healthPath", "readyPath", "metricsPath"} {
			_, err := settings.Load([]byte(least + "app: {" + key + ": \"" + path + "\"}\n"))
			if ok {
				assert.NoError(t, err, path)
			} else {
				assert.ErrorContains(t, err, "settings.app."+key+": ", path)
				assert.ErrorContains(t, err, "is not the path of a URL such as /healthz", path)
			}
		}
	}
}

func TestEnvironmentVariablesThatNoContainerStartsWithAreFaults(t *testing.T) {
	value := func(n int) string { return strings.Repeat("x", n) }
	for name, c := range map[string]struct{ env, want string }{
		"a long one":  {"A: " + value(128<<10), "settings.app.env.A: has 131072 bytes, and Linux starts no container with a variable of more than 131072"},
		"a zero byte": {`A: "a\0b"`, "settings.app.env.A: contains a zero byte"},
	} {
		_, err := settings.Load([]byte(least + "app:\n  env: {" + c.env + "}\n"))
		assert.ErrorContains(t, err, c.want, name)
	}
	_, err := settings.Load([]byte(least + "app:\n  env: {A: " + value(128<<10-3) + "}\n"))
	assert.NoError(t, err, "131072 bytes with the name, the equals sign and the zero byte at its end")
}
