package offsite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/minio/minio-go/v7"
)

// sumKey is the metadata of a copy with the SHA-256 of the dump.
const sumKey = "Sha256"

// Upload copies all complete backups that have no complete copy yet. After a failure it goes on with the
// next one. A store writes the name of each copy once.
func (s *Store) Upload(ctx context.Context) error {
	sealed, err := sealedBackups(s.config.BackupsDir)
	if err != nil {
		return err
	}
	if len(sealed) == 0 {
		return fmt.Errorf("the folder %s has no complete backup; make one first: docker compose run --rm backup", s.config.BackupsDir)
	}
	found, err := s.copies(ctx)
	if err != nil {
		return err
	}
	var failures []error
	for _, b := range sealed {
		name := b.name + s.suffix()
		there, isThere := found[name]
		if err := s.upload(ctx, b, there, isThere); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(failures...)
}

// upload copies one backup, unless its copy is complete.
func (s *Store) upload(ctx context.Context, b backup, there minio.ObjectInfo, isThere bool) error {
	key := s.config.Prefix + b.name + s.suffix()
	size, err := b.size(s.config.Recipients)
	if err != nil {
		return err
	}
	if isThere && there.Size == size && s.copied[key] {
		return nil
	}
	if isThere {
		info, err := s.client.StatObject(ctx, s.config.Bucket, key, minio.StatObjectOptions{})
		if err != nil {
			return s.explain(err)
		}
		if sum := info.UserMetadata[sumKey]; sum != b.sum {
			return fmt.Errorf("the bucket has another backup of this name; set S3_PREFIX to a folder of this server alone, such as %s/", s.config.Endpoint.Hostname())
		}
		if there.Size == size {
			s.copied[key] = true
			fmt.Fprintf(s.out, "offsite: %s is in the bucket %s already\n", key, s.config.Bucket)
			return nil
		}
		fmt.Fprintf(s.out, "offsite: %s has %d bytes in the bucket, and should have %d; it is copied again\n", key, there.Size, size)
	}
	return s.put(ctx, b, key, size)
}

// put uploads a copy, and compares what the bucket has then. The service gets an MD5 of each part, and
// refuses a damaged one. An upload that ends early leaves no object.
func (s *Store) put(ctx context.Context, b backup, key string, size int64) error {
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(b.encrypt(writer, s.config.Recipients)) }()
	defer reader.Close() //nolint:errcheck // it ends the goroutine if the upload failed
	put, err := s.client.PutObject(ctx, s.config.Bucket, key, reader, size, minio.PutObjectOptions{
		SendContentMd5: true, ContentType: "application/octet-stream", UserMetadata: map[string]string{sumKey: b.sum},
	})
	if err != nil {
		return s.explain(err)
	}
	info, err := s.client.StatObject(ctx, s.config.Bucket, key, minio.StatObjectOptions{})
	if err != nil {
		return s.explain(err)
	}
	if info.Size != size || strings.Trim(info.ETag, `"`) != strings.Trim(put.ETag, `"`) {
		return fmt.Errorf("the bucket has %d bytes with the ETag %s after an upload of %d bytes with the ETag %s; run this command again", info.Size, info.ETag, size, put.ETag)
	}
	s.copied[key] = true
	fmt.Fprintf(s.out, "offsite: %s (%d bytes) was copied to the bucket %s\n", key, size, s.config.Bucket)
	return nil
}
