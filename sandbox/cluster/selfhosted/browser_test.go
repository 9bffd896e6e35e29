package selfhosted_test

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/cluster/vpc"
)

// join creates the first account in a browser, in which a run of an agent is seen. Then it signs the
// client in, and gives it an API key.
func (s *server) join(t *testing.T, c *client, link string) {
	t.Helper()
	authority := filepath.Join(t.TempDir(), "root.crt")
	s.run(t, "cp", "caddy:/data/caddy/pki/authorities/local/root.crt", authority)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	go vpc.Forward(listener, func(net.Conn) (net.Conn, error) { return s.Dial(context.Background(), "tcp", "127.0.0.1:443") })
	root, err := filepath.Abs(checkout)
	require.NoError(t, err)
	cmd := exec.Command("go", "test", "./browser", "-count=1", "-run", "TestFirstAccount", "-site", home, "-link", link,
		"-address", listener.Addr().String(), "-ca", authority)
	cmd.Dir = filepath.Join(root, "showcase")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)

	account := url.Values{"email": {"olga@hq.test"}, "password": {"a long password"}}
	c.ask(t, http.StatusSeeOther, "POST", home+"/sign-in", form, account.Encode())
	page := c.ask(t, http.StatusCreated, "POST", home+"/keys", form, "name=agent")
	match := keyText.FindStringSubmatch(page)
	require.NotNil(t, match, page)
	c.key = match[1]
}
