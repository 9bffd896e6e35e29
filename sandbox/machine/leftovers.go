package machine

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// groupPrefix begins the path of every control group of the demo.
const groupPrefix = "/platform-sandbox-"

// ControlGroup returns the path of the control group of the nodes of a cluster, below the root of each
// hierarchy. folder is the cluster's; two folders have different groups.
func ControlGroup(folder string) string { return groupPrefix + hash(folder) }

// DatabaseFolder returns the folder of the database of a cluster in a folder.
func DatabaseFolder(folder string) string {
	return filepath.Join(os.TempDir(), "platform-sandbox-"+hash(folder))
}

func hash(text string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // a hash never returns an error
	return fmt.Sprintf("%x", h.Sum64())
}

// Left returns the paths that a cluster in a folder has outside of it now: its control groups and
// the folder of its database.
func Left(folder string) ([]string, error) {
	left, err := groupFolders(ControlGroup(folder))
	if _, missing := os.Stat(DatabaseFolder(folder)); missing == nil {
		left = append(left, DatabaseFolder(folder))
	}
	return left, err
}

// Clean deletes what Left returns. It kills the processes of nodes that still run.
func Clean(folder string) error {
	return errors.Join(RemoveGroup(ControlGroup(folder)), os.RemoveAll(DatabaseFolder(folder)))
}

// RemoveGroup deletes a control group of the demo with all below it, in every hierarchy. It kills the
// processes in them. The kernel may need some time for that, so it tries for five seconds.
func RemoveGroup(path string) error {
	if !strings.HasPrefix(path, groupPrefix) {
		return fmt.Errorf("%q is no control group of the demo", path)
	}
	for range 50 {
		found, err := groupFolders(path)
		for _, folder := range found {
			err = errors.Join(err, removeGroup(folder))
		}
		if err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	found, err := groupFolders(path)
	if err == nil && len(found) > 0 {
		err = fmt.Errorf("these control groups are still in use: %s", strings.Join(found, ", "))
	}
	return err
}

// groupFolders returns the folders of a control group: of version 2, and of each hierarchy of version 1.
func groupFolders(path string) ([]string, error) {
	found, err := filepath.Glob("/sys/fs/cgroup/*" + path)
	if _, missing := os.Stat("/sys/fs/cgroup" + path); missing == nil {
		found = append(found, "/sys/fs/cgroup"+path)
	}
	return found, err
}

func removeGroup(folder string) error {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		if entry.IsDir() {
			err = errors.Join(err, removeGroup(filepath.Join(folder, entry.Name())))
		}
	}
	return errors.Join(err, killMembers(folder), os.Remove(folder))
}

// killMembers kills the processes in a control group.
func killMembers(folder string) error {
	data, err := os.ReadFile(filepath.Join(folder, "cgroup.procs"))
	if err != nil {
		return err
	}
	for _, line := range strings.Fields(string(data)) {
		// 0 is a process of another namespace. As an argument of kill it means this process group.
		if pid, err := strconv.Atoi(line); err == nil && pid > 1 {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
		}
	}
	return nil
}
