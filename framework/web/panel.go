package web

import (
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/route"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/view"
	"fusionsoft.ca/fusion/framework/web/convert"
	"fusionsoft.ca/fusion/framework/web/forms"
	"fusionsoft.ca/fusion/framework/web/locale"
)

// panelOf is the name of the panel that a node of a form asks for, "" for others.
func (w *web) panelOf(n *view.Node) string {
	if _, ok := w.Panels[n.Tag]; ok {
		return n.Tag
	}
	if n.Tag == "div" {
		for name, panel := range w.Panels {
			if panel.Class != "" && n.HasClass(panel.Class) {
				return name
			}
		}
	}
	return ""
}

// panelPosts are the names of what forms of panels do, as one pattern.
func (w *web) panelPosts() string {
	var names []string
	for _, panel := range w.Panels {
		names = slices.AppendSeq(names, maps.Keys(panel.Posts))
	}
	slices.Sort(names)
	return strings.Join(names, "|")
}

// panels are those that a form asks for.
func (p *page) panels(names []string, rs orm.Records) ([]template.HTML, error) {
	var out []template.HTML
	for _, name := range names {
		html, err := p.w.Panels[name].Show(p.env(), &recordPage{p, rs})
		if err != nil {
			return nil, err
		}
		if html != "" {
			out = append(out, template.HTML(html))
		}
	}
	return out, nil
}

// postPanel does what a form of a panel asks for.
func (p *page) postPanel() error {
	do := p.Var("do")
	at := p.at
	at.Path = strings.TrimSuffix(at.Path, "/"+do)
	p.Activate(p.at.Params)
	act, err := p.Load(at)
	if err != nil {
		return err
	}
	p.Enter(act)
	rs, err := p.env().Lookup(act.Model)
	if err != nil {
		return err
	}
	rs = rs.Browse(convert.ID(p.Var("id")))
	if _, err := p.posted(); err != nil {
		return err
	}
	for name, panel := range p.w.Panels {
		post := panel.Posts[do]
		if post == nil {
			continue
		}
		told, err := p.Attempt(func() error { return post(p.env(), &recordPage{p, rs}) })
		if err != nil {
			return err
		}
		if told != nil {
			p.Session.Tell(server.Note{Kind: "danger", Text: told.Message})
		}
		return p.Redirect(http.StatusSeeOther, at.URL()+"#"+name)
	}
	return server.Errorf(http.StatusNotFound, "There is no page at this address.")
}

// recordPage is the page of a record for panels.
type recordPage struct {
	p  *page
	rs orm.Records
}

// Record is what the page shows.
func (r *recordPage) Record() orm.Records { return r.rs }

// Field is a field that the user may see.
func (r *recordPage) Field(name string) *orm.Field {
	known, err := r.p.Fields(r.rs.Model.Name)
	if err != nil {
		return nil
	}
	return known[name].Field
}

// Action is the page's address, with the name before what it is asked with.
func (r *recordPage) Action(name string) string {
	path, query, asked := strings.Cut(r.p.at.URL(), "?")
	if path = strings.TrimSuffix(path, "/") + "/" + name; asked {
		path += "?" + query
	}
	return path
}

// Posted is the form.
func (r *recordPage) Posted() url.Values { return r.p.form }

// Files reads what was posted.
func (r *recordPage) Files(input string) ([]route.File, error) {
	var out []route.File
	for _, h := range r.p.submission().Files(input) {
		content, err := forms.ReadUpload(h)
		if err != nil {
			return nil, err
		}
		out = append(out, route.File{Name: h.Filename, Content: content})
	}
	return out, nil
}

// Named asks for the names that the page does not know already.
func (r *recordPage) Named(model string, ids ...int64) (map[int64]route.Named, error) {
	p := r.p
	p.Names.Add(model, ids...)
	if err := p.Names.Load(); err != nil {
		return nil, err
	}
	can, err := p.Rights(model)
	if err != nil {
		return nil, err
	}
	out := make(map[int64]route.Named, len(ids))
	for _, id := range ids {
		named := route.Named{Name: p.Names.Of(model, id)}
		if can.Read && !p.Names.Hidden(model, id) {
			named.URL = p.recordURL(model, id)
		}
		out[id] = named
	}
	return out, nil
}

// Avatar is that of the menu.
func (r *recordPage) Avatar(name string) route.Avatar {
	m := &menu{Name: name}
	return route.Avatar{Initials: m.Initials(), Hue: m.Hue()}
}

// locale is the user's; a form that is posted has shown nothing yet.
func (r *recordPage) locale() *locale.Locale {
	l, err := r.p.Locale()
	if err != nil {
		return locale.Default()
	}
	return l
}

// Day writes a date.
func (r *recordPage) Day(d orm.Date) string { return r.locale().Day(d) }

// Moment writes a time in the user's zone.
func (r *recordPage) Moment(d orm.Datetime) string { return r.locale().Moment(d) }

// FileSize writes a number of bytes.
func (r *recordPage) FileSize(bytes int64) string { return locale.FileSize(bytes) }

// Value writes the value of a field.
func (r *recordPage) Value(f *orm.Field, v any, currency int64) string {
	return r.locale().Text(f, v, currency)
}
