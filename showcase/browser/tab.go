package browser

import (
	"context"
	_ "embed" // for page.js
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

const (
	// waitLimit is how long a page may take to show what is expected. A live timeline asks every two
	// seconds.
	waitLimit = 30 * time.Second
	pause     = 50 * time.Millisecond
)

// library has the functions that the scripts of this package call in the page.
//
//go:embed page.js
var library string

// Tab is a window of a person who shares no cookies with the other tabs.
type Tab struct {
	*Browser
	t     testing.TB
	ctx   context.Context
	watch *watcher
}

func (p *Tab) run(what string, actions ...chromedp.Action) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, waitLimit)
	defer cancel()
	require.NoError(p.t, chromedp.Run(ctx, actions...), what)
}

// Go opens a path of the site, or an address of it.
func (p *Tab) Go(path string) {
	p.t.Helper()
	address := path
	if strings.HasPrefix(path, "/") {
		address = p.URL + path
	}
	p.run("open "+address, chromedp.Navigate(address))
}

// Path returns the path of the page.
func (p *Tab) Path() string {
	p.t.Helper()
	var path string
	p.read(&path, "location.pathname")
	return path
}

// script returns a call of a function of page.js, which may have arguments.
func script(function string, args ...any) string {
	list := make([]string, len(args))
	for i, a := range args {
		text, err := json.Marshal(a)
		if err != nil {
			panic(err) // the arguments are texts
		}
		list[i] = string(text)
	}
	return function + "(" + strings.Join(list, ", ") + ")"
}

// read stores the value of an expression.
func (p *Tab) read(to any, expression string) {
	p.t.Helper()
	p.run(expression, chromedp.Evaluate(library+";"+expression, to))
}

// until waits until an expression is not null, false or empty, and stores its value. While one page
// follows another, an expression has no value.
func (p *Tab) until(to any, expression string) {
	p.t.Helper()
	var err error
	for end := time.Now().Add(waitLimit); time.Now().Before(end); time.Sleep(pause) {
		ctx, cancel := context.WithTimeout(p.ctx, waitLimit)
		var value json.RawMessage
		err = chromedp.Run(ctx, chromedp.Evaluate(library+";"+expression+"||null", &value))
		cancel()
		if err == nil && string(value) != "null" {
			require.NoError(p.t, json.Unmarshal(value, to), expression)
			return
		}
	}
	var page string
	_ = chromedp.Run(p.ctx, chromedp.Evaluate("location.href + '\\n' + document.body.innerText.slice(0, 2000)", &page)) // empty if there is no page
	require.Fail(p.t, "the page does not show what is expected", "%s\nlast error: %v\nthe page is %s", expression, err, page)
}

// See waits until an element that a selector names has a text.
func (p *Tab) See(selector, text string) {
	p.t.Helper()
	var found bool
	p.until(&found, script("shows", selector, text))
}

// Gone waits until no element of a selector has a text on a complete page.
func (p *Tab) Gone(selector, text string) {
	p.t.Helper()
	var gone bool
	p.until(&gone, `document.readyState === "complete" && !`+script("shows", selector, text))
}

// back goes back in the history of the tab.
func (p *Tab) back() {
	p.t.Helper()
	var done bool
	p.read(&done, "history.back(), true")
}

// Text returns the text of the first element of a selector.
func (p *Tab) Text(selector string) string {
	p.t.Helper()
	var text string
	p.until(&text, script("text", selector))
	return text
}

// Texts returns the texts of all elements of a selector.
func (p *Tab) Texts(selector string) []string {
	p.t.Helper()
	var texts []string
	p.read(&texts, script("texts", selector))
	return texts
}

// Missing fails the test if the page has an element of a selector.
func (p *Tab) Missing(selector string) {
	p.t.Helper()
	require.Empty(p.t, p.Texts(selector), "the page has %s", selector)
}

// Click clicks a link, a button or a field by its name. A field's name is its label.
func (p *Tab) Click(name string) {
	p.t.Helper()
	var at struct{ X, Y float64 }
	p.until(&at, script("place", name))
	p.run("click "+name, chromedp.MouseClickXY(at.X, at.Y))
}

// Fill types a text into the empty field with a label.
func (p *Tab) Fill(label, text string) {
	p.t.Helper()
	p.Click(label)
	p.run("type", chromedp.KeyEvent(text))
}

// Choose selects an option of the field with a label.
func (p *Tab) Choose(label, option string) {
	p.t.Helper()
	var done bool
	p.until(&done, script("choose", label, option))
}
