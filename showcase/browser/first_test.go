package browser_test

import (
	"bytes"
	"flag"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/browser"
	"github.com/genericcorp/platform/showcase/internal/pgtest"
)

var link = flag.String("link", "", "the link for the first account of -site, which has one tenant")

// AgentHQ has one tenant here, as on a server of one's own.
func TestFirstAccount(t *testing.T) {
	site, first := running(t), *link
	if site.URL == "" {
		site, first = serveAlone(t)
	}
	browser.FirstAccount(t, browser.Start(t, site), first)
}

// serveAlone runs AgentHQ with PostgreSQL and without tenants. It returns the link for the first account.
func serveAlone(t *testing.T) (browser.Site, string) {
	t.Helper()
	postgres := pgtest.Start(t)
	postgres.Run(t, "GRANT ALL ON SCHEMA public TO app")
	var log text
	site := launch(t, pgtest.Domain, time.Now, &log, map[string]string{"DATABASE_URL": postgres.AppURL()})
	var match []string
	require.Eventually(t, func() bool {
		match = regexp.MustCompile(`link=(https://\S+/invitations/[\w-]+)`).FindStringSubmatch(log.String())
		return match != nil
	}, time.Minute, 50*time.Millisecond, "the log has no link")
	return site, match[1]
}

// text is a log that can be read while it is written.
type text struct {
	sync.Mutex
	buffer bytes.Buffer
}

func (l *text) Write(line []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.buffer.Write(line)
}

func (l *text) String() string {
	l.Lock()
	defer l.Unlock()
	return l.buffer.String()
}
