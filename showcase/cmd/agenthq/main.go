// Command agenthq is AgentHQ, a log of what AI agents do.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"github.com/genericcorp/platform/showcase/internal/config"
	"github.com/genericcorp/platform/showcase/internal/server"
)

// version is set by the build: -ldflags "-X main.version=1.2.3".
var version = ""

//nolint:dupword // a command's name and its description
const usage = `AgentHQ, a log of what AI agents do. Without arguments it serves.

  agenthq                        serve until SIGTERM
  agenthq migrate                migrate all tenants, print a table, and end
  agenthq invite EMAIL [TENANT]  print an invitation link for an owner
  agenthq offsite                copy the backups to a bucket, encrypted; watch: again every 5 minutes
  agenthq offsite fetch [FILE]   fetch a backup from the bucket; without FILE list them
  agenthq offsite check          ask whether each backup older than an hour has a copy
  agenthq offsite keygen         print a new private key, with its public key
  agenthq config                 print the configuration, without secrets
  agenthq healthcheck            ask a running process on PORT whether it is ready
  agenthq --version              print the version

The configuration is in environment variables; see the README.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	status := run(ctx, os.Args[1:], config.Environment(), os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// errUsage means that the arguments are wrong.
var errUsage = errors.New("unknown arguments")

// run runs a command, and returns the exit status: 0, 1 after a failure, 2 if it did not start.
func run(ctx context.Context, args []string, env map[string]string, out, faults io.Writer) int {
	if len(args) == 1 && args[0] == "--version" {
		fmt.Fprintln(out, "agenthq", buildVersion())
		return 0
	}
	if len(args) == 1 && args[0] == "healthcheck" {
		return healthcheck(ctx, env, faults)
	}
	if len(args) > 0 && args[0] == "offsite" {
		return offsiteCommand(ctx, args[1:], env, out, faults)
	}
	c, err := config.Load(env)
	asked := len(args) == 1 && args[0] == "config"
	if asked {
		err = errors.Join(c.Print(out), err)
	}
	if err != nil {
		fmt.Fprintf(faults, "agenthq cannot start:\n%v\n", err)
		return 2
	}
	if asked {
		return 0
	}
	log := slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: c.LogLevel}))
	if len(args) > 0 {
		log = slog.New(slog.NewJSONHandler(faults, nil)) // the output is the command's result
	}
	s, err := server.New(c, buildVersion(), log)
	if err != nil {
		fmt.Fprintf(faults, "agenthq cannot start: %v\n", err)
		return 2
	}
	return result(errors.Join(perform(ctx, s, c, args, out), s.Close()), faults)
}

func perform(ctx context.Context, s *server.Server, c config.Config, args []string, out io.Writer) error {
	switch {
	case len(args) == 0:
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", ":"+strconv.Itoa(c.Port))
		if err != nil {
			return err
		}
		return s.Run(ctx, listener)
	case len(args) == 1 && args[0] == "migrate":
		return s.PrintMigrations(ctx, out)
	case (len(args) == 2 || len(args) == 3) && args[0] == "invite":
		tenant := ""
		if len(args) == 3 {
			tenant = args[2]
		}
		return s.PrintInvitation(ctx, out, args[1], tenant)
	}
	return errUsage
}

// healthcheck needs no other configuration than PORT, so that it works in every container.
func healthcheck(ctx context.Context, env map[string]string, faults io.Writer) int {
	port := env["PORT"]
	if port == "" {
		port = "9898"
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+port+"/readyz", nil)
	if err != nil {
		fmt.Fprintln(faults, err)
		return 2
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		fmt.Fprintln(faults, err)
		return 1
	}
	defer func() { _ = response.Body.Close() }() // the process ends
	if response.StatusCode != http.StatusOK {
		fmt.Fprintln(faults, response.Status)
		_, _ = io.Copy(faults, io.LimitReader(response.Body, 4096)) // the status is enough
		return 1
	}
	return 0
}

// buildVersion returns the version of the build; without one, the commit.
func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}
