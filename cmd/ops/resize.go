package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/digitalocean/godo"
	"github.com/spf13/cobra"
	"golang.org/x/term"
	"k8s.io/client-go/kubernetes"

	"github.com/genericcorp/platform/internal/resize"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/sizing"
)

// resizeScopes are the scopes of the token that resize needs. The last two are for the
// check of the Droplet limit.
const resizeScopes = "kubernetes (all, with access_cluster), tag:create, account:read and droplet:read"

type resizeFlags struct {
	stackFlags
	yes, up           bool
	timeout, interval time.Duration
	// isTerminal reports whether standard input is a terminal, so that a person can
	// answer. Tests replace it.
	isTerminal func(io.Reader) bool
}

func resizeCommand() *cobra.Command {
	flags := resizeFlags{isTerminal: isTerminal}
	command := &cobra.Command{
		Use:   "resize --stack prod",
		Short: "Change the node size of a running stack; the cluster stays",
		Long: `Replaces the default node pool by one of the size that the stack file plans. It adds the
new pool, evicts every Pod within its disruption budget, and deletes the old pool. First it
prints the steps, the duration and the cost, and asks. After an interruption run it again:
it reads from the API which steps are left. docs/resize.md is its runbook.

Needs DIGITALOCEAN_ACCESS_TOKEN with the scopes ` + resizeScopes + `.`,
		RunE: func(command *cobra.Command, _ []string) error { return runResize(command, &flags) },
	}
	flags.add(command)
	command.Flags().BoolVar(&flags.yes, "yes", false, "do not ask before the nodes are replaced")
	command.Flags().BoolVar(&flags.up, "up", false, "run 'pulumi up --refresh' at the end instead of printing it")
	command.Flags().DurationVar(&flags.timeout, "timeout", 30*time.Minute, "maximum of each wait: for the new nodes, for the drain of one node, for the end of the old pool")
	command.Flags().DurationVar(&flags.interval, "interval", 5*time.Second, "time between two checks during a wait")
	return command
}

func runResize(command *cobra.Command, flags *resizeFlags) error {
	target, err := flags.target()
	if err != nil {
		return err
	}
	if flags.interval <= 0 || flags.timeout < flags.interval {
		return badInput(errors.New("--interval has to be above zero, and at most as long as --timeout"))
	}
	if !flags.yes && !flags.isTerminal(command.InOrStdin()) {
		return badInput(errors.New("resize asks before it changes anything, and there is no terminal to answer; pass --yes in a script"))
	}
	client, err := digitalOcean(resizeScopes)
	if err != nil {
		return err
	}
	plan, err := resize.Look(command.Context(), client, target)
	if err != nil {
		return err
	}
	if !plan.Needed() {
		command.Printf("The nodes of %s have the size %s already: nothing to do. To change their count, run `pulumi up -s %s`.\n", target.Cluster, target.Size, flags.name)
		return nil
	}
	text, err := plan.Text()
	if err != nil {
		return err
	}
	command.Print(text)
	if !flags.yes && !confirmed(command) {
		command.Println("Nothing was changed.")
		return errFound // a script must stop here
	}
	cluster, err := resize.Connect(command.Context(), client, plan.Cluster.ID)
	if err != nil {
		return fmt.Errorf("nothing was changed: %w", err)
	}
	if err := flags.carryOut(command, client, cluster, plan); err != nil {
		return fmt.Errorf("%w\nrun the same command again: it continues with the steps that are left", err)
	}
	return flags.finish(command)
}

// target returns the node pool that the stack file plans.
func (f *resizeFlags) target() (resize.Target, error) {
	declared, err := f.load()
	if err != nil {
		return resize.Target{}, err
	}
	if declared.Cluster.Kind != settings.DigitalOcean {
		return resize.Target{}, badInput(fmt.Errorf("the cluster of %s does not belong to the stack (cluster.kind: %s); resize it where it was created", f.name, declared.Cluster.Kind))
	}
	plan, err := sizing.Solve(declared.Settings)
	if err != nil {
		return resize.Target{}, badInput(fmt.Errorf("the plan of the stack %s: %w", f.name, err))
	}
	return resize.Target{Cluster: declared.resource, Size: plan.Nodes.Size, Count: plan.Nodes.Count}, nil
}

// carryOut does the steps of a plan.
func (f *resizeFlags) carryOut(command *cobra.Command, client *godo.Client, cluster kubernetes.Interface, plan resize.Plan) error {
	err := resize.Resizer{
		DigitalOcean: client, Kubernetes: cluster, Interval: f.interval, Timeout: f.timeout, Out: command.OutOrStdout(),
	}.Run(command.Context(), plan)
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("interrupted: %w", err)
	}
	return err
}

// finish prints or runs the update that writes the new size into the state.
func (f *resizeFlags) finish(command *cobra.Command) error {
	arguments := []string{"up", "--refresh", "-s", f.name}
	command.Printf("The nodes are replaced. Last step: pulumi %s\nIt updates the cluster in place, because it renames the pool. It must not show a replacement.\n", strings.Join(arguments, " "))
	if !f.up {
		return nil
	}
	if f.yes {
		arguments = append(arguments, "--yes")
	}
	update := exec.CommandContext(command.Context(), f.pulumi, arguments...)
	update.Stdin, update.Stdout, update.Stderr = command.InOrStdin(), command.OutOrStdout(), command.ErrOrStderr()
	if err := update.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", f.pulumi, strings.Join(arguments, " "), err)
	}
	return nil
}

func isTerminal(in io.Reader) bool {
	file, ok := in.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// confirmed asks until the answer is yes or no. The end of the input means no.
func confirmed(command *cobra.Command) bool {
	in := bufio.NewScanner(command.InOrStdin())
	for {
		command.Print("Replace the nodes? (yes/no) ")
		if !in.Scan() {
			return false
		}
		switch strings.ToLower(strings.TrimSpace(in.Text())) {
		case "yes":
			return true
		case "no":
			return false
		}
	}
}
