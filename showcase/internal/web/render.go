package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/genericcorp/platform/showcase/internal/accounts"
	"github.com/genericcorp/platform/showcase/internal/demo"
	"github.com/genericcorp/platform/showcase/internal/ops"
	"github.com/genericcorp/platform/showcase/internal/site"
)

//go:embed templates/*.html
var templates embed.FS

// page is a parsed template.
type page struct{ *template.Template }

// frame is what the layout of every page needs.
type frame struct {
	Title, Page string
	Team        string
	Demo        bool
	DemoEmail   string
	DemoSecret  string
	// Member is nil without a session.
	Member    *accounts.Session
	BaseURL   string
	RequestID string
	Data      any
}

var functions = template.FuncMap{
	"args":  func(list ...any) []any { return list },
	"usd":   usd,
	"when":  func(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04:05 UTC") },
	"short": func(t time.Time) string { return t.UTC().Format("2 Jan 15:04") },
	"iso":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"count": func(n any) string {
		if small, ok := n.(int); ok {
			return group(small)
		}
		return group(n.(int64))
	},
	"took":     took,
	"pretty":   pretty,
	"sentence": sentence,
}

// fingerprint returns a hash of all static files.
func fingerprint() (string, error) {
	sum := sha256.New()
	err := fs.WalkDir(static, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := static.ReadFile(file)
		sum.Write(data)
		return err
	})
	return hex.EncodeToString(sum.Sum(nil))[:12], err
}

// parse parses the templates. assets is the hash that the addresses of static files get.
func parse(assets string) (map[string]*page, error) {
	asset := template.FuncMap{"asset": func(file string) string { return "/static/" + file + "?v=" + assets }}
	base, err := template.New("base").Funcs(functions).Funcs(asset).ParseFS(templates, "templates/layout.html", "templates/parts.html")
	if err != nil {
		return nil, err
	}
	files, err := fs.Glob(templates, "templates/*.html")
	if err != nil {
		return nil, err
	}
	out := map[string]*page{}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name == "layout" || name == "parts" {
			continue
		}
		t, err := template.Must(base.Clone()).ParseFS(templates, file)
		if err != nil {
			return nil, err
		}
		out[name] = &page{t}
	}
	return out, nil
}

// show sends a view.
func (a *Web) show(w http.ResponseWriter, r *http.Request, m *accounts.Session, v view) {
	if v.redirect != "" {
		http.Redirect(w, r, v.redirect, http.StatusSeeOther)
		return
	}
	s := site.Of(r)
	f := frame{Title: v.title, Page: v.page, Team: s.Tenant.Name, Demo: s.Demo, DemoEmail: demo.Email, DemoSecret: demo.Password,
		Member: m, BaseURL: s.BaseURL(a.public), RequestID: ops.InfoOf(r.Context()).ID, Data: v.data}
	var b bytes.Buffer
	if err := a.pages[v.page].ExecuteTemplate(&b, "layout", f); err != nil {
		ops.InfoOf(r.Context()).Err = err
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	leave, ok := a.sending.enter(s.Tenant.Name, b.Len())
	if !ok {
		h.Set("Retry-After", "30")
		http.Error(w, "too many large pages are being sent", http.StatusServiceUnavailable)
		return
	}
	defer leave()
	h.Set("Content-Type", "text/html; charset=utf-8")
	if v.status == http.StatusTooManyRequests {
		h.Set("Retry-After", "60")
	}
	if v.status != 0 {
		w.WriteHeader(v.status)
	}
	_, _ = w.Write(b.Bytes()) // a client that is gone needs no response
}

// fragment renders a part of a page for the live timeline.
func (a *Web) fragment(name string, data any) (string, error) {
	var b strings.Builder
	err := a.pages["run"].ExecuteTemplate(&b, name, data)
	return b.String(), err
}

// usd returns an amount of millionths of a dollar.
func usd(micro int64) string {
	if micro > 0 && micro < 10_000 {
		return fmt.Sprintf("$%.4f", float64(micro)/1e6)
	}
	return fmt.Sprintf("$%.2f", float64(micro)/1e6)
}

// group returns a number with a comma after each three digits.
func group[T int | int64](n T) string {
	text := strconv.FormatInt(int64(n), 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// took returns a duration with its two largest units.
func took(d time.Duration) string {
	hours, minutes, seconds := int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60
	switch {
	case hours > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	case minutes > 0 && seconds > 0:
		return fmt.Sprintf("%d min %d s", minutes, seconds)
	case minutes > 0:
		return fmt.Sprintf("%d min", minutes)
	}
	return fmt.Sprintf("%d s", seconds)
}

// pretty indents data. Of deep data that would be mostly spaces, so it stays as it is.
func pretty(data json.RawMessage) string {
	var b bytes.Buffer
	if json.Indent(&b, data, "", "  ") != nil || b.Len() > 4*len(data) {
		return string(data)
	}
	return b.String()
}

// sentence makes an error's text a sentence.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
