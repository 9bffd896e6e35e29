package offsite

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"github.com/minio/minio-go/v7"
)

// damaged returns the error for a copy that is not what was uploaded.
func damaged(err error) error {
	return fmt.Errorf("the copy in the bucket is damaged: %w. Nothing was changed; fetch another backup", err)
}

// explain returns an error of the service with what to do about it. Errors of others are returned as they
// are.
func (s *Store) explain(err error) error {
	if advice := s.advice(err); advice != "" {
		return fmt.Errorf("%s (%w)", advice, err)
	}
	return err
}

func (s *Store) advice(err error) string {
	answer := minio.ToErrorResponse(err)
	switch answer.Code {
	case "NoSuchBucket":
		return fmt.Sprintf("%s has no bucket %s; create it, or set S3_BUCKET", s.config.Endpoint, s.config.Bucket)
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "XAdminUserNotFound": // the last one is Versity's
		return fmt.Sprintf("%s refuses the access key; correct S3_ACCESS_KEY and S3_SECRET_KEY", s.config.Endpoint)
	case "AuthorizationHeaderMalformed", "PermanentRedirect", "MovedPermanently":
		return "the bucket is in another region; set S3_REGION and S3_ENDPOINT"
	case "RequestTimeTooSkewed":
		return "the clock of this server is wrong; timedatectl set-ntp true"
	case "NoSuchKey":
		return "the copy was deleted in the meantime"
	}
	var network net.Error
	var request *url.Error
	var fromService minio.ErrorResponse
	switch {
	case answer.StatusCode == http.StatusForbidden:
		return fmt.Sprintf("%s does not allow this to the access key; it needs GetObject, PutObject and ListBucket in the bucket %s", s.config.Endpoint, s.config.Bucket)
	case errors.As(err, &request), errors.As(err, &network):
		return fmt.Sprintf("%s cannot be reached; check S3_ENDPOINT and the network", s.config.Endpoint)
	case errors.As(err, &fromService):
		return fmt.Sprintf("%s answers %s", s.config.Endpoint, answer.Code)
	}
	return ""
}
