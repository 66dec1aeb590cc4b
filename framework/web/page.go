package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/web/action"
	"fusionsoft.ca/fusion/framework/web/address"
	"fusionsoft.ca/fusion/framework/web/viewdata"
)

// page is one request being answered with a page.
type page struct {
	*server.Context
	*action.Finder
	w      *web
	title  string
	at     address.Address
	dialog bool
	form   url.Values
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
	w.page("/web/profile", reads(), user, onProfile(profilePage.open))
	w.page("/web/profile", posts(), user, onProfile(profilePage.save))
	w.page("/web/profile/password", posts(), user, onProfile(profilePage.changePassword))
	w.page("/web/profile/keys", posts(), user, onProfile(profilePage.makeKey))
	w.page("/web/profile/keys/{id:[0-9]+}/remove", posts(), user, onProfile(profilePage.removeKey))
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
	w.page("/web/content/{id:[0-9]+}", reads(), user, onFile(filePage.attachment))
	w.page("/web/content/{model}/{id:[0-9]+}/{field}", reads(), user, onFile(filePage.field))
	w.page("/web/image/{model}/{id:[0-9]+}/{field}", reads(), user, onFile(filePage.image))
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
	p := &page{Context: c, w: w, at: address.Of(c.Request)}
	p.Finder = &action.Finder{Reader: viewdata.New(c.Env, &w.views, &w.exprs, viewdata.Links{Record: p.recordURL, Panel: w.panelOf,
		Opens: func(name string) bool { return p.Opens(name) }})} // p.Opens itself would be that of no Finder yet
	return p
}

// env is the unit of work, with the context of the page.
func (p *page) env() *orm.Env { return p.Reader.Env() }

// posted are the values of the posted form.
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

// recordURL is the address of any record, below the page.
func (p *page) recordURL(model string, id int64) string {
	if model == "ir.attachment" {
		return fmt.Sprintf("/web/content/%d", id)
	}
	return p.at.Below(fmt.Sprintf("model/%s/%d", model, id), nil).URL()
}
