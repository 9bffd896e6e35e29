package migrate

import (
	"errors"
	"fmt"
	"strings"

	"github.com/genericcorp/platform/showcase/internal/tenants"
)

// newerError means that a newer version of the program has migrated a schema.
type newerError struct{ version, known int64 }

func (e *newerError) Error() string {
	return fmt.Sprintf("the database was migrated by a newer version (migration %d; this version knows %d): install that version again or restore the backup", e.version, e.known)
}

// fileError means that a migration failed.
type fileError struct {
	file string
	err  error
}

func (e *fileError) Error() string { return e.file + ": " + e.err.Error() }

func (e *fileError) Unwrap() error { return e.err }

// keep decides about a schema of a newer version of the program. It is never changed. During an update
// over several replicas the newer version migrates first, so a process that has served the tenant
// before goes on. A process that starts refuses, because it may not know what the schema means now.
func (r *Runner) keep(t tenants.Tenant, version, known int64) (int64, error) {
	if r.served[t.Name] {
		return version, nil
	}
	return version, &newerError{version, known}
}

// explain adds to the error of a failed migration what was kept, and what to do.
func explain(err error) error {
	var failed *fileError
	if !errors.As(err, &failed) || errors.Is(err, errRaced) || errors.Is(err, errOwner) {
		return err
	}
	return fmt.Errorf("the migration %s failed, and nothing of it was kept: %s. Correct the cause and start again. To go back, start the version that you had; if it refuses, restore the backup",
		failed.file, firstLine(failed.err))
}

// firstLine leaves out the lines in which PostgreSQL may quote rows of customers.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
