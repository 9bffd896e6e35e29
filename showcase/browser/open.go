package browser

import (
	"testing"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Device is what a page is shown on. Lengths are CSS pixels.
type Device struct {
	Width, Height int64
	// Scale is the number of the screen's pixels for one CSS pixel.
	Scale float64
	Touch bool
	// Dark is the person's choice of colors.
	Dark bool
}

// Laptop and Phone are devices with light colors.
var (
	Laptop = Device{Width: 1280, Height: 800, Scale: 1}
	Phone  = Device{Width: 390, Height: 844, Scale: 2, Touch: true}
)

// Open opens a tab. When the test ends, each problem that the browser reported is a failure.
func (b *Browser) Open(t testing.TB, d Device) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithTargetID(b.window(t)))
	t.Cleanup(cancel)
	p := &Tab{Browser: b, t: t, ctx: ctx, watch: &watcher{site: "https://" + b.host(t) + "/"}}
	chromedp.ListenTarget(ctx, p.watch.see)
	require.NoError(t, chromedp.Run(ctx), "open a tab") // a time limit of the first run would be that of the tab
	scheme := "light"
	if d.Dark {
		scheme = "dark"
	}
	p.run("open a tab", audits.Enable(),
		emulation.SetDeviceMetricsOverride(d.Width, d.Height, d.Scale, d.Touch),
		emulation.SetTouchEmulationEnabled(d.Touch),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}))
	t.Cleanup(func() {
		for _, problem := range p.watch.all() {
			t.Errorf("the browser reports: %s", problem)
		}
	})
	return p
}

// window opens a window with cookies of its own. chromedp.WithNewBrowserContext opens none, and then
// Chromium refuses to open a tab.
func (b *Browser) window(t testing.TB) target.ID {
	t.Helper()
	ctx := cdp.WithExecutor(b.ctx, chromedp.FromContext(b.ctx).Browser)
	person, err := target.CreateBrowserContext().WithDisposeOnDetach(true).Do(ctx)
	require.NoError(t, err)
	id, err := target.CreateTarget("about:blank").WithBrowserContextID(person).WithNewWindow(true).Do(ctx)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, target.DisposeBrowserContext(person).Do(ctx)) })
	return id
}
