// Package load puts load on AgentHQ with k6 and showcase/load/people.js. It prepares the
// tenants, runs k6, reads the process's own metrics, and turns the results into the factors
// of internal/workload/capacity.go.
package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// Network is the way to the tenants' hosts.
type Network struct {
	// Address is the IP address of all hosts. If it is empty, DNS decides.
	Address string
	// CA is the path of the certificate of an authority, which replaces those of the system.
	// If it is empty, the system's are trusted.
	CA string
}

// Options are the options of a run of k6.
type Options struct {
	Network
	// K6 is the path of k6, and Script that of people.js.
	K6, Script string
	// People is the number of people at once.
	People int
	// Duration is the time in which people begin new steps. The run takes up to 90 s longer.
	Duration time.Duration
	// Ramp is the time in which the people arrive.
	Ramp time.Duration
	// Think is the mean time between two steps of a person.
	Think time.Duration
	// LocalIPs are the addresses from which the people come, such as 127.0.1.0/24. If it is
	// empty, all have one address.
	LocalIPs string
	// Log gets what k6 prints: each failure with its page and status. It may be nil.
	Log io.Writer
}

// thresholdsFailed is k6's exit status when a threshold was not kept (errext/exitcodes).
const thresholdsFailed = 99

// Run runs people.js against the targets. It returns no error if a threshold was not kept, or if
// requests failed: Summary.Check reports that.
func Run(ctx context.Context, o Options, targets []Target) (Summary, error) {
	folder, err := os.MkdirTemp("", "load-")
	if err != nil {
		return Summary{}, err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // the keys in it are revoked by the caller
	file, result := filepath.Join(folder, "targets.json"), filepath.Join(folder, "summary.json")
	data, err := json.Marshal(targets) //nolint:gosec // the file is for k6 only, and is deleted
	if err != nil {
		return Summary{}, err
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return Summary{}, err
	}
	if err := o.start(ctx, file, result); err != nil {
		return Summary{}, err
	}
	data, err = os.ReadFile(result)
	if err != nil {
		return Summary{}, fmt.Errorf("k6 wrote no summary: %w", err)
	}
	return ParseSummary(data)
}

// start runs k6 until it ends.
func (o Options) start(ctx context.Context, targets, result string) error {
	// Another run on this machine may have the port of k6's own API.
	args := []string{"run", "--quiet", "--no-color", "--no-usage-report", "--address", "127.0.0.1:0"}
	if o.LocalIPs != "" {
		args = append(args, "--local-ips", o.LocalIPs)
	}
	cmd := exec.CommandContext(ctx, o.K6, append(args, o.Script)...)
	cmd.Env = append(os.Environ(), "TARGETS="+targets, "SUMMARY="+result, "PEOPLE="+strconv.Itoa(o.People),
		"DURATION="+seconds(o.Duration), "RAMP="+seconds(o.Ramp), "THINK="+seconds(o.Think), "RESOLVE="+o.Address)
	if o.CA != "" {
		cmd.Env = append(cmd.Env, "SSL_CERT_FILE="+o.CA)
	}
	var out bytes.Buffer
	cmd.Stdout = &out
	if o.Log != nil {
		cmd.Stdout = io.MultiWriter(&out, o.Log)
	}
	cmd.Stderr = cmd.Stdout
	err := cmd.Run()
	var status *exec.ExitError
	if errors.As(err, &status) && status.ExitCode() == thresholdsFailed {
		return nil
	}
	if err != nil {
		return fmt.Errorf("k6: %w\n%s", err, last(out.Bytes(), 4000))
	}
	return nil
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }

// last returns the last n bytes of a text.
func last(text []byte, n int) []byte { return text[max(0, len(text)-n):] }
