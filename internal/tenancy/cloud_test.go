package tenancy_test

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

const operatorAddress = "203.0.113.7"

// cloud simulates the commands of a runbook for two database clusters: the live one, and
// the copy that the runbook creates. It records the state that a test compares.
type cloud struct {
	t          *testing.T
	live, copy *bed
	// ups has the tenants of the stack file for each `pulumi up` that is still expected.
	ups [][]settings.Tenant
	// rules has the trusted sources of each cluster, by its ID.
	rules map[string][]string
	// forked is true while the copy exists, writers while the app runs, and scheduled while
	// the CronJob is not suspended.
	forked, writers, scheduled bool
	calls                      []call
}

const (
	liveID = "11111111-live"
	copyID = "22222222-copy"
)

// runRunbook runs the commands of the runbook for a case, and returns their output.
func (c *cloud) runRunbook(of string) string {
	c.t.Helper()
	folder, bin := c.t.TempDir(), c.t.TempDir()
	require.NoError(c.t, link(bin, "doctl", "kubectl", "pulumi", "curl", "psql", "pg_dump", "pg_restore"))
	// The path of a Unix socket may have 108 bytes. t.TempDir contains the test's name, and
	// may be longer.
	sockets, err := os.MkdirTemp("", "cloud-")
	require.NoError(c.t, err)
	c.t.Cleanup(func() { _ = os.RemoveAll(sockets) }) // a leftover in the temporary folder does no harm
	listener, err := net.Listen("unix", filepath.Join(sockets, "socket"))
	require.NoError(c.t, err)
	done := make(chan struct{})
	go func() { defer close(done); serve(listener, c.answer) }()
	out, err := shell(runbook(c.t, of), listener.Addr().String(), bin, folder)
	require.NoError(c.t, listener.Close())
	<-done
	require.NoError(c.t, err, out)
	left, err := os.ReadDir(folder)
	require.NoError(c.t, err)
	require.Empty(c.t, left, "dumps contain customers' rows, so the runbook deletes them")
	return out
}

// answer returns the reply to a command. It does not run in the test's goroutine, so on an
// error it fails the command, not the test.
func (c *cloud) answer(of call) reply {
	c.calls = append(c.calls, of)
	switch of.Program {
	case "psql", "pg_dump", "pg_restore":
		if c.scheduled && of.Program == "pg_restore" {
			return refuse("a scheduled run ends the sessions of owners")
		}
		return reply{Exec: filepath.Join(c.live.Clients(c.t), of.Program)}
	case "curl":
		return reply{Out: operatorAddress}
	}
	command, err := parse(of.Program, of.Args)
	if err != nil {
		return refuse("%v", err)
	}
	switch of.Program {
	case "pulumi":
		return c.pulumi(command)
	case "kubectl":
		return c.kubectl(command)
	}
	return c.doctl(command)
}

func refuse(format string, args ...any) reply {
	return reply{Err: fmt.Sprintf(format+"\n", args...), Code: 1}
}

// pulumi runs the reconcile script with the next declaration of ups.
func (c *cloud) pulumi(p parsed) reply {
	if p.command == "preview" {
		if len(c.rules[liveID]) > 0 {
			return refuse("changes: the firewall")
		}
		return reply{}
	}
	if len(c.ups) == 0 {
		return refuse("pulumi up was not expected")
	}
	out, err := c.live.reconcile(c.t, c.ups[0])
	c.ups = c.ups[1:]
	if err != nil {
		return refuse("%s%v", out, err)
	}
	if _, refreshed := p.flags["--refresh"]; refreshed {
		c.rules[liveID], c.scheduled = nil, true
	}
	return reply{Out: out}
}

func (c *cloud) kubectl(p parsed) reply {
	switch p.command {
	case "get":
		return reply{Out: "2"}
	case "scale":
		c.writers = p.flags["--replicas"] == "2"
	case "patch":
		if slices.Equal(p.args, []string{"cronjob", "reconcile"}) && p.flags["--patch"] == `{"spec":{"suspend":true}}` {
			c.scheduled = false
		}
	}
	return reply{}
}

func (c *cloud) doctl(p parsed) reply {
	switch p.command {
	case "databases list":
		out := liveID + "  platform-prod\n"
		if c.forked {
			out += copyID + "  platform-prod-restored\n"
		}
		return reply{Out: out}
	case "databases fork":
		if p.flags["--restore-from-cluster-id"] != liveID || p.flags["--restore-from-timestamp"] != "2026-11-25 02:40:00 +0000 UTC" {
			return refuse("not the expected cluster and time: %v", p.flags)
		}
		c.forked = true
		return reply{Out: c.copy.URL(postgrestest.Admin)}
	}
	of, known := map[string]*bed{liveID: c.live, copyID: c.copy}[p.args[0]]
	if !known || (p.args[0] == copyID && !c.forked) {
		return refuse("no database cluster %q", p.args[0])
	}
	return c.cluster(p, of)
}

// cluster answers the commands for one database cluster.
func (c *cloud) cluster(p parsed, of *bed) reply {
	switch p.command {
	case "databases get":
		return reply{Out: "\"private_network_uuid\": \"vpc\",\n\"region\": \"fra1\",\n"}
	case "databases get-ca":
		text, err := os.ReadFile(of.CA)
		if err != nil {
			return refuse("%v", err)
		}
		return reply{Out: string(text)}
	case "databases connection", "databases user get":
		return c.connection(p, of)
	case "databases firewalls append":
		c.rules[p.args[0]] = append(c.rules[p.args[0]], p.flags["--rule"])
	case "databases delete":
		if p.args[0] == liveID {
			return refuse("the live database is protected")
		}
		c.forked = false
	}
	return reply{}
}

// connection returns an error if the operator's address is no trusted source.
func (c *cloud) connection(p parsed, of *bed) reply {
	if !slices.Contains(c.rules[p.args[0]], "ip_addr:"+operatorAddress) {
		return refuse("%s does not let this machine in", p.args[0])
	}
	role := postgrestest.Admin
	if len(p.args) > 1 {
		role = p.args[1]
	}
	u, err := url.Parse(of.URL(role))
	if err != nil {
		return refuse("%v", err)
	}
	password, _ := u.User.Password()
	return reply{Out: map[string]string{"Host": u.Hostname(), "Port": u.Port(), "Password": password}[p.flags["--format"]]}
}

// passwords returns the passwords. No argument and no output may contain one.
func (c *cloud) passwords() []string {
	var out []string
	for _, text := range []string{
		c.live.URL(postgrestest.Admin), c.live.url(c.t, tenants(settings.Tenant{Name: "acme", PasswordVersion: 2})[0]), c.live.url(c.t, named("beta")[0]),
	} {
		u, err := url.Parse(text)
		require.NoError(c.t, err)
		password, _ := u.User.Password()
		out = append(out, password)
	}
	return out
}

// lines returns the commands that were run, each with its arguments on a line.
func (c *cloud) lines() string {
	var out strings.Builder
	for _, of := range c.calls {
		fmt.Fprintln(&out, of.Program, strings.Join(of.Args, " "))
	}
	return out.String()
}
