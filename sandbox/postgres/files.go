package postgres

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sort"

	"github.com/genericcorp/platform/sandbox/authority"
)

// Installed returns the folder with the programs of the newest PostgreSQL on this machine. It
// looks on PATH first, then in /usr/lib/postgresql (Debian).
func Installed() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		// initdb on PATH may be a link. The other programs are in the folder of its target.
		path, err = filepath.EvalSymlinks(path)
		return filepath.Dir(path), err
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "", errors.New("PostgreSQL is neither on PATH nor under /usr/lib/postgresql; on Debian: apt-get install postgresql")
	}
	sort.Strings(found)
	return filepath.Dir(found[len(found)-1]), nil
}

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
