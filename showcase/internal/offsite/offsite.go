// Package offsite copies backups to a bucket of an S3-compatible service, and fetches them from it.
//
// A copy is one object, so it is either complete or not there: a tar archive of the files of one backup,
// encrypted with age. Without this program, `age -d -i KEY FILE.tar.age | tar -x` unpacks it. The package
// never deletes an object.
package offsite

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/genericcorp/platform/showcase/internal/config"
)

// Store is the bucket and the folder of the backups.
type Store struct {
	config config.Offsite
	client *minio.Client
	out    io.Writer
	// copied are the names of complete copies that were written to out already.
	copied map[string]bool
}

// New returns a store. It writes a line to out for each backup that it copies. It does not connect yet.
func New(c config.Offsite, out io.Writer) (*Store, error) {
	client, err := minio.New(c.Endpoint.Host, &minio.Options{
		Creds: credentials.NewStaticV4(c.AccessKey, c.SecretKey, ""), Secure: c.Endpoint.Scheme == "https", Region: c.Region, MaxRetries: 4,
	})
	if err != nil {
		return nil, fmt.Errorf("S3_ENDPOINT: %w", err)
	}
	return &Store{config: c, client: client, out: out, copied: map[string]bool{}}, nil
}

// The ends of the names of copies.
const (
	plain     = ".tar"
	encrypted = ".tar.age"
)

// suffix ends the name of a new copy.
func (s *Store) suffix() string {
	if len(s.config.Recipients) == 0 {
		return plain
	}
	return encrypted
}

// copies returns the copies in the bucket by their names, such as 20261130T020000Z.dump.tar.age.
func (s *Store) copies(ctx context.Context) (map[string]minio.ObjectInfo, error) {
	found := map[string]minio.ObjectInfo{}
	for object := range s.client.ListObjects(ctx, s.config.Bucket, minio.ListObjectsOptions{Prefix: s.config.Prefix}) {
		if object.Err != nil {
			return nil, s.explain(object.Err)
		}
		name := strings.TrimPrefix(object.Key, s.config.Prefix)
		if backup, _, isCopy := strings.Cut(name, plain); isCopy && backupName.MatchString(backup) {
			found[name] = object
		}
	}
	return found, nil
}

// List writes the names of the backups in the bucket, the newest first.
func (s *Store) List(ctx context.Context) error {
	found, err := s.copies(ctx)
	if err != nil {
		return err
	}
	for _, name := range newestFirst(found) {
		fmt.Fprintf(s.out, "%s (%s, %d bytes)\n", backupOf(name), name, found[name].Size)
	}
	return nil
}

// Check returns an error if a backup in the folder is older than an hour and has no complete copy.
func (s *Store) Check(ctx context.Context) error {
	sealed, err := sealedBackups(s.config.BackupsDir)
	if err != nil {
		return err
	}
	found, err := s.copies(ctx)
	if err != nil {
		return err
	}
	for _, b := range sealed {
		size, err := b.size(s.config.Recipients)
		if err != nil {
			return err
		}
		if copied, there := found[b.name+s.suffix()]; b.old() && (!there || copied.Size != size) {
			return fmt.Errorf("the bucket %s has no complete copy of %s", s.config.Bucket, b.name)
		}
	}
	return nil
}

func newestFirst(found map[string]minio.ObjectInfo) []string {
	var names []string
	for name := range found {
		names = append(names, name)
	}
	slices.Sort(names)
	slices.Reverse(names)
	return names
}

// backupOf returns the name of the backup in a copy.
func backupOf(name string) string {
	backup, _, _ := strings.Cut(name, plain)
	return backup
}
