package resize

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/digitalocean/godo"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// TimeoutError is the error of a wait that took longer than Resizer.Timeout.
type TimeoutError struct {
	// What names what Run waited for.
	What string
	// Missing says what was missing at the last check.
	Missing string
	// After is the timeout.
	After time.Duration
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("%s: not done after %s: %s", e.What, e.After, e.Missing)
}

// repeatEvery is the number of checks after which an unchanged line is printed again.
const repeatEvery = 12

// waitFor repeats a check until nothing is missing. The check returns what is missing, or
// "". waitFor prints that when it changes, and from time to time. It retries after an
// error unless the error is permanent.
func (r Resizer) waitFor(ctx context.Context, what string, check func(context.Context) (missing string, err error)) error {
	last := ""
	for i := range max(1, int(r.Timeout/max(r.Interval, 1))) {
		missing, err := check(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && isPermanent(err):
			return err
		case err != nil:
			missing = fmt.Sprintf("trying again after an error: %v", err)
		case missing == "":
			return nil
		}
		if missing != last || i%repeatEvery == 0 {
			r.printf("  %s", missing)
		}
		last = missing
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(r.Interval):
		}
	}
	return &TimeoutError{What: what, Missing: last, After: r.Timeout}
}

// isPermanent reports whether a repeated request would return the same error.
func isPermanent(err error) bool {
	refused := &godo.ErrorResponse{}
	if errors.As(err, &refused) {
		status := refused.Response.StatusCode
		return status >= 400 && status < 500 && status != http.StatusTooManyRequests
	}
	return apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) || apierrors.IsInvalid(err)
}
