// Command ops has the tasks of the people who operate the platform. Each task is a
// subcommand:
//
//	go run ./cmd/ops prices   compares the catalogue with DigitalOcean's sizes
//	go run ./cmd/ops split    prints the SQL that moves shared tables into tenants' schemas
//	go run ./cmd/ops adopt    prints a `pulumi import` command for what the state lacks
//	go run ./cmd/ops resize   changes the node size of a running stack
//	go run ./cmd/ops tenant   invites and welcomes customers, and shows how far each has come
//	go run ./cmd/ops leftovers  lists what still costs money although the stack does not have it
//	go run ./cmd/ops usage    prints what each tenant used in a month
//
// It reads credentials from the environment only (client.go). docs/ops.md describes every
// subcommand.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit statuses of every subcommand.
const (
	// exitDone means that the work is done, or that there was nothing to do.
	exitDone = 0
	// exitFailed means that the check found something, or that the operation failed. The
	// output says what.
	exitFailed = 1
	// exitUsage means wrong usage or bad input. Nothing was changed.
	exitUsage = 2
)

const statuses = `
Exit status: 0 done or nothing to do; 1 the check found something, or the operation
failed; 2 wrong usage or bad input, and nothing was changed.`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// run executes a subcommand and returns its exit status.
func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	root := &cobra.Command{
		Use:   "ops",
		Short: "Tasks of the people who operate this platform",
		Long:  "Tasks of the people who operate this platform. Run it at the top of the checkout.\n" + statuses,
		// status prints errors, with the subcommand's name.
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.AddCommand(pricesCommand(), splitCommand(), adoptCommand(), resizeCommand(), leftoversCommand(), tenantCommand(), usageCommand())
	for _, command := range root.Commands() {
		command.Long += "\n" + statuses
		if command.Args == nil {
			command.Args = noArguments
		}
	}
	root.SetArgs(twoDashes(args))
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	return status(root.ExecuteContextC(ctx))
}

// status prints an error, with the subcommand's name before each of its lines. It returns
// the exit status for the error.
func status(command *cobra.Command, err error) int {
	if err == nil {
		return exitDone
	}
	if errors.Is(err, errFound) {
		return exitFailed
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		fmt.Fprintf(command.ErrOrStderr(), "%s: %s\n", command.CommandPath(), line)
	}
	var usage usageError
	if errors.As(err, &usage) || !command.HasParent() {
		fmt.Fprintf(command.ErrOrStderr(), "%s: see go run ./cmd/%[1]s --help\n", command.CommandPath())
		return exitUsage
	}
	return exitFailed
}

// errFound is the error of a check that found something and has printed it.
var errFound = errors.New("the check found something")

// usageError is the error of wrong usage or bad input. Its exit status is exitUsage.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func badInput(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

func noArguments(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usageError{fmt.Errorf("unexpected argument %q; subcommands take flags only", args[0])}
}

var oneDash = regexp.MustCompile(`^-[a-z][a-z-]+`)

// twoDashes replaces -stack by --stack. cobra parses -stack as -s tack, but cmd/plan takes
// flags with one dash, so people write them here too.
func twoDashes(args []string) []string {
	out := make([]string, len(args))
	for i, arg := range args {
		if out[i] = arg; oneDash.MatchString(arg) {
			out[i] = "-" + arg
		}
	}
	return out
}
