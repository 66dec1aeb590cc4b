package web

import (
	"embed"
	"fmt"
	"html/template"
	"strings"

	"fusionsoft.ca/fusion/framework/server"
)

//go:embed templates/*.html
var templateFiles embed.FS

// parseTemplates reads the embedded templates. A mistake in them is one of the
// program, found by every test.
func parseTemplates() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"dict":  dict,
		"lower": strings.ToLower,
		"plural": func(n int, one, many string) string {
			return count(n, one, many)
		},
	}).ParseFS(templateFiles, "templates/*.html"))
}

// dict makes a map of names and values, to hand several to a template.
func dict(pairs ...any) (map[string]any, error) {
	out := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		k, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: %v is no name", pairs[i])
		}
		out[k] = pairs[i+1]
	}
	return out, nil
}

// shell is what surrounds every page.
type shell struct {
	Program   string
	Title     string
	Lang      string
	Dir       string
	Assets    string
	Apps      []*menu
	App       *menu
	Crumbs    []crumb
	User      string
	Initials  string
	Hue       int
	Companies []companyChoice
	Here      string
	Notes     []server.Note
	Dialog    bool
	Body      any
}

// render writes a page without the menu.
func (p *page) render(name string, body any) error {
	s := shell{Program: p.w.Name, Title: p.title, Lang: "en", Dir: "ltr", Assets: p.w.assets, Body: body}
	return p.w.templates.ExecuteTemplate(p.Context, name, s)
}

// show writes a page inside the layout.
func (p *page) show(name string, body any) error {
	s := shell{Program: p.w.Name, Title: p.title, Assets: p.w.assets, Dialog: p.dialog, Body: body, Here: p.at.URL()}
	loc, err := p.locale()
	if err != nil {
		return err
	}
	s.Lang, s.Dir = strings.ReplaceAll(loc.code, "_", "-"), loc.dir
	if s.Apps, err = p.menus(); err != nil {
		return err
	}
	s.App = findMenu(s.Apps, toID(p.at.params.Get(menuParam)), p.menuAction())
	if s.Crumbs, err = p.trail(); err != nil {
		return err
	}
	if s.Companies, err = p.companies(); err != nil {
		return err
	}
	if len(s.Companies) < 2 {
		s.Companies = nil
	}
	users := p.env.Registry().PolicyModels().Users
	p.names.add(users, p.env.UID())
	if err := p.names.load(); err != nil {
		return err
	}
	s.User = p.names.of(users, p.env.UID())
	s.Initials, s.Hue = (&menu{Name: s.User}).Initials(), (&menu{Name: s.User}).Hue()
	if p.Session != nil {
		s.Notes = p.Session.Notes()
	}
	p.Header().Set("Server-Timing", fmt.Sprintf(`sql;desc="%d statements"`, p.env.Queries()))
	return p.w.templates.ExecuteTemplate(p.Context, name, s)
}

// menuAction is the action whose menu entry the page belongs to: its own, or
// that of the outermost page above it.
func (p *page) menuAction() string {
	path := p.at.path
	if len(p.at.up) > 0 {
		path = p.at.up[0]
	}
	key, ok := strings.CutPrefix(path, "action/")
	if !ok {
		return ""
	}
	key, _, _ = strings.Cut(key, "?")
	key, _, _ = strings.Cut(key, "/")
	id, kind, err := p.actionID(key)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%s,%d", kind, id)
}

// trail names the pages above this one.
func (p *page) trail() ([]crumb, error) {
	var out []crumb
	for i, up := range p.at.up {
		pl := parsePlace(up, p.at.up[:i])
		out = append(out, crumb{Name: p.placeName(pl), URL: pl.URL()})
	}
	// A record opened by its own address stands below its list all the same.
	if len(out) == 0 && !p.dialog && strings.Count(p.at.path, "/") == 2 {
		cut := strings.LastIndexByte(p.at.path, '/')
		pl := p.at.beside(p.at.path[:cut], nil)
		if strings.HasPrefix(pl.path, "action/") || strings.HasPrefix(pl.path, "model/") {
			out = append(out, crumb{Name: p.placeName(pl), URL: pl.URL()})
		}
	}
	return out, nil
}

// placeName is what a page above is called: its action, or its record as far
// as the user may read it.
func (p *page) placeName(pl place) string {
	act, err := p.loadAction(pl)
	if err != nil {
		return "…"
	}
	parts := strings.Split(pl.path, "/")
	if len(parts) < 3 {
		return act.Name
	}
	id := toID(parts[2])
	if id == 0 {
		return "New"
	}
	rs, err := p.env.Lookup(act.Model)
	if err != nil {
		return "…"
	}
	names, err := rs.Browse(id).DisplayNames()
	if err != nil || names[id] == "" {
		return "#" + parts[2]
	}
	return names[id]
}
