package offsite

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"github.com/minio/minio-go/v7"
)

// Fetch copies a backup from the bucket into the folder of the backups. After an error the folder is as it
// was. An encrypted copy has priority over another one of the same backup.
func (s *Store) Fetch(ctx context.Context, name string) error {
	found, err := s.copies(ctx)
	if err != nil {
		return err
	}
	name = backupOf(filepath.Base(name))
	key, size := "", int64(0)
	for _, suffix := range []string{plain, encrypted} {
		if object, there := found[name+suffix]; there {
			key, size = object.Key, object.Size
		}
	}
	if key == "" {
		return fmt.Errorf("the bucket %s has no backup %s; it has: %s", s.config.Bucket, name, strings.Join(newestFirst(found), " "))
	}
	for _, suffix := range parts {
		if _, err := os.Lstat(s.path(name + suffix)); !os.IsNotExist(err) {
			return fmt.Errorf("%s%s is in the folder of the backups already; move it away first", name, suffix)
		}
	}
	object, err := s.client.GetObject(ctx, s.config.Bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return s.explain(err)
	}
	defer object.Close() //nolint:errcheck // it was only read
	source := &remembering{Reader: object}
	err = s.unpack(source, name, strings.HasSuffix(key, encrypted))
	if source.err != nil {
		err = s.explain(source.err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	fmt.Fprintf(s.out, "offsite: %s (%d bytes) was fetched, and its SHA-256 is right. Next: docker compose run --rm restore %s\n", key, size, name)
	return nil
}

func (s *Store) path(name string) string { return filepath.Join(s.config.BackupsDir, name) }

// draft ends the name of a file that is not complete.
const draft = ".part"

// unpack decrypts and unpacks a copy, and gives the files their names when all are complete.
func (s *Store) unpack(from io.Reader, name string, isEncrypted bool) error {
	defer func() {
		for _, suffix := range parts {
			_ = os.Remove(s.path(name + suffix + draft)) // most are not there
		}
	}()
	if isEncrypted {
		var err error
		if from, err = s.decrypt(from); err != nil {
			return err
		}
	}
	if err := s.extract(tar.NewReader(from), name); err != nil {
		return err
	}
	// Its end has the authentication of the last chunk.
	if _, err := io.Copy(io.Discard, from); err != nil {
		return damaged(err)
	}
	for _, suffix := range parts {
		if err := os.Rename(s.path(name+suffix+draft), s.path(name+suffix)); err != nil {
			return err
		}
	}
	return nil
}

// decrypt returns a reader of the decrypted copy.
func (s *Store) decrypt(from io.Reader) (io.Reader, error) {
	if s.config.IdentityFile == "" {
		return nil, errors.New("the backup is encrypted; set AGE_IDENTITY_FILE to the file of the private key")
	}
	file, err := os.Open(s.config.IdentityFile)
	if err != nil {
		return nil, fmt.Errorf("the backup is encrypted, and the file of the private key cannot be read: %w", err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	identities, err := age.ParseIdentities(file)
	if err != nil {
		return nil, fmt.Errorf("the file %s has no private key of age, which begins with AGE-SECRET-KEY-", s.config.IdentityFile)
	}
	decrypted, err := age.Decrypt(from, identities...)
	var wrong *age.NoIdentityMatchError
	if errors.As(err, &wrong) {
		return nil, fmt.Errorf("the private key in %s is not the one for this backup; use the key whose public key was in AGE_RECIPIENTS", s.config.IdentityFile)
	}
	if err != nil {
		return nil, damaged(err)
	}
	return decrypted, nil
}

// extract writes the files of the archive as drafts. They must be the parts of the backup, in their order.
func (s *Store) extract(archive *tar.Reader, name string) error {
	want := ""
	for _, suffix := range parts {
		header, err := archive.Next()
		if err != nil {
			return damaged(err)
		}
		if header.Name != name+suffix {
			return damaged(fmt.Errorf("it has the file %q, and should have %q", header.Name, name+suffix))
		}
		var sum string
		if sum, err = s.write(name+suffix, archive); err != nil {
			return err
		}
		switch suffix {
		case sumSuffix:
			line, err := os.ReadFile(s.path(name + suffix + draft))
			if err != nil {
				return err
			}
			want = sumIn(string(line))
		case "":
			if sum != want {
				return damaged(fmt.Errorf("the SHA-256 of the dump is %s, and should be %s", sum, want))
			}
		}
	}
	return nil
}

// write writes a draft to the disk, and returns its SHA-256.
func (s *Store) write(name string, from io.Reader) (string, error) {
	file, err := os.OpenFile(s.path(name+draft), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	source := &remembering{Reader: from}
	_, err = io.Copy(io.MultiWriter(file, hash), source)
	if source.err != nil {
		err = damaged(source.err)
	}
	return hex.EncodeToString(hash.Sum(nil)), errors.Join(err, file.Sync(), file.Close())
}

// remembering keeps the error of a reader, so that it can be told from that of a writer.
type remembering struct {
	io.Reader
	err error
}

func (r *remembering) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}
