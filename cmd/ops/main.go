// Command ops is the operators' command. Each task is a subcommand:
//
//	go run ./cmd/ops prices   compares the catalogue with DigitalOcean's sizes
//	go run ./cmd/ops split    prints the SQL that moves shared tables into tenants' schemas
//	go run ./cmd/ops adopt    prints the `pulumi import` lines for what the state does not know
//	go run ./cmd/ops resize   changes the node size of a running stack
//
// Credentials come from the environment only, see client.go. docs/ops.md describes
// every subcommand.
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
	// exitDone: the work is done, or there was nothing to do.
	exitDone = 0
	// exitFailed: the check found something, or the operation failed. Standard
	// output or standard error says what.
	exitFailed = 1
	// exitUsage: wrong usage or bad input; nothing was changed.
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
		Short: "Tasks of the operators of this platform",
		Long:  "Tasks of the operators of this platform. Run it at the top of the checkout.\n" + statuses,
		// Errors are printed below, with the subcommand's name.
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.AddCommand(pricesCommand(), splitCommand(), adoptCommand(), resizeCommand())
	for _, command := range root.Commands() {
		command.Long += "\n" + statuses
		command.Args = noArguments
	}
	root.SetArgs(twoDashes(args))
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	return status(root.ExecuteContextC(ctx))
}

// status prints an error, one line for each that it joins, and returns the exit
// status for it.
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

// errFound reports that a check found something. The check has printed what.
var errFound = errors.New("the check found something")

// usageError is wrong usage or bad input.
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
	return usageError{fmt.Errorf("%q is not expected; every input is a flag", args[0])}
}

var oneDash = regexp.MustCompile(`^-[a-z][a-z-]+`)

// twoDashes turns -stack into --stack. cobra would read -stack as -s tack, and
// cmd/plan takes flags with one dash.
func twoDashes(args []string) []string {
	out := make([]string, len(args))
	for i, arg := range args {
		if out[i] = arg; oneDash.MatchString(arg) {
			out[i] = "-" + arg
		}
	}
	return out
}
