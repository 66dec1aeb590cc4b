package web

import (
	"errors"
	"net/http"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/web/address"
	"fusionsoft.ca/fusion/framework/web/convert"
)

type loginView struct {
	Login    string
	Redirect string
	Error    string
	Name     string
}

// safeRedirect accepts addresses of this site only.
func safeRedirect(to string) string {
	if !local(to) || strings.HasPrefix(to, "/web/login") {
		return "/web"
	}
	return to
}

func (p *page) loginForm() error {
	if p.Session.UID != 0 {
		return p.Redirect(http.StatusSeeOther, safeRedirect(p.Query("redirect")))
	}
	p.title = "Log in"
	return p.render("login", loginView{Redirect: safeRedirect(p.Query("redirect")), Name: p.w.Name})
}

// login checks a password. Every failure reads the same, whether the login is
// known or not.
func (p *page) login() error {
	form, err := p.posted()
	if err != nil {
		return err
	}
	v := loginView{Login: strings.TrimSpace(form.Get("login")), Redirect: safeRedirect(form.Get("redirect")), Name: p.w.Name}
	p.title = "Log in"
	fail := func(status int, message string) error {
		v.Error = message
		p.Status(status)
		return p.render("login", v)
	}
	auth := p.Server.Config.Auth
	if auth.Login == nil {
		return server.Errorf(http.StatusNotImplemented, "This server has no users.")
	}
	uid, err := auth.Login(p.env(), v.Login, form.Get("password"))
	if errors.Is(err, orm.ErrThrottled) {
		p.Header().Set("Retry-After", "60")
		return fail(http.StatusTooManyRequests, "Too many tries. Wait a minute, then try again.")
	}
	if orm.IsCode(err, orm.CodeDenied) {
		return fail(http.StatusUnauthorized, "Wrong login or password.")
	}
	if err != nil {
		return err
	}
	keys, err := auth.Context(p.env().WithUser(uid))
	if err != nil {
		return err
	}
	p.Session.SignIn(uid, v.Login, keys)
	return p.Redirect(http.StatusSeeOther, v.Redirect)
}

func (p *page) logout() error {
	p.Session.SignOut()
	return p.Redirect(http.StatusSeeOther, "/web/login")
}

// home is the choice of applications; a user's home action comes first.
func (p *page) home() error {
	p.title = "Applications"
	rs, err := p.env().Sudo().Lookup(p.env().Registry().PolicyModels().Users)
	if err != nil {
		return err
	}
	if rs.Model.Fields["action_id"] != nil && p.Query("apps") == "" {
		v, err := rs.Browse(p.env().UID()).Value("action_id")
		if err != nil {
			return err
		}
		if id := convert.ID(v); id != 0 {
			return p.Redirect(http.StatusSeeOther, address.Address{Path: "action/" + convert.FormatID(id)}.URL())
		}
	}
	return p.show("home", nil)
}
