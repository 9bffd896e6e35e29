package debian

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Check returns an error if this machine lacks what PgBouncer and Exporter need to fetch their programs.
func Check() error {
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	if pgbouncer.fetched(cache) && exporter.fetched(cache) {
		return nil
	}
	return checkTools(keys)
}

// checkTools looks for apt, dpkg, the file with the keys of Debian's archive, and a mirror.
func checkTools(keys string) error {
	for _, name := range []string{"apt-get", "apt-cache", "dpkg-deb"} {
		if _, err := exec.LookPath(name); err != nil {
			return fmt.Errorf("PgBouncer comes from Debian's packages, and this machine has no %s; use Debian", name)
		}
	}
	if _, err := os.Stat(keys); err != nil {
		return fmt.Errorf("PgBouncer comes from Debian's packages, and this machine lacks the keys of Debian's archive, %s; apt-get install debian-archive-keyring", keys)
	}
	_, err := Mirror()
	return err
}

// Mirror returns the address of the Debian mirror in this machine's apt sources.
func Mirror() (string, error) {
	out, err := runIn("", "apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages")
	if err != nil {
		return "", err
	}
	for _, uri := range strings.Fields(out) {
		if strings.HasSuffix(strings.TrimSuffix(uri, "/"), "/debian") {
			return uri, nil
		}
	}
	return "", errors.New("PgBouncer comes from Debian's packages, and apt's sources have no Debian mirror (an address that ends in /debian); use Debian, or add one")
}
