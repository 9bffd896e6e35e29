package debian

import (
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

// checkTools looks for apt, dpkg and the file with the keys of Debian's archive.
func checkTools(keys string) error {
	for _, name := range []string{"apt-get", "apt-cache", "dpkg-deb"} {
		if _, err := exec.LookPath(name); err != nil {
			return fmt.Errorf("PgBouncer comes from Debian's packages, and this machine has no %s; use Debian", name)
		}
	}
	if _, err := os.Stat(keys); err != nil {
		return fmt.Errorf("PgBouncer comes from Debian's packages, and this machine lacks the keys of Debian's archive, %s; apt-get install debian-archive-keyring", keys)
	}
	return nil
}

// official is the mirror that works everywhere, by the name that Debian gives for apt's sources.
const official = "http://deb.debian.org/debian"

// Mirror returns the address of the Debian mirror in this machine's apt sources. On a machine without
// one, such as Ubuntu, it returns Debian's official one.
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
	return official, nil
}
