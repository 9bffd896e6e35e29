package browser_test

import (
	"bytes"
	"flag"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/browser"
)

var write = flag.Bool("screenshots", false, "write the screenshots of the documentation")

const (
	root       = "../.."
	maxPicture = 200_000 // bytes
)

// The time is fixed, so that the pictures of two runs on one machine are the same.
func TestScreenshotsAreSmallAndShownInTheDocumentation(t *testing.T) {
	site, _ := serve(t, func() time.Time { return time.Date(2026, 11, 27, 14, 10, 0, 0, time.UTC) })
	pictures := browser.Pictures(t, browser.Start(t, site))
	require.Len(t, pictures, 4)
	demo, err := os.ReadFile(filepath.Join(root, "docs", "demo.md"))
	require.NoError(t, err)
	for _, p := range pictures {
		path := filepath.Join(root, "docs", "images", p.Name+".png")
		if *write {
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, p.PNG, 0o644))
		}
		stored, err := os.ReadFile(path)
		require.NoError(t, err, "the screenshot is missing; `make screenshots` writes it")
		for _, data := range [][]byte{p.PNG, stored} {
			assert.Less(t, len(data), maxPicture, p.Name)
			size, err := png.DecodeConfig(bytes.NewReader(data))
			require.NoError(t, err)
			assert.EqualValues(t, float64(p.Device.Width)*p.Device.Scale, size.Width, "%s; `make screenshots` writes it", p.Name)
		}
		assert.Regexp(t, `!\[[^\]]{20,}\]\(images/`+p.Name+`\.png\)`, string(demo), "docs/demo.md shows each screenshot, with a text for those who cannot see it")
	}
	files, err := filepath.Glob(filepath.Join(root, "docs", "images", "*"))
	require.NoError(t, err)
	assert.Len(t, files, len(pictures), "files of docs/images")
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	assert.Len(t, regexp.MustCompile(`!\[[^\]]{20,}\]\(docs/images/\w+\.png\)`).FindAll(readme, -1), 1, "README.md shows one screenshot")
}
