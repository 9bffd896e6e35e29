package dashboards

import "github.com/genericcorp/platform/internal/alerts"

// Kinds of panels, which are Grafana's names.
const (
	kindNumber = "stat"
	kindLines  = "timeseries"
	kindBars   = "bargauge"
)

// Grafana's names of units.
const (
	count     = "short"
	perSecond = "reqps"
	share     = "percentunit"
	seconds   = "s"
	bytes     = "bytes"
	bytesRate = "Bps"
	dollars   = "currencyUSD"
)

// panel is a number, a graph or a list of bars.
type panel struct {
	kind, title, unit string
	// about says what is counted, and what to do with it.
	about   string
	queries []query
	steps   []step
	links   []link
	// most is the end of the axis; 0 is the greatest value.
	most float64
}

// query is an expression in MetricsQL with the name of its series. The name may have labels:
// "{{tenant}}".
type query struct{ expr, name string }

// step is a threshold: values from it on have a colour.
type step struct {
	from  float64
	color string
}

// link leads to a page about the panel.
type link struct{ title, url string }

// number returns a panel with the present value of an expression.
func number(title, unit, expr string) panel {
	return panel{kind: kindNumber, title: title, unit: unit, queries: []query{{expr, title}}}
}

// lines returns a panel with a line for each series.
func lines(title, unit string, queries ...query) panel {
	return panel{kind: kindLines, title: title, unit: unit, queries: queries}
}

// bars returns a panel with a bar for each series of an expression, with its present value.
func bars(title, unit, expr, name string) panel {
	return panel{kind: kindBars, title: title, unit: unit, queries: []query{{expr, name}}}
}

func (p panel) describe(about string) panel {
	p.about = about
	return p
}

// warnAbove colours values from warn on yellow, and from bad on red.
func (p panel) warnAbove(warn, bad float64) panel {
	p.steps = []step{{warn, "yellow"}, {bad, "red"}}
	return p
}

// warnBelow colours values below warn yellow, and below bad red.
func (p panel) warnBelow(warn, bad float64) panel {
	p.steps = []step{{bad, "yellow"}, {warn, "green"}}
	return p
}

// upTo ends the axis at a value.
func (p panel) upTo(most float64) panel {
	p.most = most
	return p
}

// alert links to the sections of the runbook about alerts.
func (p panel) alert(names ...string) panel {
	for _, name := range names {
		p.links = append(p.links, link{"Runbook: " + name, alerts.Rule{Name: name}.Runbook()})
	}
	return p
}

// read links to a page of the documentation.
func (p panel) read(title, page string) panel {
	p.links = append(p.links, link{title, docs + page})
	return p
}

const docs = "https://github.com/genericcorp/platform/blob/main/docs/"
