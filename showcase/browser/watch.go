package browser

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/stretchr/testify/require"
)

// watcher collects what a browser reports about the pages of a tab.
type watcher struct {
	// site is the address that every request must start with.
	site string

	mu       sync.Mutex
	problems []string
	// expected are the statuses of failures that pages may have.
	expected []int64
	// received has the expected statuses that were received.
	received []int64
}

// see takes an event of the browser. The browser waits for it, so it must not call the browser.
func (w *watcher) see(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		w.add("exception: %s", e.ExceptionDetails.Error())
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError || e.Type == runtime.APITypeAssert || e.Type == runtime.APITypeWarning {
			w.add("console: %s", argument(e.Args))
		}
	case *log.EventEntryAdded:
		w.entry(e.Entry)
	case *audits.EventIssueAdded:
		details, err := json.Marshal(e.Issue.Details)
		w.add("issue %s: %s %v", e.Issue.Code, details, err)
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, w.site) {
			w.add("a request to another site: %s", e.Request.URL)
		}
	case *network.EventResponseReceived:
		w.response(e.Response)
	case *network.EventLoadingFailed:
		// A stream is canceled when the person leaves the page.
		if !e.Canceled {
			w.add("a request failed: %s %s %s", e.Type, e.ErrorText, e.BlockedReason)
		}
	}
}

func (w *watcher) response(r *network.Response) {
	if w.isExpected(r.Status) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.received = append(w.received, r.Status)
	} else if r.Status >= 500 {
		w.add("status %d: %s", r.Status, r.URL)
	}
}

func argument(list []*runtime.RemoteObject) string {
	var out []string
	for _, o := range list {
		out = append(out, string(o.Value)+o.Description)
	}
	return strings.Join(out, " ")
}

// entry takes a line of the browser's own log, such as a violation of the security policy.
func (w *watcher) entry(e *log.Entry) {
	if e.Level != log.LevelError && e.Level != log.LevelWarning {
		return
	}
	if e.Source == log.SourceNetwork && slices.ContainsFunc(w.statuses(), func(status int64) bool {
		return strings.Contains(e.Text, fmt.Sprintf("status of %d ", status))
	}) {
		return
	}
	w.add("log: %s %s", e.Text, e.URL)
}

func (w *watcher) statuses() []int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.expected)
}

func (w *watcher) isExpected(status int64) bool { return slices.Contains(w.statuses(), status) }

func (w *watcher) add(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if text := fmt.Sprintf(format, args...); !slices.Contains(w.problems, text) {
		w.problems = append(w.problems, text)
	}
}

func (w *watcher) all() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.problems)
}

// Expect allows a status of 400 or more from now on. Chromium logs such a status as an error.
func (p *Tab) Expect(status int64) {
	p.watch.mu.Lock()
	defer p.watch.mu.Unlock()
	p.watch.expected = append(p.watch.expected, status)
}

// Await waits for a response with a status that Expect allows.
func (p *Tab) Await(status int64) {
	p.t.Helper()
	require.Eventually(p.t, func() bool {
		p.watch.mu.Lock()
		defer p.watch.mu.Unlock()
		return slices.Contains(p.watch.received, status)
	}, waitLimit, pause)
}
