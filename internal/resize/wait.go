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

// TimeoutError says what was awaited for too long, and what was missing at the end.
type TimeoutError struct {
	What, Missing string
	After         time.Duration
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("%s: not done after %s: %s", e.What, e.After, e.Missing)
}

// repeatEvery is after how many looks an unchanged line is printed again.
const repeatEvery = 12

// until looks until nothing is missing. It prints what is missing when that changes,
// and from time to time. Errors that may go away by themselves count as missing.
func (r Resizer) until(ctx context.Context, what string, look func(context.Context) (missing string, err error)) error {
	last := ""
	for i := range max(1, int(r.Timeout/max(r.Interval, 1))) {
		missing, err := look(ctx)
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
			r.say("  %s", missing)
		}
		last = missing
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(r.Interval):
		}
	}
	return &TimeoutError{what, last, r.Timeout}
}

// isPermanent reports whether an error stays when the request is repeated.
func isPermanent(err error) bool {
	refused := &godo.ErrorResponse{}
	if errors.As(err, &refused) {
		status := refused.Response.StatusCode
		return status >= 400 && status < 500 && status != http.StatusTooManyRequests
	}
	return apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) || apierrors.IsInvalid(err)
}
