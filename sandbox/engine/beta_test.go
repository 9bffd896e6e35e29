package engine_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/enginetest"
)

// tenant runs `ops tenant` on the stack file of the stack's project, and returns its output.
func tenant(t *testing.T, s enginetest.Stack, args ...string) (string, error) {
	t.Helper()
	pulumi := s.Command()
	command := exec.Command(opsProgram(t), append([]string{"tenant"}, args...)...)
	if args[0] == "invite" {
		command.Args = append(command.Args, "--pulumi", s.Tools.Pulumi)
	}
	command.Dir, command.Env = pulumi.Dir, pulumi.Environ()
	out, err := command.CombinedOutput()
	return string(out), err
}

// stackFile returns the stack file that `ops tenant` changes. write gives it other text.
func stackFile(t *testing.T, s enginetest.Stack) (text string, write func(string)) {
	t.Helper()
	path := filepath.Join(s.Command().Dir, "Pulumi."+s.Name+".yaml")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(data), func(text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
}

// The steps of docs/beta.md: three customers, a fourth that does not fit, and one that leaves.
func TestThreeCustomersAreInvitedAFourthDoesNotFitAndOneLeaves(t *testing.T) {
	t.Parallel()
	s := newStack(t, "prod")
	s.Edit(t, "    capacity:", "    archive:\n      volumeGiB: 5\n    capacity:")
	s.Up(t)
	for _, c := range [][]string{{"acme", "enterprise"}, {"beta", "growth"}, {"corp", "starter"}} {
		out, err := tenant(t, s, "invite", c[0], "--stack", "prod", "--tier", c[1])
		require.NoError(t, err, out)
		assert.Contains(t, out, "more tenants of the tier starter fit after this one")
		assert.Regexp(t, `prod costs \$\d+\.\d\d a month of at most \$80\.00`, out, "the preview has run")
		s.Up(t)
		assert.Equal(t, "active", history(t, s)[c[0]].State)
		assert.NotEmpty(t, password(t, s, c[0]))
		welcome, err := tenant(t, s, "welcome", c[0], "--stack", "prod")
		require.NoError(t, err, welcome)
		assert.Contains(t, welcome, "https://"+c[0]+".app.genericcorp.com")
	}

	before, write := stackFile(t, s)
	out, err := tenant(t, s, "invite", "delta", "--stack", "prod", "--tier", "enterprise")
	require.Error(t, err)
	assert.Regexp(t, `it does not fit\. The next step is .*, \$\d+\.\d\d a month: \$\d+\.\d\d more than now, over by \$\d+\.\d\d`, out)
	after, _ := stackFile(t, s)
	assert.Equal(t, before, after, "the file must not change")
	s.Succeeds(t, "preview", "--expect-no-changes")

	beta := "      - name: beta\n        plan: growth\n"
	require.Contains(t, before, beta)
	for _, state := range []string{"        state: suspended\n", "        state: archived\n", "        state: purged\n        confirmPurge: beta\n"} {
		write(strings.Replace(before, beta, beta+state, 1))
		s.Up(t)
		s.Succeeds(t, "preview", "--expect-no-changes")
	}
	assert.Equal(t, "purged", history(t, s)["beta"].State)
	_, err = tenant(t, s, "welcome", "beta", "--stack", "prod")
	require.Error(t, err, "a purged customer cannot sign in")

	// The record knows the name also without its entry.
	write(strings.Replace(before, beta, "", 1))
	s.Up(t)
	out, err = tenant(t, s, "invite", "beta", "--stack", "prod")
	require.Error(t, err)
	assert.Contains(t, out, `"beta" was the name of a tenant that was purged`)
	assert.Equal(t, "active", history(t, s)["acme"].State)
	assert.Equal(t, "active", history(t, s)["corp"].State)
}
