// Package webtest drives the back office in tests: as a browser without
// JavaScript over plain HTTP (Site, Visitor, Page), and with a real one
// (Browser). It is for tests of the framework and of whole programs, and
// imports the framework's web side but no addon.
package webtest

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/rpc"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/web"
)

// Site is a running back office.
type Site struct {
	URL    string
	Server *server.Server
}

// Serve mounts the back office and JSON-RPC on a database until the test ends.
func Serve(t testing.TB, db *orm.DB, auth server.Auth, o web.Options) *Site {
	t.Helper()
	srv, err := server.New(db, server.Config{Database: "test", Auth: auth, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	rpc.Mount(srv)
	web.Mount(srv, o)
	ts := httptest.NewServer(srv)
	t.Cleanup(ts.Close)
	return &Site{URL: ts.URL, Server: srv}
}

// Visitor is a browser without JavaScript: it keeps cookies and follows
// redirects.
type Visitor struct {
	t    testing.TB
	base string
	http *http.Client
}

// Visit makes a visitor of an address, not logged in.
func Visit(t testing.TB, base string) *Visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Visitor{t: t, base: base, http: &http.Client{Jar: jar}}
}

// Login makes a visitor who is logged in.
func (s *Site) Login(t testing.TB, login, password string) *Visitor {
	t.Helper()
	v := Visit(t, s.URL)
	p := v.Get("/web/login").Submit("@password", "login", login, "password", password)
	if p.Status != http.StatusOK || strings.HasPrefix(p.URL.Path, "/web/login") {
		t.Fatalf("login as %s: %d %s", login, p.Status, p.Text())
	}
	return v
}

// Page is an answer.
type Page struct {
	v      *Visitor
	Status int
	URL    *url.URL // after redirects
	Header http.Header
	Body   string
	root   *html.Node
}

// Get opens an address: a path, or an absolute one.
func (v *Visitor) Get(path string) *Page {
	v.t.Helper()
	req, err := http.NewRequest(http.MethodGet, v.absolute(path), nil)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.do(req)
}

func (v *Visitor) absolute(path string) string {
	if strings.HasPrefix(path, "/") {
		return v.base + path
	}
	return path
}

func (v *Visitor) do(req *http.Request) *Page {
	v.t.Helper()
	req.Header.Set("Accept", "text/html")
	res, err := v.http.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	p := &Page{v: v, Status: res.StatusCode, URL: res.Request.URL, Header: res.Header, Body: string(body)}
	if p.root, err = html.Parse(bytes.NewReader(body)); err != nil {
		v.t.Fatal(err)
	}
	return p
}

// Post sends a form as a page of the site would.
func (v *Visitor) Post(path string, form url.Values) *Page {
	v.t.Helper()
	req, err := http.NewRequest(http.MethodPost, v.absolute(path), strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return v.do(req)
}

// Text is what a page says, with single spaces.
func (p *Page) Text() string {
	var b strings.Builder
	text(&b, p.root)
	return strings.Join(strings.Fields(b.String()), " ")
}

func text(b *strings.Builder, n *html.Node) {
	if n.Type == html.ElementNode && (n.Data == "script" || n.Data == "style" || n.Data == "datalist" || n.Data == "select") {
		return
	}
	if n.Type == html.TextNode {
		b.WriteString(n.Data)
		b.WriteByte(' ')
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		text(b, c)
	}
}

// Contains reports whether the page says something.
func (p *Page) Contains(s string) bool { return strings.Contains(p.Text(), s) }

// Link follows the link of that text, the first one.
func (p *Page) Link(label string) *Page {
	p.v.t.Helper()
	n := p.find(func(n *html.Node) bool { return n.Data == "a" && strings.TrimSpace(inner(n)) == label })
	if n == nil {
		p.v.t.Fatalf("%s has no link %q: %s", p.URL, label, p.Text())
	}
	to, err := p.URL.Parse(attr(n, "href"))
	if err != nil {
		p.v.t.Fatal(err)
	}
	return p.v.Get(to.String())
}

// Labelled follows the link with an accessible name.
func (p *Page) Labelled(name string) *Page {
	p.v.t.Helper()
	n := p.find(func(n *html.Node) bool { return n.Data == "a" && attr(n, "aria-label") == name })
	if n == nil {
		p.v.t.Fatalf("%s has no link named %q: %s", p.URL, name, p.Text())
	}
	to, err := p.URL.Parse(attr(n, "href"))
	if err != nil {
		p.v.t.Fatal(err)
	}
	return p.v.Get(to.String())
}

// Title is the title of the page.
func (p *Page) Title() string {
	n := p.find(func(n *html.Node) bool { return n.Data == "title" })
	if n == nil {
		return ""
	}
	return inner(n)
}

// HasLink reports whether there is a link of that text.
func (p *Page) HasLink(label string) bool {
	return p.find(func(n *html.Node) bool { return n.Data == "a" && strings.TrimSpace(inner(n)) == label }) != nil
}

func inner(n *html.Node) string {
	var b strings.Builder
	text(&b, n)
	return strings.Join(strings.Fields(b.String()), " ")
}

func (p *Page) find(test func(*html.Node) bool) *html.Node {
	var out *html.Node
	walk(p.root, func(n *html.Node) bool {
		if out == nil && n.Type == html.ElementNode && test(n) {
			out = n
		}
		return out == nil
	})
	return out
}

func walk(n *html.Node, visit func(*html.Node) bool) {
	if !visit(n) {
		return
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		walk(c, visit)
	}
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

// Values are the values a browser would send for a form: an id, "@name" for the
// form with an input of that name, or "" for the first form that posts.
func (p *Page) Values(form string) url.Values {
	p.v.t.Helper()
	out, _ := p.collect(p.form(form))
	return out
}

func (p *Page) form(which string) *html.Node {
	p.v.t.Helper()
	var n *html.Node
	if name, ok := strings.CutPrefix(which, "@"); ok {
		n = p.owner(p.find(func(n *html.Node) bool { return n.Data != "meta" && attr(n, "name") == name }))
	} else {
		n = p.find(func(n *html.Node) bool {
			return n.Data == "form" && (which != "" && attr(n, "id") == which || which == "" && strings.EqualFold(attr(n, "method"), "post") && attr(n, "role") == "")
		})
	}
	if n == nil {
		p.v.t.Fatalf("%s has no form %q (%d): %s", p.URL, which, p.Status, p.Text())
	}
	return n
}

// owner is the form a control belongs to.
func (p *Page) owner(control *html.Node) *html.Node {
	if control == nil {
		return nil
	}
	if id := attr(control, "form"); id != "" {
		return p.find(func(n *html.Node) bool { return n.Data == "form" && attr(n, "id") == id })
	}
	for n := control.Parent; n != nil; n = n.Parent {
		if n.Type == html.ElementNode && n.Data == "form" {
			return n
		}
	}
	return nil
}

// collect reads the successful controls of a form, and the names of its file
// inputs.
func (p *Page) collect(form *html.Node) (url.Values, []string) {
	out := url.Values{}
	var files []string
	visit := func(n *html.Node) bool {
		name := attr(n, "name")
		if n.Type != html.ElementNode || name == "" || has(n, "disabled") {
			return true
		}
		if owner := attr(n, "form"); owner != "" && owner != attr(form, "id") {
			return true
		}
		switch n.Data {
		case "input":
			switch attr(n, "type") {
			case "checkbox", "radio":
				if has(n, "checked") {
					out.Add(name, orOn(attr(n, "value")))
				}
			case "file":
				files = append(files, name)
			default:
				out.Add(name, attr(n, "value"))
			}
		case "textarea":
			out.Add(name, strings.TrimPrefix(raw(n), "\n"))
		case "select":
			out.Add(name, selected(n))
		}
		return true
	}
	walk(form, visit)
	return out, files
}

func orOn(v string) string {
	if v == "" {
		return "on"
	}
	return v
}

func raw(n *html.Node) string {
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.WriteString(c.Data)
	}
	return b.String()
}

func selected(n *html.Node) string {
	var first, chosen *html.Node
	walk(n, func(o *html.Node) bool {
		if o.Data == "option" && o.Type == html.ElementNode {
			if first == nil {
				first = o
			}
			if has(o, "selected") {
				chosen = o
			}
		}
		return true
	})
	if chosen == nil {
		chosen = first
	}
	if chosen == nil {
		return ""
	}
	if has(chosen, "value") {
		return attr(chosen, "value")
	}
	return raw(chosen)
}

// Submit sends a form with some values changed: pairs of name and value, or
// with File as the value, of a file. "-" before a name removes it, as clearing
// a box does; "+" adds to what is there.
func (p *Page) Submit(form string, pairs ...any) *Page {
	p.v.t.Helper()
	return p.submit(p.form(form), pairs)
}

func (p *Page) submit(n *html.Node, pairs []any) *Page {
	p.v.t.Helper()
	vals, _ := p.collect(n)
	files := map[string]File{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		switch x := pairs[i+1].(type) {
		case File:
			files[name] = x
		case string:
			if rest, ok := strings.CutPrefix(name, "-"); ok {
				vals.Del(rest)
			} else if rest, ok := strings.CutPrefix(name, "+"); ok {
				vals.Add(rest, x)
			} else {
				vals.Set(name, x)
			}
		default:
			p.v.t.Fatalf("a form takes texts and files, not %T", x)
		}
	}
	action := p.URL.String()
	if a := attr(n, "action"); a != "" {
		to, err := p.URL.Parse(a)
		if err != nil {
			p.v.t.Fatal(err)
		}
		action = to.String()
	}
	if attr(n, "enctype") != "multipart/form-data" {
		return p.v.Post(action, vals)
	}
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for k, list := range vals {
		for _, v := range list {
			if err := w.WriteField(k, v); err != nil {
				p.v.t.Fatal(err)
			}
		}
	}
	for k, f := range files {
		part, err := w.CreateFormFile(k, f.Name)
		if err != nil {
			p.v.t.Fatal(err)
		}
		if _, err := part.Write(f.Content); err != nil {
			p.v.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		p.v.t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, action, &body)
	if err != nil {
		p.v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	return p.v.do(req)
}

// Search sends the search form of a page with some values set.
func (p *Page) Search(pairs ...string) *Page {
	p.v.t.Helper()
	n := p.find(func(n *html.Node) bool { return n.Data == "form" && attr(n, "role") == "search" })
	if n == nil {
		p.v.t.Fatalf("%s has no search: %s", p.URL, p.Text())
	}
	vals, _ := p.collect(n)
	for i := 0; i+1 < len(pairs); i += 2 {
		vals.Set(pairs[i], pairs[i+1])
	}
	return p.v.Get(attr(n, "action") + "?" + vals.Encode())
}

// Queries is the number of SQL statements the page took.
func (p *Page) Queries() int {
	p.v.t.Helper()
	n := 0
	if _, err := fmt.Sscanf(p.Header.Get("Server-Timing"), "sql;desc=\"%d", &n); err != nil {
		p.v.t.Fatalf("%s: no number of statements in %q", p.URL, p.Header.Get("Server-Timing"))
	}
	return n
}

// File is what a file input is given.
type File struct {
	Name    string
	Content []byte
}

// Button finds the value with which the button of that text submits, "" when
// there is none.
func (p *Page) Button(label string) string {
	if n := p.button(label); n != nil {
		return attr(n, "value")
	}
	return ""
}

// button finds a button by its text or its accessible name.
func (p *Page) button(label string) *html.Node {
	return p.find(func(n *html.Node) bool {
		return n.Data == "button" && (inner(n) == label || attr(n, "aria-label") == label)
	})
}

// Press submits the form of a button, found by its text or accessible name,
// with some values changed.
func (p *Page) Press(label string, pairs ...any) *Page {
	p.v.t.Helper()
	n := p.button(label)
	form := p.owner(n)
	if form == nil {
		p.v.t.Fatalf("%s has no button %q: %s", p.URL, label, p.Text())
	}
	if name := attr(n, "name"); name != "" {
		pairs = append(pairs, name, attr(n, "value"))
	}
	return p.submit(form, pairs)
}

// Errors are the messages at the fields of a form, by the id of the input.
func (p *Page) Errors() map[string]string {
	out := map[string]string{}
	walk(p.root, func(n *html.Node) bool {
		if n.Type == html.ElementNode && attr(n, "class") == "error" && attr(n, "id") != "" {
			out[strings.TrimSuffix(attr(n, "id"), "-error")] = inner(n)
		}
		return true
	})
	return out
}

// Element gives the text of the first element of a class, "" without one.
func (p *Page) Element(tag, class string) string {
	n := p.find(func(n *html.Node) bool {
		return n.Data == tag && strings.Contains(" "+attr(n, "class")+" ", " "+class+" ")
	})
	if n == nil {
		return ""
	}
	return inner(n)
}

// Table is the text of the cells of the page's list, row by row.
func (p *Page) Table() [][]string {
	var out [][]string
	table := p.find(func(n *html.Node) bool {
		return n.Data == "table" && strings.Contains(attr(n, "class"), "list")
	})
	if table == nil {
		return nil
	}
	walk(table, func(n *html.Node) bool {
		if n.Type != html.ElementNode || n.Data != "tr" || n.Parent.Data != "tbody" || has(n, "hidden") {
			return true
		}
		var row []string
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			if c.Type == html.ElementNode && !strings.Contains(attr(c, "class"), "tool") {
				row = append(row, inner(c))
			}
		}
		out = append(out, row)
		return true
	})
	return out
}
