package images

import (
	"archive/tar"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// readTar adds the files of an archive to out, with their modes.
func readTar(t *testing.T, from io.Reader, out map[string]int64) {
	t.Helper()
	reader := tar.NewReader(from)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
		out[header.Name] = header.Mode
	}
}
