package browser

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// FirstAccount creates the first account by the link that AgentHQ logs, signs out and in, and shows a run
// that an agent has reported.
func FirstAccount(t testing.TB, b *Browser, link string) {
	t.Helper()
	const name, email, password = "Olga", "olga@hq.test", "a long password"
	require.Regexp(t, token, link)
	p := b.Open(t, Laptop)
	p.Go(link)
	p.See("h1", "Create the first account")
	p.Fill("Your name", name)
	p.Fill("Your e-mail address, to sign in with", email)
	p.Fill("New password, at least 12 characters", password)
	p.Click("Create the account")
	p.See("h1", "Runs")
	p.See(".who", name)
	p.Click("Sign out")
	p.See("h1", "Sign in")
	p.Fill("E-mail", email)
	p.Fill("Password", password)
	p.Click("Sign in")
	p.See("h1", "Runs")

	agent := p.newKey("first-agent")
	run := agent.Start("The first run")
	agent.Log(run, "Hello from an agent")
	agent.Finish(run, "succeeded")
	p.Click("Runs")
	p.Click("The first run")
	p.See("#timeline", "Hello from an agent")
	p.See("#summary .status", "succeeded")
	p.revoke("first-agent")
}
