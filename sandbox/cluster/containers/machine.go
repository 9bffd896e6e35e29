package containers

import (
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/genericcorp/platform/sandbox/cluster/node"
	"github.com/genericcorp/platform/sandbox/postgres"
)

// needed are the programs that a node needs from this machine, with their Debian packages.
var needed = []struct{ program, from string }{{"runc", "runc"}, {"nft", "nftables"}, {"mount", "mount"}}

// checkMachine returns everything that keeps this machine from running nodes.
func checkMachine(o Options) error {
	var errs []error
	for _, path := range []string{o.Folder, o.Bin, o.Images} {
		for _, hidden := range node.Hidden {
			if strings.HasPrefix(path, hidden+"/") {
				errs = append(errs, fmt.Errorf("%s is in %s, which a node does not see; move the checkout or the cache folder", path, hidden))
			}
		}
	}
	if os.Geteuid() != 0 {
		errs = append(errs, errors.New("nodes need root for namespaces and control groups; run the command with sudo"))
	}
	var missing []string
	for _, n := range needed {
		if _, err := exec.LookPath(n.program); err != nil {
			missing = append(missing, n.from)
		}
	}
	if _, err := postgres.Installed(); err != nil {
		missing = append(missing, "postgresql")
	}
	if len(missing) > 0 {
		errs = append(errs, fmt.Errorf("this machine lacks programs; on Debian: apt-get install %s", strings.Join(missing, " ")))
	}
	return errors.Join(errs...)
}

// ControlGroup returns the path of the control group of a folder's nodes, below the root of each
// hierarchy. Two folders have different ones.
func ControlGroup(folder string) string { return "/platform-sandbox-" + hash(folder) }

// DatabaseFolder returns the folder of the database of a cluster in a folder.
func DatabaseFolder(folder string) string {
	return filepath.Join(os.TempDir(), "platform-sandbox-"+hash(folder))
}

func hash(text string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // a hash never returns an error
	return fmt.Sprintf("%x", h.Sum64())
}
