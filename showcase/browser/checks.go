package browser

import (
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stops is how often a person presses Tab before giving up.
const stops = 80

// Press presses a key, such as kb.Enter.
func (p *Tab) Press(key string) {
	p.t.Helper()
	p.run("press a key", chromedp.KeyEvent(key))
}

// Write types a text into the field that has the focus.
func (p *Tab) Write(text string) {
	p.t.Helper()
	p.run("type", chromedp.KeyEvent(text))
}

// TabTo presses Tab until a control with a name has the focus. The focus must be visible at every
// stop.
func (p *Tab) TabTo(name string) {
	p.t.Helper()
	for range stops {
		p.Press(kb.Tab)
		at := p.focus()
		if at.Tag == "BODY" { // the end of the page
			continue
		}
		assert.True(p.t, at.Visible, "the focus on %s %q cannot be seen", at.Tag, at.Name)
		if at.Name == name {
			return
		}
	}
	require.Fail(p.t, "the keyboard does not reach the control", name)
}

// focus is the element that has the keyboard's focus.
type focus struct {
	Name, Tag string
	Visible   bool
}

// focus returns what has the focus. The browser scrolls to it after the key, on a busy machine
// some time after.
func (p *Tab) focus() (at focus) {
	p.t.Helper()
	for end := time.Now().Add(2 * time.Second); ; time.Sleep(pause) {
		p.read(&at, script("focused"))
		if at.Visible || at.Tag == "BODY" || time.Now().After(end) {
			return at
		}
	}
}

// FitsPhone fails the test if the page scrolls sideways, or has a control that a finger misses.
func (p *Tab) FitsPhone(page string) {
	p.t.Helper()
	var wide int
	p.read(&wide, script("wide", Phone.Width))
	assert.LessOrEqual(p.t, wide, 0, "%s is %d pixels wider than the phone", page, wide)
	var small []string
	p.read(&small, script("small"))
	assert.Empty(p.t, small, "%s has controls under 24 pixels", page)
}

// Readable fails the test if the page has a text or a bar with too little contrast (WCAG 2.2, AA), a
// control without a name, or not the colors that the person has chosen.
func (p *Tab) Readable(page string, dark bool) {
	p.t.Helper()
	var isDark bool
	p.read(&isDark, "light(behind(document.body)) < 0.5")
	assert.Equal(p.t, dark, isDark, "%s is dark", page)
	var faint []string
	p.read(&faint, script("faint"))
	assert.Empty(p.t, faint, "%s has too little contrast", page)
	var unnamed []string
	p.read(&unnamed, script("unnamed"))
	assert.Empty(p.t, unnamed, "%s has controls without a name", page)
}

// rest moves the pointer away, and waits until a page has its final look.
func (p *Tab) rest() {
	p.t.Helper()
	p.run("move the pointer", input.DispatchMouseEvent(input.MouseMoved, 0, 0))
	var ready bool
	p.until(&ready, `document.readyState === "complete"`)
	time.Sleep(2 * pause)
}
