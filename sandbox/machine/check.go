// Package machine knows what the demo needs from this machine, and what it leaves on it.
package machine

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"strings"
)

// needed are the programs that a node needs from this machine, with their Debian packages.
var needed = []struct{ program, from string }{{"runc", "runc"}, {"nft", "nftables"}, {"mount", "mount"}}

// Hidden are the folders of this machine that a node does not see: the programs of a node write to
// them at fixed paths.
var Hidden = []string{"/run", "/var/log", "/var/lib", "/opt"}

// Check returns one error for each thing that keeps this machine from running nodes, with what to
// do about it. The nodes read files in folders.
func Check(folders ...string) error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("nodes need Linux, and this is %s; use a virtual machine with Debian", runtime.GOOS)
	}
	var errs []error
	if os.Geteuid() != 0 {
		errs = append(errs, errors.New("nodes need root for namespaces and control groups; become root with `sudo -i`, and use a checkout that belongs to root"))
	}
	for _, folder := range folders {
		for _, hidden := range Hidden {
			if strings.HasPrefix(folder, hidden+"/") {
				errs = append(errs, fmt.Errorf("%s is in %s, which a node does not see; move the checkout or the cache folder", folder, hidden))
			}
		}
	}
	return errors.Join(append(errs, checkPrograms("/usr/sbin"), checkControllers("/sys/fs/cgroup"))...)
}

// checkPrograms looks for needed programs and for PostgreSQL. admin is the folder of programs for root,
// which is not on PATH after `su` without a hyphen.
func checkPrograms(admin string) error {
	var errs []error
	var missing []string
	for _, n := range needed {
		if _, err := exec.LookPath(n.program); err == nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(admin, n.program)); err == nil {
			errs = append(errs, fmt.Errorf("%s is in %s, which is not on PATH; become root with `sudo -i` or `su -`", n.program, admin))
			continue
		}
		missing = append(missing, n.from)
	}
	if _, err := PostgreSQL(); err != nil {
		missing = append(missing, "postgresql")
	}
	if len(missing) > 0 {
		errs = append(errs, fmt.Errorf("this machine lacks programs; on Debian: apt-get install %s", strings.Join(missing, " ")))
	}
	return errors.Join(errs...)
}

// PostgreSQL returns the folder with the programs of the newest PostgreSQL on this machine. It
// looks on PATH first, then in /usr/lib/postgresql (Debian).
func PostgreSQL() (string, error) {
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

// controllers are the parts of control groups that limit a node and its containers.
var controllers = []string{"cpu", "cpuset", "memory", "pids"}

// checkControllers looks for control groups, of version 2 or 1, in the folder root.
func checkControllers(root string) error {
	lacks := func(name string) bool {
		_, err := os.Stat(filepath.Join(root, name))
		return err != nil
	}
	version, swap := 1, ""
	if data, err := os.ReadFile(filepath.Join(root, "cgroup.controllers")); err == nil {
		version = 2
		have := strings.Fields(string(data))
		lacks = func(name string) bool { return !slices.Contains(have, name) }
	} else if !lacks("memory") && lacks("memory/memory.memsw.limit_in_bytes") {
		swap = "this machine has control groups of version 1 without limits for swap; start it with the kernel's parameter swapaccount=1, or with version 2"
	}
	var errs []error
	for _, name := range controllers {
		if lacks(name) {
			errs = append(errs, fmt.Errorf("this machine has control groups of version %d without %q; start it with the kernel's parameter cgroup_enable=%s", version, name, name))
		}
	}
	if swap != "" {
		errs = append(errs, errors.New(swap))
	}
	return errors.Join(errs...)
}
