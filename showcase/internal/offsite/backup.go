package offsite

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
)

// backupName is the name of a backup's dump. Its other files have the same name with a suffix.
var backupName = regexp.MustCompile(`^\d{8}T\d{6}Z\.dump$`)

// The other files of a backup. A complete backup has both.
const (
	sumSuffix     = ".sha256"
	digestsSuffix = ".digests"
)

// parts are the suffixes of a backup's files in the order of the archive: the dump is the last one, so that
// its SHA-256 is known before it is read.
var parts = []string{sumSuffix, digestsSuffix, ""}

// backup is a complete backup in the folder of the backups.
type backup struct {
	folder, name string
	// sum is the SHA-256 of the dump, as its file says.
	sum     string
	written time.Time
	// files are the headers of the archive, in the order of parts.
	files []*tar.Header
}

// old says that the backup should have a copy by now.
func (b backup) old() bool { return time.Since(b.written) > time.Hour }

// sealedBackups returns the complete backups in a folder, the oldest first. The file with the SHA-256
// is written before the dump gets its name.
func sealedBackups(folder string) ([]backup, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var out []backup
	for _, entry := range entries {
		if !backupName.MatchString(entry.Name()) {
			continue
		}
		b, err := open(folder, entry.Name())
		if os.IsNotExist(err) {
			continue // it is being deleted, or somebody deleted a part of it
		}
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b backup) int { return strings.Compare(a.name, b.name) })
	return out, nil
}

func open(folder, name string) (backup, error) {
	b := backup{folder: folder, name: name}
	for _, suffix := range parts {
		info, err := os.Stat(filepath.Join(folder, name+suffix))
		if err != nil {
			return b, err
		}
		b.files = append(b.files, &tar.Header{Name: name + suffix, Mode: 0o600, Size: info.Size(), ModTime: info.ModTime().Truncate(time.Second)})
		b.written = info.ModTime()
	}
	sum, err := os.ReadFile(filepath.Join(folder, name+sumSuffix))
	b.sum = sumIn(string(sum))
	return b, err
}

// sumIn returns the SHA-256 in a line of sha256sum.
func sumIn(line string) string {
	sum, _, _ := strings.Cut(line, " ")
	return sum
}

// write writes the archive. It returns an error at the end if the dump does not have its SHA-256.
func (b backup) write(to io.Writer) error {
	archive := tar.NewWriter(to)
	for i, suffix := range parts {
		hash := sha256.New()
		if err := add(archive, b.files[i], filepath.Join(b.folder, b.name+suffix), hash); err != nil {
			return err
		}
		if suffix == "" && hex.EncodeToString(hash.Sum(nil)) != b.sum {
			return fmt.Errorf("%s in the folder of the backups is damaged: its SHA-256 differs from %s%s; it is not copied. Make another backup", b.name, b.name, sumSuffix)
		}
	}
	return archive.Close()
}

func add(archive *tar.Writer, header *tar.Header, path string, hash hash.Hash) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // it was only read
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(io.MultiWriter(archive, hash), file)
	return err
}

// size returns the number of bytes that encrypt writes.
func (b backup) size(recipients []age.Recipient) (int64, error) {
	const block, end = 512, 1024 // of a tar archive
	var total counter = end
	for _, header := range b.files {
		if err := tar.NewWriter(&total).WriteHeader(header); err != nil {
			return 0, err
		}
		total += counter((header.Size + block - 1) / block * block)
	}
	if len(recipients) == 0 {
		return int64(total), nil
	}
	// age encrypts chunks of 64 KiB, and adds 16 bytes to each. An empty file has one empty chunk.
	const chunk, tag = 64 << 10, 16
	var empty counter
	writer, err := age.Encrypt(&empty, recipients...)
	if err != nil {
		return 0, err
	}
	if err := writer.Close(); err != nil {
		return 0, err
	}
	return int64(empty+total) + (int64(total)+chunk-1)/chunk*tag - tag, nil
}

// encrypt writes the archive, encrypted if there are recipients.
func (b backup) encrypt(to io.Writer, recipients []age.Recipient) error {
	if len(recipients) == 0 {
		return b.write(to)
	}
	writer, err := age.Encrypt(to, recipients...)
	if err != nil {
		return err
	}
	if err := b.write(writer); err != nil {
		return err
	}
	return writer.Close()
}

// counter counts the bytes that are written to it.
type counter int64

func (c *counter) Write(data []byte) (int, error) {
	*c += counter(len(data))
	return len(data), nil
}
