package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
)

// pulumiOf makes a script the command pulumi. It prints the outputs of the last update, and writes
// the arguments of every other run into a file, whose content the returned function reads.
func pulumiOf(t *testing.T, outputs string) (path string, calls func() string) {
	t.Helper()
	folder := t.TempDir()
	path, log := filepath.Join(folder, "pulumi"), filepath.Join(folder, "log")
	script := "#!/bin/sh\ncase \"$*\" in stack*) cat <<'E'\n" + outputs + "\nE\n;; *) echo \"$*\" >> " + log + ";; esac\n"
	require.NoError(t, os.WriteFile(path, []byte(script), 0o700))
	return path, func() string {
		data, err := os.ReadFile(log)
		if !os.IsNotExist(err) {
			require.NoError(t, err)
		}
		return string(data)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(data)
}

// withTenants adds tenants to prod's stack file.
func withTenants(t *testing.T, entries string) {
	t.Helper()
	file := readFile(t, "Pulumi.prod.yaml")
	require.NoError(t, os.WriteFile("Pulumi.prod.yaml", []byte(strings.TrimRight(file, "\n")+"\n    archive: {volumeGiB: 5}\n    tenants:\n"+entries), 0o600))
}

func TestTenantInviteAddsTheEntryAndRunsThePreview(t *testing.T) {
	checkout(t, "s-2vcpu-4gb")
	before := readFile(t, "Pulumi.prod.yaml")
	pulumi, calls := pulumiOf(t, "{}")
	status, out, errs := ops(t, "tenant", "invite", "globex", "--stack", "prod", "--tier", "growth", "--owner", "a@globex.org", "--pulumi", pulumi)
	require.Equal(t, exitDone, status, errs)
	assert.Equal(t, before+"    tenants:\n      - name: globex\n        plan: growth\n", readFile(t, "Pulumi.prod.yaml"))
	assert.Regexp(t, `The bill: \$\d+\.\d\d a month before, \$\d+\.\d\d after \(\$0\.00 more\)`, out)
	assert.Regexp(t, `\d+ more tenants of the tier starter fit after this one\. The next one exceeds .*\. The next step is .* for \$\d+\.\d\d a month more\.`, out)
	assert.Contains(t, out, "ops tenant welcome globex --stack prod --owner a@globex.org --link")
	assert.Equal(t, "preview -s prod\n", calls())

	status, out, errs = ops(t, "tenant", "invite", "initech", "-stack", "prod", "-no-preview", "-pulumi", "/nowhere")
	require.Equal(t, exitDone, status, errs)
	assert.Contains(t, out, "pulumi preview -s prod\n")
	assert.Contains(t, readFile(t, "Pulumi.prod.yaml"), "      - name: initech\n        plan: starter\n")
}

func TestTenantInviteRefusesANameThatIsTakenAndLeavesTheFile(t *testing.T) {
	checkout(t, "s-2vcpu-4gb")
	withTenants(t, "      - name: acme\n      - name: old\n        state: purged\n        confirmPurge: old\n      - name: new-name\n        renamedFrom: former\n")
	stackFile(t, "second", "domain: app.genericcorp.com", "domain: taken.app.genericcorp.com")
	before := readFile(t, "Pulumi.prod.yaml")
	pulumi, calls := pulumiOf(t, `{"tenantHistory": {"acme": {"state": "active", "declared": true, "life": 1}, "gone": {"state": "purged", "life": 1}, "left": {"state": "suspended", "life": 1}, "deleted-now": {"state": "active", "declared": false, "life": 1}}}`)
	for name, want := range map[string]string{
		"acme":      `there is a tenant "acme" already (starter, active); choose another name, or change its entry`,
		"old":       "restore: true",
		"gone":      `"gone" was the name of a tenant that was purged`,
		"left":      "Its data is still there (suspended), and the new customer would see it",
		"former":    `"former" was the name of "new-name" until it was renamed`,
		"new--name": "only in the number of hyphens",
		"grafana":   "is reserved for the platform",
		"Globex":    "is not a DNS label",
		"pg-one":    "PostgreSQL reserves",
		"taken":     `both have the host "taken.app.genericcorp.com"`,
	} {
		status, out, errs := ops(t, "tenant", "invite", name, "--stack", "prod", "--pulumi", pulumi)
		assert.Equal(t, exitUsage, status, name)
		assert.Empty(t, out, name)
		assert.Contains(t, errs, want, name)
		assert.Contains(t, errs, "Pulumi.prod.yaml was not changed")
	}
	assert.Equal(t, before, readFile(t, "Pulumi.prod.yaml"))
	assert.Empty(t, calls())
}

func TestTenantInviteNamesAllFaultsAtOnce(t *testing.T) {
	checkout(t, "s-2vcpu-4gb")
	status, _, errs := ops(t, "tenant", "invite", "www", "--stack", "prod", "--no-preview", "--tier", "gold", "--owner", "nobody")
	assert.Equal(t, exitUsage, status)
	for _, want := range []string{`"www" is reserved`, "the tiers are starter, growth, enterprise", `--owner "nobody" is not an e-mail address`} {
		assert.Contains(t, errs, want)
	}
	for _, args := range [][]string{{}, {"nosuch"}, {"invite"}, {"invite", "a", "b"}, {"invite", "globex"}, {"welcome", "globex", "--stack", "prod"}, {"status", "a", "b"}} {
		status, _, errs := ops(t, append([]string{"tenant"}, args...)...)
		assert.Equal(t, exitUsage, status, args)
		assert.NotEmpty(t, errs)
	}
}

func TestTenantInviteRefusesATenantThatDoesNotFitWithThePriceOfTheNextStep(t *testing.T) {
	checkout(t, "s-2vcpu-4gb")
	withTenants(t, "      - name: acme\n")
	pulumi, calls := pulumiOf(t, "{}")
	for i, name := range []string{"b", "c", "d", "e", "f"} {
		before := readFile(t, "Pulumi.prod.yaml")
		status, _, errs := ops(t, "tenant", "invite", name, "--stack", "prod", "--tier", "enterprise", "--pulumi", pulumi)
		if status == exitDone {
			continue
		}
		assert.Equal(t, exitUsage, status)
		assert.Positive(t, i, "one more fits")
		assert.Regexp(t, `it does not fit\. The next step is 2 × s-2vcpu-4gb, 1 × db-s-1vcpu-2gb, \$\d+\.\d\d a month: \$\d+\.\d\d more than now, over by \$\d+\.\d\d`, errs)
		assert.Equal(t, before, readFile(t, "Pulumi.prod.yaml"))
		assert.Equal(t, i, strings.Count(calls(), "preview -s prod"))
		return
	}
	t.Fatal("every tenant fits")
}

func TestTenantInviteKeepsTheEntryIfThePreviewFailsAndSaysSo(t *testing.T) {
	checkout(t, "s-2vcpu-4gb")
	status, _, errs := ops(t, "tenant", "invite", "globex", "--stack", "prod", "--pulumi", "/nowhere/pulumi")
	assert.Equal(t, exitFailed, status)
	assert.Contains(t, errs, "nothing was changed")
	assert.NotContains(t, readFile(t, "Pulumi.prod.yaml"), "globex")
	pulumi := filepath.Join(t.TempDir(), "pulumi")
	require.NoError(t, os.WriteFile(pulumi, []byte("#!/bin/sh\ncase \"$*\" in stack*) echo '{}';; *) exit 255;; esac\n"), 0o700))
	status, _, errs = ops(t, "tenant", "invite", "globex", "--stack", "prod", "--pulumi", pulumi)
	assert.Equal(t, exitFailed, status)
	assert.Contains(t, errs, "the entry of globex is in Pulumi.prod.yaml, and the preview failed")
}

// A reader sees the old or the new content at any time, because the new one is a new file. So a
// killed run leaves the old one.
func TestReplaceFileNeverWritesIntoTheFile(t *testing.T) {
	folder := t.TempDir()
	path, link := filepath.Join(folder, "file"), filepath.Join(folder, "link")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o640))
	require.NoError(t, os.Symlink(path, link))
	opened, err := os.Open(path)
	require.NoError(t, err)
	defer opened.Close()
	require.NoError(t, replaceFile(link, []byte("old"), []byte("new")))
	data, err := io.ReadAll(opened)
	require.NoError(t, err)
	assert.Equal(t, "old", string(data), "the old file is another file")
	assert.Equal(t, "new", readFile(t, link))
	info, err := os.Lstat(link)
	require.NoError(t, err)
	assert.NotZero(t, info.Mode()&os.ModeSymlink, "the link stays")
	info, err = os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o640), info.Mode().Perm())

	require.ErrorContains(t, replaceFile(path, []byte("old"), []byte("newer")), "was edited meanwhile")
	assert.Equal(t, "new", readFile(t, path))
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Len(t, entries, 2, "no draft is left")
}

func TestTenantWelcomePrintsTheTextWithoutASecret(t *testing.T) {
	checkout(t, "s-2vcpu-4gb")
	withTenants(t, "      - name: acme\n      - name: beta\n        state: suspended\n")
	status, out, errs := ops(t, "tenant", "welcome", "acme", "--stack", "prod", "--support", "help@genericcorp.com")
	require.Equal(t, exitDone, status, errs)
	assert.Contains(t, out, "https://acme.app.genericcorp.com")
	assert.Contains(t, out, "help@genericcorp.com")
	assert.NotContains(t, out, "invitations")
	status, _, errs = ops(t, "tenant", "welcome", "acme", "--stack", "prod", "--link", "--owner", "a@acme.org")
	assert.Equal(t, exitUsage, status)
	assert.Contains(t, errs, "the link is a secret, and the output is no terminal")
	status, _, errs = ops(t, "tenant", "welcome", "beta", "--stack", "prod")
	assert.Equal(t, exitUsage, status)
	assert.Contains(t, errs, "beta is suspended")
}

func TestTenantWelcomeTakesTheLinkOfThisTenantOnly(t *testing.T) {
	folder := t.TempDir()
	kubectl := filepath.Join(folder, "kubectl")
	flags := welcomeFlags{owner: "a@acme.org", kubectl: kubectl}
	acme := settings.Tenant{Name: "acme"}
	answer := func(script string) (string, error) {
		require.NoError(t, os.WriteFile(kubectl, []byte("#!/bin/sh\n"+script+"\n"), 0o700))
		return flags.invite(t.Context(), acme, "app.genericcorp.com")
	}
	link, err := answer(`[ "$*" = "-n app exec deploy/app -- agenthq invite a@acme.org acme" ] && echo https://acme.app.genericcorp.com/invitations/canary`)
	require.NoError(t, err)
	assert.Equal(t, "https://acme.app.genericcorp.com/invitations/canary", link)
	for _, script := range []string{"echo https://acme.demo.genericcorp.com/invitations/canary", "echo https://acme.app.genericcorp.com/invitations/canary; exit 1", "echo 'no active tenant' >&2; exit 1"} {
		_, err := answer(script)
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "canary")
	}
}

func TestTenantWelcomePrintsTheLinkToATerminal(t *testing.T) {
	checkout(t, "s-2vcpu-4gb")
	withTenants(t, "      - name: acme\n")
	kubectl := filepath.Join(t.TempDir(), "kubectl")
	require.NoError(t, os.WriteFile(kubectl, []byte("#!/bin/sh\necho https://acme.app.genericcorp.com/invitations/x\n"), 0o700))
	command, out := &cobra.Command{}, &strings.Builder{}
	command.SetContext(t.Context())
	command.SetOut(out)
	flags := welcomeFlags{stackFlags: stackFlags{name: "prod"}, owner: "a@acme.org", kubectl: kubectl, link: true, writesToTerminal: func(io.Writer) bool { return true }}
	require.NoError(t, runWelcome(command, &flags, "acme"))
	assert.True(t, strings.HasSuffix(out.String(), "\nhttps://acme.app.genericcorp.com/invitations/x\n"))
}

// Every command of docs/beta.md that runs this program, in its order. Two of them stop at what a test
// does not have: a terminal, and a database.
func TestTenantCommandsOfThePageRunAsTheyAreWritten(t *testing.T) {
	page := readFile(t, filepath.Join("..", "..", "docs", "beta.md"))
	checkout(t, "s-2vcpu-4gb")
	t.Setenv("PGHOST", "")
	pulumi, calls := pulumiOf(t, "{}")
	t.Setenv("PATH", filepath.Dir(pulumi)+":"+os.Getenv("PATH"))
	wants := []string{"", "", "the output is no terminal", "PGHOST is not set", "PGHOST is not set"}
	for line := range strings.Lines(page) {
		text, ours := strings.CutPrefix(strings.TrimSpace(line), "go run ./cmd/ops ")
		if !ours {
			continue
		}
		require.NotEmpty(t, wants, "the page has more commands than this test: %s", line)
		status, _, errs := ops(t, strings.Fields(strings.NewReplacer("THEIR.DOMAIN", "acme.org", "YOUR.DOMAIN", "genericcorp.com").Replace(text))...)
		if wants[0] == "" {
			assert.Equal(t, exitDone, status, errs)
		} else {
			assert.Equal(t, exitUsage, status)
			assert.Contains(t, errs, wants[0])
		}
		wants = wants[1:]
	}
	assert.Empty(t, wants)
	assert.Equal(t, "preview -s prod\n", calls())
}
