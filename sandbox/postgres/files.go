package postgres

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/genericcorp/platform/sandbox/authority"
)

// WriteCertificates writes the certificate of a new authority (ca.crt), and a server certificate for
// the hosts (server.crt) with its key (server.key).
func WriteCertificates(folder string, hosts ...string) error {
	issuer, err := authority.New()
	if err != nil {
		return err
	}
	certificate, key, err := issuer.Issue(hosts...)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(folder, "ca.crt"), issuer.Certificate, 0o600),
		os.WriteFile(filepath.Join(folder, "server.crt"), certificate, 0o600),
		os.WriteFile(filepath.Join(folder, "server.key"), key, 0o600),
	)
}
