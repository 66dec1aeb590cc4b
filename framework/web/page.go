package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"fusionsoft.ca/fusion/framework/expr"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/view"
)

// page is one request being answered with a page.
type page struct {
	*server.Context
	w      *web
	env    *orm.Env
	loc    *locale
	names  *names
	title  string
	at     place
	dialog bool
	form   url.Values
	perms  map[string]perms
	fields map[string]map[string]fieldInfo
}

// perms are what the user may do with a model at all.
type perms struct{ Read, Write, Create, Unlink bool }

// fieldInfo is a field as the user may use it.
type fieldInfo struct {
	*orm.Field
	ReadonlyForUser bool
}

// reads and posts are methods of routes. The router writes on the slice it is
// given, so each route has its own.
func reads() []string { return []string{"GET", "HEAD"} }
func posts() []string { return []string{"POST"} }

// routes adds the addresses of the back office.
func (w *web) routes() {
	user, public := server.UserAccess, server.PublicAccess
	w.page("/", reads(), public, func(p *page) error { return p.Redirect(http.StatusSeeOther, "/web") })
	w.page("/web", reads(), user, (*page).home)
	w.page("/web/login", reads(), public, (*page).loginForm)
	w.page("/web/login", posts(), public, (*page).login)
	w.page("/web/logout", posts(), public, (*page).logout)
	w.page("/web/profile", reads(), user, (*page).profile)
	w.page("/web/profile", posts(), user, (*page).saveProfile)
	w.page("/web/profile/password", posts(), user, (*page).changePassword)
	w.page("/web/profile/keys", posts(), user, (*page).makeKey)
	w.page("/web/profile/keys/{id:[0-9]+}/remove", posts(), user, (*page).removeKey)
	w.page("/web/company", posts(), user, (*page).switchCompany)
	for _, base := range []string{"/web/action/{action}", "/web/model/{model}"} {
		w.page(base, reads(), user, (*page).open)
		w.page(base, posts(), user, (*page).bulk)
		w.page(base+"/{id:new|[0-9]+}", reads(), user, (*page).openRecord)
		w.page(base+"/{id:new|[0-9]+}", posts(), user, (*page).postRecord)
		if names := w.panelPosts(); names != "" {
			w.page(base+"/{id:[0-9]+}/{do:"+names+"}", posts(), user, (*page).postPanel)
		}
	}
	w.page("/web/content/{id:[0-9]+}", reads(), user, (*page).attachment)
	w.page("/web/content/{model}/{id:[0-9]+}/{field}", reads(), user, (*page).fieldFile)
	w.page("/web/image/{model}/{id:[0-9]+}/{field}", reads(), user, (*page).fieldImage)
	for _, prefix := range []string{"/web/report/", "/report/pdf/"} { // the second as Odoo's clients know it
		w.page(prefix+"{report}/{ids}", reads(), user, (*page).report)
	}
	w.page("/odoo", reads(), public, func(p *page) error { return p.Redirect(http.StatusSeeOther, "/web") })
	w.page("/odoo/{link:.+}", reads(), user, (*page).odooLink)
	w.page("/web/{rest:.*}", nil, public, func(p *page) error {
		return server.Errorf(http.StatusNotFound, "There is no page at this address.")
	})
}

// page adds one address. What only reads is never committed.
func (w *web) page(path string, methods []string, access server.Access, fn func(*page) error) {
	rt := server.Route{Path: path, Methods: methods, Access: access,
		ReadOnly: len(methods) > 0 && methods[0] == "GET",
		Handler:  func(c *server.Context) error { return fn(w.newPage(c)) },
		Fail:     w.fail}
	w.srv.Handle(rt)
}

func (w *web) newPage(c *server.Context) *page {
	p := &page{Context: c, w: w, perms: map[string]perms{}, fields: map[string]map[string]fieldInfo{}}
	p.use(c.Env)
	p.at = placeOf(c.Request)
	return p
}

// use makes env the one the page works with.
func (p *page) use(env *orm.Env) {
	p.env = env
	p.names = newNames(env)
}

// withContext adds context keys for the rest of the page.
func (p *page) withContext(keys map[string]any) {
	if len(keys) > 0 {
		p.use(p.env.WithContext(keys))
	}
}

// values of the posted form.
func (p *page) posted() (url.Values, error) {
	if p.form != nil {
		return p.form, nil
	}
	r := p.Request
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		if err := r.ParseMultipartForm(64 << 20); err != nil {
			return nil, server.Errorf(http.StatusBadRequest, "The form could not be read.")
		}
	} else if err := r.ParseForm(); err != nil {
		return nil, server.Errorf(http.StatusBadRequest, "The form could not be read.")
	}
	p.form = r.PostForm
	return p.form, nil
}

// rights are what the user may do with a model.
func (p *page) rights(model string) (perms, error) {
	if known, ok := p.perms[model]; ok {
		return known, nil
	}
	rs, err := p.env.Lookup(model)
	if err != nil {
		return perms{}, err
	}
	var out perms
	for op, to := range map[orm.Op]*bool{orm.OpRead: &out.Read, orm.OpWrite: &out.Write, orm.OpCreate: &out.Create, orm.OpUnlink: &out.Unlink} {
		if *to, err = rs.HasAccess(op); err != nil {
			return perms{}, err
		}
	}
	if rs.Model.Query != "" {
		out.Write, out.Create, out.Unlink = false, false, false
	}
	p.perms[model] = out
	return out, nil
}

// fieldsOf are the fields of a model that the user may see.
func (p *page) fieldsOf(model string) (map[string]fieldInfo, error) {
	if known := p.fields[model]; known != nil {
		return known, nil
	}
	rs, err := p.env.Lookup(model)
	if err != nil {
		return nil, err
	}
	described, err := rs.FieldsGet(nil, []string{"readonly"})
	if err != nil {
		return nil, err
	}
	out := make(map[string]fieldInfo, len(described))
	for name, d := range described {
		out[name] = fieldInfo{rs.Model.Fields[name], d["readonly"] == true || rs.Model.Query != ""}
	}
	p.fields[model] = out
	return out, nil
}

// inGroups reports whether the user passes a groups attribute of a view.
func (p *page) inGroups(list string) bool {
	if strings.TrimSpace(list) == "" {
		return true
	}
	var wanted, banned []string
	for _, g := range strings.Split(list, ",") {
		if g = strings.TrimSpace(g); strings.HasPrefix(g, "!") {
			banned = append(banned, strings.TrimPrefix(g, "!"))
		} else if g != "" {
			wanted = append(wanted, g)
		}
	}
	if len(banned) > 0 {
		if in, err := p.env.InAnyGroup(banned...); err != nil || in {
			return false
		}
	}
	if len(wanted) == 0 {
		return true
	}
	in, err := p.env.InAnyGroup(wanted...)
	return err == nil && in
}

// view finds the view of a kind for a model, as the user may see it.
func (p *page) view(model, kind string, id int64) (*view.View, error) {
	mine, err := p.env.Groups()
	if err != nil {
		return nil, err
	}
	v, _, err := p.w.views.Find(p.env, mine, model, kind, id)
	return v, err
}

// vars are the names every expression of a view may read.
func (p *page) vars() map[string]any {
	out := expr.TimeVars(p.env.Now().In(p.env.Location()))
	companies := []any{}
	for _, id := range p.env.Companies() {
		companies = append(companies, id)
	}
	out["uid"], out["context"] = p.env.UID(), exprValue(p.env.Keys())
	out["allowed_company_ids"], out["current_company_id"] = companies, p.env.Company()
	for _, k := range []string{"active_id", "active_ids", "active_model"} {
		out[k] = exprValue(p.env.Key(k))
	}
	return out
}

// domain evaluates a domain written in a view or an action.
func (p *page) domain(src string, vars map[string]any) (orm.Domain, error) {
	if strings.TrimSpace(src) == "" {
		return nil, nil
	}
	d, err := p.w.exprs.Domain(src, vars)
	return orm.Domain(d), err
}

// dict evaluates a dictionary such as a context.
func (p *page) dict(src string, vars map[string]any) (map[string]any, error) {
	if strings.TrimSpace(src) == "" {
		return nil, nil
	}
	v, err := p.w.exprs.Eval(src, vars)
	m, _ := v.(map[string]any)
	return m, err
}

// attempt does something in a savepoint, so that its failure leaves nothing
// behind. Errors that are meant for the user come back in told, all others in
// err.
func (p *page) attempt(fn func() error) (told *orm.Error, err error) {
	err = p.env.Savepoint(func(*orm.Env) error { return fn() })
	if oe := asTold(err); oe != nil {
		return oe, nil
	}
	return nil, err
}

// fail answers an error to a browser in the layout of the back office. It runs
// after the unit of work, so it opens one of its own to find the menu.
func (w *web) fail(c *server.Context, cause error) error {
	if errors.Is(cause, server.ErrSession) && !strings.Contains(c.Request.Header.Get("Accept"), "json") {
		return c.ToLogin() // whatever asks for a page, as clients of Odoo do without saying so
	}
	if !c.WantsHTML() || errors.Is(cause, server.ErrSession) {
		return cause
	}
	status, message := w.srv.Explain(c, cause)
	if c.Session == nil || c.Session.UID == 0 {
		c.Status(status)
		p := &page{Context: c, w: w, title: http.StatusText(status)}
		return p.render("error-bare", errorView{status, http.StatusText(status), message})
	}
	return w.srv.DB.View(c.Request.Context(), orm.User{ID: c.Session.UID, Context: c.Session.Context}, func(env *orm.Env) error {
		c.Env = env
		p := w.newPage(c)
		p.title = http.StatusText(status)
		c.Status(status)
		return p.show("error", errorView{status, p.title, message})
	})
}

type errorView struct {
	Status  int
	Title   string
	Message string
}

// nodeAllowed reports whether a node of a view is for the user.
func (p *page) nodeAllowed(n *view.Node) bool {
	g, ok := n.Lookup("groups")
	return !ok || p.inGroups(g)
}

// asTold is the error in a chain that is meant for the user.
func asTold(err error) *orm.Error {
	oe, _ := errors.AsType[*orm.Error](err)
	return oe
}
