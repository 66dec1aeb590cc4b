package web

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"fusionsoft.ca/fusion/framework/route"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/web/action"
	"fusionsoft.ca/fusion/framework/web/address"
	"fusionsoft.ca/fusion/framework/web/render"
)

// open shows an action: a list or cards, the form it goes to at once, a page
// of an addon, or where it leads.
func (p *page) open() error {
	p.Activate(p.at.Params)
	act, err := p.Load(p.at)
	if err != nil {
		return err
	}
	switch act.Type {
	case "ir.actions.act_window":
		return p.openWindow(act)
	case "ir.actions.client":
		return p.openClient(act)
	case "ir.actions.act_url":
		return p.openURL(act.URL)
	case "ir.actions.report":
		return server.Errorf(http.StatusBadRequest, "“%s” prints records: select some in a list first.", act.Name)
	case "ir.actions.server":
		return p.askToRun(act)
	}
	return server.Errorf(http.StatusNotImplemented, "Actions of the kind %s are not built.", act.Type)
}

// openURL goes to the address of an action, which those who set up the system choose.
func (p *page) openURL(to string) error {
	if local(to) || outside(to) != "" {
		return p.Redirect(http.StatusSeeOther, to)
	}
	return server.Errorf(http.StatusBadRequest, "The address of this action cannot be opened.")
}

// openLink goes to an address that anybody may have written. One of another site is
// shown, for the visitor to decide.
func (p *page) openLink(to string) error {
	if local(to) {
		return p.Redirect(http.StatusSeeOther, to)
	}
	host := outside(to)
	if host == "" {
		return server.Errorf(http.StatusBadRequest, "The address of this link cannot be opened.")
	}
	p.title = "Another site"
	return p.show("leave", leaveView{to, host})
}

// odooLink opens what a link in Odoo's form shows: /odoo/sale.order/5, /odoo/m-uom/5,
// /odoo/action-7/5, /odoo/orders/5, one after another for pages above each other.
func (p *page) odooLink() error {
	page, id := "", ""
	for _, part := range strings.Split(strings.Trim(p.Var("link"), "/"), "/") {
		if _, err := strconv.ParseInt(part, 10, 64); err == nil || part == "new" {
			id = part
			continue
		}
		model, byModel := strings.CutPrefix(part, "m-")
		action, byAction := strings.CutPrefix(part, "action-")
		switch id = ""; {
		case byAction:
			page = "action/" + action
		case byModel || strings.Contains(part, "."):
			page = "model/" + model
		default:
			page = "action/" + part
		}
	}
	if page == "" {
		return server.Errorf(http.StatusNotFound, "There is no page at this address.")
	}
	if id != "" {
		page += "/" + id
	}
	return p.Redirect(http.StatusSeeOther, (&url.URL{Path: "/web/" + page}).String())
}

type leaveView struct{ URL, Host string }

// local reports whether an address is one of this site, whatever a browser makes of
// it: some take a backslash for a slash, and skip over line ends.
func local(to string) bool {
	return strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") && !strings.ContainsFunc(to, func(r rune) bool { return r < ' ' || r == '\\' || r == 0x7f })
}

// outside is the host of an address of another site, "" for what is none.
func outside(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || strings.Contains(to, "\\") {
		return ""
	}
	return u.Hostname()
}

func (p *page) openWindow(act *action.Action) error {
	p.Enter(act)
	p.title = act.Name
	kind := act.ViewKind(p.Query(address.ViewParam))
	if kind == "form" {
		id := "new"
		if act.ResID != 0 {
			id = fmt.Sprint(act.ResID)
		} else if found, err := p.Only(act); err != nil {
			return err
		} else if found != 0 {
			id = fmt.Sprint(found)
		}
		to := address.Address{Path: p.at.Path + "/" + id, Params: p.at.Params, Up: p.at.Up}
		return p.Redirect(http.StatusSeeOther, to.URL())
	}
	l, err := p.list(act, map[bool]string{true: kind, false: "list"}[kind == "list" || kind == "kanban"])
	if err != nil {
		return err
	}
	if kind == "list" && p.Query(address.EditParam) != "" {
		if ok, err := l.Editable(); err != nil {
			return err
		} else if ok {
			return l.openEdit()
		}
	}
	var out *render.ListView
	switch kind {
	case "list":
		out, err = l.Build()
	case "kanban":
		out, err = l.Kanban()
	default:
		out = &render.ListView{NotBuilt: kind}
		l.Find(out)
	}
	if err != nil {
		return err
	}
	if err := l.finish(out, kind); err != nil {
		return err
	}
	return p.show("list", out)
}

// openClient shows the page an addon registered for a tag.
func (p *page) openClient(act *action.Action) error {
	make := p.w.Pages[act.Tag]
	if make == nil {
		return server.Errorf(http.StatusNotImplemented, "The page “%s” (%s) is not part of this program.", act.Name, act.Tag)
	}
	p.Enter(act)
	ctx := act.Context
	if ctx == nil {
		ctx = map[string]any{}
	}
	content, err := make(p.env(), route.Action{Name: act.Name, Tag: act.Tag, Context: ctx, Params: act.Params, Query: p.Request.URL.Query()})
	if err != nil {
		return err
	}
	if content.Redirect != "" {
		return p.Redirect(http.StatusSeeOther, content.Redirect)
	}
	p.title = content.Title
	if p.title == "" {
		p.title = act.Name
	}
	return p.show("content", template.HTML(content.HTML))
}
