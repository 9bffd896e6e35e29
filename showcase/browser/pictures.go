package browser

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// Picture is a screenshot for the documentation.
type Picture struct {
	// Name is the name of the file, without its ending.
	Name   string
	Device Device
	// PNG is the content of the file.
	PNG []byte
}

// Pictures takes the screenshots of the documentation.
func Pictures(t testing.TB, b *Browser) []Picture {
	dark := Phone
	dark.Dark, dark.Scale = true, 1
	phone := Visit(t, b, dark)

	low, high := Laptop, Laptop // as high as the page
	low.Height, high.Height = 660, 950
	outside := b.Open(t, low)
	outside.Go("/sign-in")
	outside.See("h1", "Sign in")
	var done bool
	outside.read(&done, "document.activeElement.blur(), true") // the caret blinks
	list := []Picture{outside.take("sign-in", low)}

	costs := Visit(t, b, high)
	costs.Go("/costs")
	costs.See("h1", "Costs and failures")
	list = append(list, costs.take("costs", high))
	low.Height = 800
	usage := Visit(t, b, low)
	usage.Go("/usage")
	usage.See("h1", "Usage")
	list = append(list, usage.take("usage", low))

	phone.Go("/runs")
	phone.Click("Sort the tickets of today")
	phone.See("#live", "new events appear here")
	return append(list, phone.take("run", dark))
}

// take takes a screenshot of what the device shows.
func (p *Tab) take(name string, d Device) Picture {
	p.t.Helper()
	p.rest()
	picture := Picture{Name: name, Device: d}
	p.run("take a screenshot", chromedp.CaptureScreenshot(&picture.PNG))
	return picture
}
