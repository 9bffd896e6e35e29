package adopt

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Stack is the stack whose state is compared.
type Stack struct {
	// Name as in Pulumi.<name>.yaml; Resource is the name of its resources, such as
	// "platform-demo".
	Name, Resource string
	// Protect is settings.protect of the stack file.
	Protect bool
}

// Script is a shell script: comments that say what was found, and a `pulumi import`
// command for each thing that the state lacks.
type Script struct {
	lines []string
	// Missing counts the things that the state lacks, whether or not they can be
	// imported already.
	Missing int
	// Absent counts the things that the state has and the account lacks.
	Absent int
}

func (s Script) String() string { return strings.Join(s.lines, "\n") + "\n" }

func (s *Script) comment(format string, args ...any) {
	s.lines = append(s.lines, "# "+fmt.Sprintf(format, args...))
}

// provider is the type and name that stacks/providers.go gives the provider.
const (
	providerType = "pulumi:providers:digitalocean"
	providerName = "digitalocean"
)

// types are the tokens of everything that Find looks for.
var types = []string{
	"digitalocean:index/vpc:Vpc", "digitalocean:index/kubernetesCluster:KubernetesCluster",
	"digitalocean:index/databaseCluster:DatabaseCluster", "digitalocean:index/databaseDb:DatabaseDb",
	"digitalocean:index/databaseUser:DatabaseUser", "digitalocean:index/databaseFirewall:DatabaseFirewall",
}

// Compare writes the script for a stack.
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
			s.comment("%s (%s): the state has another one, %s. Find out which of the two is in use before you change anything.", t.What, t.ImportID, known.ID)
		default:
			s.Missing++
			blocked = !s.add(stack, state, t) || blocked
		}
	}
	s.absent(stack, state, things)
	s.finish(stack, state, blocked)
	return s
}

// absent lists what the state knows and the account lacks. With a token of another
// account that is everything.
func (s *Script) absent(stack Stack, state State, things []Thing) {
	for _, token := range types {
		known, ok := state.named(token, stack.Resource)
		if !ok || slices.ContainsFunc(things, func(t Thing) bool { return t.Type == token }) {
			continue
		}
		s.Absent++
		s.comment("%s %s is in the state and not in the account. Is the token of another account? If it is gone, `pulumi up --refresh -s %s` makes it anew.",
			token, known.ID, stack.Name)
	}
}

// add writes the command for a thing. It returns false when the state lacks the
// component or the provider that the command has to name.
func (s *Script) add(stack Stack, state State, t Thing) bool {
	parent, hasParent := state.named(t.Component, stack.Resource)
	provider, hasProvider := state.named(providerType, providerName)
	if !hasParent || !hasProvider {
		s.comment("%s (%s): not in the state, and neither is what it belongs to", t.What, t.ImportID)
		return false
	}
	s.comment("%s (%s): not in the state", t.What, t.ImportID)
	s.lines = append(s.lines, shell(
		"pulumi", "import", t.Type, stack.Resource, t.ImportID,
		"--parent", "parent="+parent.URN, "--provider", "provider="+provider.URN,
		fmt.Sprintf("--protect=%t", stack.Protect), "--generate-code=false", "--yes", "-s", stack.Name))
	return true
}

// finish says what comes after the commands, or before them.
func (s *Script) finish(stack Stack, state State, blocked bool) {
	if blocked {
		s.comment("First run `pulumi up -s %s`. It registers the components and then stops at the name that is taken. Then run this command again.", stack.Name)
	}
	if pending := state.pendingCreates(); len(pending) > 0 {
		s.comment("A killed run left notes in the state of what it was creating (%d). After the imports, `pulumi refresh --clear-pending-creates -s %s` removes the notes.", len(pending), stack.Name)
	}
	switch {
	case s.Missing > 0:
		s.comment("Afterwards `pulumi up --refresh -s %s` creates what is still missing.", stack.Name)
	case s.Absent == 0:
		s.comment("The state has everything that the account has under these names.")
	}
	s.comment("Looked at: VPC, Kubernetes cluster, database cluster, its database, user and firewall. Not looked at: DNS records and what is inside Kubernetes (docs/operations.md).")
}

var plain = regexp.MustCompile(`^[A-Za-z0-9_./,:=-]+$`)

// shell quotes arguments for a POSIX shell: the URN of a resource inside a component
// has a $.
func shell(args ...string) string {
	out := make([]string, len(args))
	for i, arg := range args {
		if out[i] = arg; !plain.MatchString(arg) {
			out[i] = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
	}
	return strings.Join(out, " ")
}
