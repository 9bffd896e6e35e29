package demo

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/genericcorp/platform/sandbox/machine"
)

// Left returns what the demo has on this machine now: processes, its folder, and what it has outside of
// that. A demo that was killed has some of it too.
func (d *Demo) Left() ([]string, error) {
	left, err := machine.Left(d.ClusterFolder())
	for _, pid := range d.Processes() {
		left = append(left, fmt.Sprintf("process %d", pid))
	}
	if _, missing := os.Stat(d.Folder); missing == nil {
		left = append(left, d.Folder)
	}
	return left, err
}

// Down stops everything of the demo, and deletes its files, also after a kill. It returns an error if
// something is left.
func (d *Demo) Down() error {
	// The cluster stops its nodes itself. What is killed then has not done so, or belongs to an engine.
	if err := errors.Join(d.stopGrafana(), d.StopCluster(), d.KillProcesses(), machine.Clean(d.ClusterFolder()), d.Remove()); err != nil {
		return err
	}
	left, err := d.Left()
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("this is left: %s", strings.Join(left, ", "))
	}
	return err
}
