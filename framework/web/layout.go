package web

import (
	"fmt"
	"strings"

	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/web/address"
	"fusionsoft.ca/fusion/framework/web/convert"
)

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
	loc, err := p.Locale()
	if err != nil {
		return err
	}
	s.Lang, s.Dir = strings.ReplaceAll(loc.Code, "_", "-"), loc.Dir
	if s.Apps, err = loadMenus(p.Reader); err != nil {
		return err
	}
	s.App = findMenu(s.Apps, convert.ID(p.at.Params.Get(address.MenuParam)), p.menuAction())
	if s.Crumbs, err = p.trail(); err != nil {
		return err
	}
	if s.Companies, err = companiesOf(p.Reader); err != nil {
		return err
	}
	if len(s.Companies) < 2 {
		s.Companies = nil
	}
	users := p.env().Registry().PolicyModels().Users
	p.Names.Add(users, p.env().UID())
	if err := p.Names.Load(); err != nil {
		return err
	}
	s.User = p.Names.Of(users, p.env().UID())
	s.Initials, s.Hue = (&menu{Name: s.User}).Initials(), (&menu{Name: s.User}).Hue()
	if p.Session != nil {
		s.Notes = p.Session.Notes()
	}
	p.Header().Set("Server-Timing", fmt.Sprintf(`sql;desc="%d statements"`, p.env().Queries()))
	return p.w.templates.ExecuteTemplate(p.Context, name, s)
}

// menuAction is the action whose menu entry the page belongs to: its own, or
// that of the outermost page above it.
func (p *page) menuAction() string {
	path := p.at.Path
	if len(p.at.Up) > 0 {
		path = p.at.Up[0]
	}
	key, ok := strings.CutPrefix(path, "action/")
	if !ok {
		return ""
	}
	key, _, _ = strings.Cut(key, "?")
	key, _, _ = strings.Cut(key, "/")
	id, kind, err := p.IDOf(key)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%s,%d", kind, id)
}

// trail names the pages above this one.
func (p *page) trail() ([]crumb, error) {
	var out []crumb
	for i, up := range p.at.Up {
		pl := address.Parse(up, p.at.Up[:i])
		out = append(out, crumb{Name: p.crumbName(pl), URL: pl.URL()})
	}
	// A record opened by its own address stands below its list all the same.
	if len(out) == 0 && !p.dialog && strings.Count(p.at.Path, "/") == 2 {
		cut := strings.LastIndexByte(p.at.Path, '/')
		pl := p.at.Beside(p.at.Path[:cut], nil)
		if strings.HasPrefix(pl.Path, "action/") || strings.HasPrefix(pl.Path, "model/") {
			out = append(out, crumb{Name: p.crumbName(pl), URL: pl.URL()})
		}
	}
	return out, nil
}

// crumbName is what a page above is called: its action, or its record as far
// as the user may read it.
func (p *page) crumbName(pl address.Address) string {
	act, err := p.Load(pl)
	if err != nil {
		return "…"
	}
	parts := strings.Split(pl.Path, "/")
	if len(parts) < 3 {
		return act.Name
	}
	id := convert.ID(parts[2])
	if id == 0 {
		return "New"
	}
	rs, err := p.env().Lookup(act.Model)
	if err != nil {
		return "…"
	}
	names, err := rs.Browse(id).DisplayNames()
	if err != nil || names[id] == "" {
		return "#" + parts[2]
	}
	return names[id]
}

// crumb is a step of the breadcrumbs.
type crumb struct {
	Name string
	URL  string
}
