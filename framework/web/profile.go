package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/web/convert"
	"fusionsoft.ca/fusion/framework/web/render"
	"fusionsoft.ca/fusion/framework/web/viewdata"
)

// profilePage is where users change what is their own: address, password, keys.
type profilePage struct{ *page }

func onProfile(fn func(profilePage) error) func(*page) error {
	return func(p *page) error { return fn(profilePage{p}) }
}

// profileView is what users change about themselves.
type profileView struct {
	Name, Login, Email, Phone, Lang, TZ, Signature string
	Langs                                          []render.Choice
	Zones                                          []string
	Error, PasswordError                           string
	Keys                                           []apiKey
	MayMakeKeys                                    bool
	KeyError, NewKey                               string
}

func (p profilePage) self() orm.Records { return usersOf(p.Reader).Browse(p.env().UID()) }

func (p profilePage) open() error { return p.show("", "") }

func (p profilePage) show(failure, passwordFailure string, more ...func(*profileView)) error {
	p.title = "My profile"
	rows, err := p.self().Read("name", "login", "email", "phone", "lang", "tz", "signature")
	if err != nil {
		return err
	}
	r := rows[0]
	v := profileView{Name: convert.Text(r["name"]), Login: convert.Text(r["login"]), Email: convert.Text(r["email"]), Phone: convert.Text(r["phone"]), Lang: convert.Text(r["lang"]), TZ: convert.Text(r["tz"]),
		Signature: convert.Text(r["signature"]), Zones: viewdata.Zones(), Error: failure, PasswordError: passwordFailure}
	if v.Langs, err = p.Languages(); err != nil {
		return err
	}
	if form := p.form; form != nil && failure != "" {
		v.Email, v.Phone, v.Lang, v.TZ, v.Signature = form.Get("email"), form.Get("phone"), form.Get("lang"), form.Get("tz"), form.Get("signature")
	}
	if v.TZ != "" && !slices.Contains(v.Zones, v.TZ) {
		v.Zones = append(v.Zones, v.TZ)
	}
	if v.Keys, v.MayMakeKeys, err = p.apiKeys(); err != nil {
		return err
	}
	for _, add := range more {
		add(&v)
	}
	return p.page.show("profile", v)
}

func (p profilePage) save() error {
	form, err := p.posted()
	if err != nil {
		return err
	}
	vals := orm.Values{}
	for _, k := range []string{"email", "phone", "lang", "tz", "signature"} {
		v := strings.TrimSpace(form.Get(k))
		vals[k] = any(v)
		if v == "" {
			vals[k] = false
		}
	}
	told, err := p.Attempt(func() error { return p.self().Write(vals) })
	if err != nil {
		return err
	}
	if told != nil {
		p.Status(http.StatusUnprocessableEntity)
		return p.show(told.Message, "")
	}
	keys := p.Session.Context
	fresh, err := p.Server.Config.Auth.Context(p.env())
	if err != nil {
		return err
	}
	if v, ok := keys["allowed_company_ids"]; ok {
		fresh["allowed_company_ids"] = v
	}
	p.Session.SetContext(fresh)
	p.Session.Tell(server.Note{Kind: "success", Text: "Saved."})
	return p.Redirect(http.StatusSeeOther, "/web/profile")
}

// changePassword needs the old password, and ends all other sessions.
func (p profilePage) changePassword() error {
	form, err := p.posted()
	if err != nil {
		return err
	}
	fail := func(message string) error {
		p.Status(http.StatusUnprocessableEntity)
		return p.show("", message)
	}
	fresh := form.Get("new")
	if fresh != form.Get("again") {
		return fail("The new password and its repetition differ.")
	}
	if len([]rune(fresh)) < 8 {
		return fail("The new password needs at least 8 characters.")
	}
	told, err := p.Attempt(func() error {
		_, err := usersOf(p.Reader).Call("change_password", orm.Args{Pos: []any{form.Get("old"), fresh}})
		return err
	})
	if err != nil {
		return err
	}
	if told != nil {
		if told.Code == orm.CodeDenied && !errors.Is(told, orm.ErrThrottled) {
			return fail("The old password is not right.")
		}
		return fail(told.Message)
	}
	uid, id := p.env().UID(), p.Session.ID()
	ctx, store := p.Request.Context(), p.Server.Sessions
	p.env().AfterCommit(func() {
		if err := store.EndAll(ctx, uid, id); err != nil {
			p.Server.Config.Logger.Error("other sessions not ended", "error", err.Error())
		}
	})
	p.Session.Tell(server.Note{Kind: "success", Text: "Your password is changed. Other sessions have ended."})
	return p.Redirect(http.StatusSeeOther, "/web/profile")
}
