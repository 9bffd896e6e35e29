package adopt

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Stack is the stack whose state is compared.
type Stack struct {
	// Name is the name in Pulumi.<name>.yaml.
	Name string
	// Resource is the name of the stack's resources, such as "platform-demo".
	Resource string
	// Protect is settings.protect of the stack file. Imported resources get it too.
	Protect bool
}

// Script is a shell script. Its comments say what was found. It has a `pulumi import`
// command for each thing that the state lacks.
type Script struct {
	lines []string
	// Missing is the number of things that the state lacks. It includes those that have
	// no command, because their component is not in the state.
	Missing int
	// Absent is the number of things that the state has and the account lacks.
	Absent int
}

// String returns the text of the script.
func (s Script) String() string { return strings.Join(s.lines, "\n") + "\n" }

func (s *Script) comment(format string, args ...any) {
	s.lines = append(s.lines, "# "+fmt.Sprintf(format, args...))
}

// Type and name of the provider in stacks/providers.go.
const (
	providerType = "pulumi:providers:digitalocean"
	providerName = "digitalocean"
)

// types are the type tokens of all things that Find returns.
var types = []string{
	"digitalocean:index/vpc:Vpc", "digitalocean:index/kubernetesCluster:KubernetesCluster",
	"digitalocean:index/databaseCluster:DatabaseCluster", "digitalocean:index/databaseDb:DatabaseDb",
	"digitalocean:index/databaseUser:DatabaseUser", "digitalocean:index/databaseFirewall:DatabaseFirewall",
}

// Compare returns the script for a stack, its state, and the things that Find returned.
func Compare(stack Stack, state State, things []Thing) Script {
	var s Script
	blocked := false
	for _, t := range things {
		known, ok := state.named(t.Type, stack.Resource)
		switch {
		case ok && t.inState(known.ID):
			s.comment("%s (%s): in the state", t.What, t.ImportID)
		case ok:
			s.Missing++
			s.comment("%s (%s): the state has another one, %s. Before you change anything, find out which of the two is in use.", t.What, t.ImportID, known.ID)
		default:
			s.Missing++
			blocked = !s.addImport(stack, state, t) || blocked
		}
	}
	s.addAbsent(stack, state, things)
	s.addNextSteps(stack, state, blocked)
	return s
}

// addAbsent lists what the state has and the account lacks. If the token belongs to
// another account, the account lacks everything.
func (s *Script) addAbsent(stack Stack, state State, things []Thing) {
	for _, token := range types {
		known, ok := state.named(token, stack.Resource)
		if !ok || slices.ContainsFunc(things, func(t Thing) bool { return t.Type == token }) {
			continue
		}
		s.Absent++
		s.comment("%s %s is in the state and not in the account. Is the token of another account? If the thing is gone, `pulumi up --refresh -s %s` creates it again.",
			token, known.ID, stack.Name)
	}
}

// addImport adds the command for a thing. It returns false if the state lacks the
// component or the provider that the command has to name.
func (s *Script) addImport(stack Stack, state State, t Thing) bool {
	parent, hasParent := state.named(t.Component, stack.Resource)
	provider, hasProvider := state.named(providerType, providerName)
	if !hasParent || !hasProvider {
		s.comment("%s (%s): not in the state, and its component or provider is not in the state either", t.What, t.ImportID)
		return false
	}
	s.comment("%s (%s): not in the state", t.What, t.ImportID)
	s.lines = append(s.lines, shell(
		"pulumi", "import", t.Type, stack.Resource, t.ImportID,
		"--parent", "parent="+parent.URN, "--provider", "provider="+provider.URN,
		fmt.Sprintf("--protect=%t", stack.Protect), "--generate-code=false", "--yes", "-s", stack.Name))
	return true
}

// addNextSteps says what to do before and after the commands.
func (s *Script) addNextSteps(stack Stack, state State, blocked bool) {
	if blocked {
		s.comment("First run `pulumi up -s %s`. It registers the components and then stops at the name that is taken. Then run this command again.", stack.Name)
	}
	if pending := state.pendingCreates(); len(pending) > 0 {
		s.comment("A killed run left %d pending creates in the state. After the imports, `pulumi refresh --clear-pending-creates -s %s` removes them.", len(pending), stack.Name)
	}
	switch {
	case s.Missing > 0:
		s.comment("Afterwards `pulumi up --refresh -s %s` creates what is still missing.", stack.Name)
	case s.Absent == 0:
		s.comment("The state has everything that the account has under these names.")
	}
	s.comment("Checked: VPC, Kubernetes cluster, database cluster, and its database, user and firewall. Not checked: DNS records and what is inside Kubernetes (docs/operations.md).")
}

// plain matches arguments that need no quotes.
var plain = regexp.MustCompile(`^[A-Za-z0-9_./,:=-]+$`)

// shell joins arguments for a POSIX shell and quotes those that need it: the URN of a
// component's child has a $.
func shell(args ...string) string {
	out := make([]string, len(args))
	for i, arg := range args {
		if out[i] = arg; !plain.MatchString(arg) {
			out[i] = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
	}
	return strings.Join(out, " ")
}
