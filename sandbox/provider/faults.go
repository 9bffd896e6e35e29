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

// Faults that a test injects into operations of resources. The test writes a file into
// the folder that cloud.EnvFaults names. The file's name is the operation: create, update
// or delete. Its text is one of these faults and, after a space, a text that the URNs of
// the failing resources contain; without that text every resource fails.
const (
	// FaultError fails the first operation of each resource and does nothing.
	FaultError = "error"
	// FaultLate does the first operation of each resource and returns an error all the
	// same, like a request that timed out.
	FaultLate = "late"
	// FaultSlow delays each operation by 60 ms, so that a test can kill the run during
	// one.
	FaultSlow = "slow"
	// FaultBusy fails each resource once per error in Busy, then succeeds.
	FaultBusy = "busy"
	// FaultDown fails every operation, like a server that is down.
	FaultDown = "down"
)

// Busy are the transient provider errors of FaultBusy.
var Busy = []string{"429 Too Many Requests", "500 Internal Server Error", "context deadline exceeded"}

// ErrInjected is the error of all faults but FaultBusy.
var ErrInjected = errors.New("503 injected fault")

// slowness is the delay of FaultSlow.
const slowness = 60 * time.Millisecond

// withFault runs an operation of a resource with the fault that a test injected, if any.
func withFault(operation string, urn resource.URN, do func() error) error {
	fault, nth := nextFault(operation, urn)
	switch fault {
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

// nextFault returns the fault for an operation of a resource, "" for none, and how many
// faults the resource had before. A resource gets one fault, and len(Busy) of FaultBusy.
func nextFault(operation string, urn resource.URN) (fault string, nth int) {
	folder := os.Getenv(cloud.EnvFaults)
	if folder == "" {
		return "", 0
	}
	data, err := os.ReadFile(filepath.Join(folder, operation))
	if err != nil {
		return "", 0
	}
	fault, pattern, _ := strings.Cut(strings.TrimSpace(string(data)), " ")
	if !strings.Contains(string(urn), pattern) {
		return "", 0
	}
	count := 1
	switch fault {
	case FaultSlow, FaultDown:
		return fault, 0
	case FaultBusy:
		count = len(Busy)
	}
	for nth := range count {
		if recordFault(filepath.Join(folder, operation+".taken", fmt.Sprintf("%s-%d", hexID(string(urn)), nth)), urn) {
			return fault, nth
		}
	}
	return "", 0
}

// recordFault writes the URN to path. It returns false if the file exists: the resource
// had this fault already.
func recordFault(path string, urn resource.URN) bool {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return false
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return false
	}
	_, err = file.WriteString(string(urn))
	return errors.Join(err, file.Close()) == nil
}

// FaultTenant is the name of a file with names of tenants, separated by spaces. These
// tenants fail in each run of the tenants' Jobs.
const FaultTenant = "tenant"

// failingTenants returns the names in the file FaultTenant.
func failingTenants() []string {
	data, err := os.ReadFile(filepath.Join(os.Getenv(cloud.EnvFaults), FaultTenant))
	if err != nil || os.Getenv(cloud.EnvFaults) == "" {
		return nil
	}
	return strings.Fields(string(data))
}
