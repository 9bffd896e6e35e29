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
	// FaultBusy fails each resource once per error in Busy, then succeeds.
	FaultBusy = "busy"
	// FaultDown refuses every time, as a server that is down.
	FaultDown = "down"
)

// Busy are transient provider errors.
var Busy = []string{"429 Too Many Requests", "500 Internal Server Error", "context deadline exceeded"}

// ErrInjected is what an ordered fault says.
var ErrInjected = errors.New("503 injected fault")

// slowness is how long a slow operation takes.
const slowness = 60 * time.Millisecond

// faulty runs an operation of a resource with the fault that is ordered for it.
func faulty(operation string, urn resource.URN, do func() error) error {
	way, nth := ordered(operation, urn)
	switch way {
	case FaultBusy:
		return fmt.Errorf("%s of %s: %s", operation, urn.Name(), Busy[nth])
	case FaultError, FaultDown:
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

// ordered takes the fault that waits for a resource, and says which it is: there
// is one for each, or as many as Busy has. The order's file has the way to fail
// and, after a space, a part of the URNs that it is for; none means all.
func ordered(operation string, urn resource.URN) (way string, nth int) {
	folder := os.Getenv(cloud.EnvFaults)
	if folder == "" {
		return "", 0
	}
	data, err := os.ReadFile(filepath.Join(folder, operation))
	if err != nil {
		return "", 0
	}
	way, part, _ := strings.Cut(strings.TrimSpace(string(data)), " ")
	if !strings.Contains(string(urn), part) {
		return "", 0
	}
	most := 1
	switch way {
	case FaultSlow, FaultDown:
		return way, 0
	case FaultBusy:
		most = len(Busy)
	}
	for nth := range most {
		if take(filepath.Join(folder, operation+".taken", fmt.Sprintf("%s-%d", hexID(string(urn)), nth)), urn) {
			return way, nth
		}
	}
	return "", 0
}

// take notes a fault; a resource that had it does not have it again.
func take(path string, urn resource.URN) bool {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return false
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return false // it had its fault
	}
	_, err = file.WriteString(string(urn))
	return errors.Join(err, file.Close()) == nil
}

// FaultTenant is the file of an order that names tenants, separated by spaces: they fail
// in each run of the tenants' Jobs.
const FaultTenant = "tenant"

// failing are the tenants that were ordered to fail.
func failing() []string {
	data, err := os.ReadFile(filepath.Join(os.Getenv(cloud.EnvFaults), FaultTenant))
	if err != nil || os.Getenv(cloud.EnvFaults) == "" {
		return nil
	}
	return strings.Fields(string(data))
}
