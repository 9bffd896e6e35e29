package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/url"
	"os"
	"path/filepath"

	"github.com/genericcorp/platform/internal/dashboards"
)

// queryPath is the page of VictoriaMetrics' own interface that draws a query.
const queryPath = "/vmui/#/?g0.range_input=30m&g0.expr="

//go:embed grafana.html
var grafanaPage string

// dashboard is the part of a Grafana dashboard that the page shows.
type dashboard struct {
	Title  string
	Panels []struct {
		Title   string
		Targets []struct{ Expr string }
	}
}

// index returns the page in place of Grafana: the panels of the dashboards in a folder, with
// a link for each query, with the demo's tenant acme, to VictoriaMetrics at a URL. A file that cannot be read is on the page with
// its error.
func index(metrics, folder string) []byte {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return []byte(err.Error())
	}
	var boards []dashboard
	for _, file := range files {
		board := dashboard{}
		data, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(data, &board)
		}
		if err != nil {
			board.Title = fmt.Sprintf("%s: %v", filepath.Base(file), err)
		}
		boards = append(boards, board)
	}
	var out bytes.Buffer
	page := template.Must(template.New("page").Funcs(template.FuncMap{"link": func(query string) template.URL {
		return template.URL(metrics + queryPath + url.QueryEscape(dashboards.Filled(query, "acme"))) //nolint:gosec // the query is escaped
	}}).Parse(grafanaPage))
	if err := page.Execute(&out, boards); err != nil {
		return []byte(err.Error())
	}
	return out.Bytes()
}
