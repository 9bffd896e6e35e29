package browser_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/genericcorp/platform/showcase/browser"
)

// To open a page takes a second, so one page has many faults.
func TestFaultsOfAPageFailATest(t *testing.T) {
	open := faultyPage(t)
	check := func(p *browser.Tab) {
		p.FitsPhone("the page")
		p.Readable("the page", false)
		p.TabTo("Press")
	}
	assert.Empty(t, open(t, `console.log("fine")`, check))

	scripts, wanted := []string{}, []string{}
	for script, want := range map[string]string{
		`console.error("bad thing")`:                         "console: \"bad thing\"",
		`console.assert(false, "bad claim")`:                 "bad claim",
		`setTimeout(() => missing(), 0)`:                     "missing is not defined",
		`Promise.reject(new Error("lost"))`:                  "Error: lost",
		`fetch("/broken")`:                                   "status 502",
		`fetch("/ends").catch(() => 0)`:                      "a request failed",
		`fetch("/none")`:                                     "status of 404",
		`fetch("https://elsewhere.example/").catch(() => 0)`: "another site: https://elsewhere.example/",
		`document.body.append(Object.assign(document.createElement("script"), {textContent: "1"}))`: `"violatedDirective":"script-src-elem"`,
		`document.body.setAttribute("style", "color: red")`:                                         `"violatedDirective":"style-src-attr"`,
		`new Image().src = "data:image/gif;base64,R0lGODlhAQABAAAAACw="`:                            `"violatedDirective":"img-src"`,
		`document.querySelector("h1").style.width = "500px"`:                                        "pixels wider than the phone",
		`document.querySelector("button").style.padding = "0"`:                                      "Press is",
		`document.body.style.background = "#000"`:                                                   "the page is dark",
		`document.querySelector("h1").style.color = "#444"`:                                         "Done has",
		`document.body.append(document.createElement("textarea"))`:                                  "<textarea></textarea>",
		`document.querySelector("button").style.outline = "none"`:                                   "cannot be seen",
	} {
		scripts, wanted = append(scripts, script), append(wanted, want)
	}
	found := fmt.Sprint(open(t, strings.Join(scripts, ";"), check))
	for _, want := range wanted {
		assert.Contains(t, found, want)
	}

	outside := open(t, `document.querySelector("button").style.cssText = "position: fixed; top: -90px"`, check)
	assert.Contains(t, fmt.Sprint(outside), "cannot be seen")
}
