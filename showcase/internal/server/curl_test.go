package server_test

import (
	"fmt"
	"html"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// command finds a command of a page, and commands those of a Markdown page.
var (
	command  = regexp.MustCompile(`(?s)<pre[^>]*><code>([^<]*curl [^<]*)</code>`)
	commands = regexp.MustCompile("(?s)```sh\n(.*?)```")
)

// shell returns a function that runs commands as a person's terminal does, and returns what they print.
// curl reaches every host at a server of the test.
func shell(t *testing.T, server *httptest.Server) func(text string) string {
	t.Helper()
	home := t.TempDir()
	settings := fmt.Sprintf("insecure\nsilent\nshow-error\nfail-with-body\nconnect-to = \"::%s\"\n", server.Listener.Addr())
	require.NoError(t, os.WriteFile(filepath.Join(home, ".curlrc"), []byte(settings), 0o600))
	return func(text string) string {
		t.Helper()
		c := exec.CommandContext(t.Context(), "sh", "-eu")
		c.Stdin = strings.NewReader(text)
		c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "CURL_HOME=" + home}
		out, err := c.CombinedOutput()
		require.NoError(t, err, "%s\n%s", text, out)
		return string(out)
	}
}

func TestTheCommandsThatPagesShowWorkAsTheyAre(t *testing.T) {
	a := start(t)
	c := a.owner(t)
	run := shell(t, a.listener)
	count := func(table string) int { return a.count(t, "SELECT count(*) FROM tenant_beta."+table) }
	of := func(page string) string {
		found := command.FindStringSubmatch(page)
		require.NotNil(t, found, page)
		return html.UnescapeString(found[1])
	}
	empty := map[string]string{}
	for _, path := range []string{"/runs", "/costs", "/keys"} {
		empty[path] = of(c.get(path).body)
	}
	created := c.post("/keys", "name", "mine")
	key := keyText.FindStringSubmatch(created.body)[1]
	assert.Contains(t, run(of(created.body)), `"title":"My first run"`)
	assert.Equal(t, 1, count("runs"))
	for path, text := range empty {
		before := count("runs")
		assert.Contains(t, run(strings.Replace(text, "ahq_…", key, 1)), `"status":"running"`, path)
		assert.Equal(t, before+1, count("runs"), path)
	}
	agent := a.client(t, "beta.hq.test")
	agent.header.Set("Authorization", "Bearer "+key)
	text := of(c.get("/runs/" + agent.newRun("Without events")).body)
	assert.Contains(t, run(strings.Replace(text, "ahq_…", key, 1)), `"events":1`)
	assert.Equal(t, 1, count("events"))
}

func TestTheCommandsOfTheREADMEReportARun(t *testing.T) {
	postgres, env := alone(t)
	env["PUBLIC_URL"], env["DEMO_TENANT"], env["PROXY_HOPS"] = "http://localhost:9898", "main", ""
	a := launch(t, postgres, env)
	key := strings.TrimPrefix(a.agent(t, a.visitor(t)).header.Get("Authorization"), "Bearer ")
	plain := httptest.NewServer(a.Server)
	t.Cleanup(plain.Close)
	run := shell(t, plain)
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	_, section, _ := strings.Cut(string(readme), "## Report a run")
	section, _, _ = strings.Cut(section, "\n## ")
	blocks := commands.FindAllStringSubmatch(section, -1)
	require.Len(t, blocks, 2)
	set, _, _ := strings.Cut(blocks[0][1], "\n")
	assert.Equal(t, "export AHQ_KEY=ahq_…", set)
	reported := run(strings.Replace(blocks[0][1], "ahq_…", key, 1))
	id := regexp.MustCompile(`"id":"([0-9a-f-]{36})"`).FindStringSubmatch(reported)
	require.NotNil(t, id, reported)
	ended := run("export AHQ_KEY=" + key + "\n" + strings.ReplaceAll(blocks[1][1], "/ID", "/"+id[1]))
	assert.Contains(t, ended, `"status":"succeeded"`)
	assert.Contains(t, ended, `"events":1`)
}
