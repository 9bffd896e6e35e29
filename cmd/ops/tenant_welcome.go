package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/genericcorp/platform/internal/onboarding"
	"github.com/genericcorp/platform/internal/settings"
)

type welcomeFlags struct {
	stackFlags
	owner, support, kubectl string
	link                    bool
	// writesToTerminal reports whether the output is a terminal. Tests replace it.
	writesToTerminal func(io.Writer) bool
}

func welcomeCommand() *cobra.Command {
	flags := welcomeFlags{writesToTerminal: writesToTerminal}
	command := &cobra.Command{
		Use:   "welcome NAME --stack prod",
		Short: "Print the text that welcomes a customer, and the link of the first sign-in",
		Long: `Prints the text for the customer: address, limits, support, and how the data is kept, exported
and deleted. It has no secret.

With --link it prints, instead of the text, the link with which the first owner signs in. It runs
"agenthq invite" in a Pod of the app, by kubectl. The link is a secret: it works once, for 72 hours.
So it is printed to a terminal only. A new link for the same address ends the one before it.`,
		Args: oneName,
		RunE: func(command *cobra.Command, args []string) error { return runWelcome(command, &flags, args[0]) },
	}
	command.Flags().StringVarP(&flags.name, "stack", "s", "", "the stack, as in Pulumi.<stack>.yaml (required)")
	command.Flags().StringVar(&flags.support, "support", "", "the address to which customers write (default: settings.email)")
	command.Flags().BoolVar(&flags.link, "link", false, "create and print the link of the first sign-in")
	command.Flags().StringVar(&flags.owner, "owner", "", "e-mail address of the first owner, who gets the link")
	command.Flags().StringVar(&flags.kubectl, "kubectl", "kubectl", "path of the kubectl command")
	return command
}

func runWelcome(command *cobra.Command, flags *welcomeFlags, name string) error {
	declared, err := flags.load()
	if err != nil {
		return err
	}
	tenant, err := declared.tenant(name, flags.name)
	if err != nil {
		return err
	}
	if tenant.State != settings.Active {
		return badInput(fmt.Errorf("%s is %s, so nobody can sign in; write state: active, and update", name, tenant.State))
	}
	if !flags.link {
		support := flags.support
		if support == "" {
			support = declared.Email
		}
		fmt.Fprint(command.OutOrStdout(), onboarding.Welcome(declared.Settings, tenant, support))
		return nil
	}
	if err := checkOwner(flags.owner, true); err != nil {
		return badInput(err)
	}
	if !flags.writesToTerminal(command.OutOrStdout()) {
		return badInput(errors.New("the link is a secret, and the output is no terminal; run the command in a terminal, without a pipe"))
	}
	link, err := flags.invite(command.Context(), tenant, declared.Domain)
	if err != nil {
		return err
	}
	fmt.Fprintf(command.OutOrStdout(), "The link of the first sign-in of %s. It works once, for 72 hours. Send it to %s only:\n%s\n", name, flags.owner, link)
	return nil
}

// invite creates an invitation in a Pod of the app, and returns its link. An error has no link.
func (f *welcomeFlags) invite(ctx context.Context, t settings.Tenant, domain string) (string, error) {
	arguments := []string{"-n", "app", "exec", "deploy/app", "--", "agenthq", "invite", f.owner, t.Name}
	command := exec.CommandContext(ctx, f.kubectl, arguments...)
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s\nhas `pulumi up` run, and is kubectl connected to this stack's cluster? Another app than AgentHQ creates its first account in its own way",
			f.kubectl, strings.Join(arguments, " "), err, strings.TrimSpace(errs.String()))
	}
	link := strings.TrimSpace(out.String())
	if want := "https://" + t.Host(domain) + "/invitations/"; !strings.HasPrefix(link, want) || strings.ContainsAny(link, " \n") {
		return "", fmt.Errorf("agenthq invite printed no link that begins with %s; is kubectl connected to this stack's cluster?", want)
	}
	return link, nil
}

func writesToTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
