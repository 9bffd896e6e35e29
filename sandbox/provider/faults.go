package provider

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/genericcorp/platform/sandbox/cloud"
)

// Ways to fail.
const (
	// FaultError refuses before anything is done.
	FaultError = "error"
	// FaultLate does it, and then loses the answer, as a provider whose request
	// timed out.
	FaultLate = "late"
	// FaultSlow takes its time and then does it, so that a run can be killed in the
	// middle.
	FaultSlow = "slow"
)

// ErrInjected is what an ordered fault says.
var ErrInjected = errors.New("503 injected fault")

// slowness is how long a slow operation takes.
const slowness = 60 * time.Millisecond

// faulty runs an operation of a resource with the fault that is ordered for it.
func faulty(operation string, urn resource.URN, do func() error) error {
	way := ordered(operation, urn)
	switch way {
	case FaultError:
		return fmt.Errorf("%s of %s: %w", operation, urn.Name(), ErrInjected)
	case FaultLate:
		if err := do(); err != nil {
			return err
		}
		return fmt.Errorf("%s of %s: the answer was lost: %w", operation, urn.Name(), ErrInjected)
	case FaultSlow:
		time.Sleep(slowness)
	}
	return do()
}

// ordered takes the fault that waits for a resource; there is one for each.
func ordered(operation string, urn resource.URN) string {
	folder := os.Getenv(cloud.EnvFaults)
	if folder == "" {
		return ""
	}
	way, err := os.ReadFile(filepath.Join(folder, operation))
	if err != nil {
		return ""
	}
	if string(way) == FaultSlow {
		return FaultSlow
	}
	taken := filepath.Join(folder, operation+".taken", hexID(string(urn)))
	if err := os.MkdirAll(filepath.Dir(taken), 0o700); err != nil {
		return ""
	}
	file, err := os.OpenFile(taken, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "" // it had its fault
	}
	_, err = file.WriteString(string(urn))
	if errors.Join(err, file.Close()) != nil {
		return ""
	}
	return strings.TrimSpace(string(way))
}
