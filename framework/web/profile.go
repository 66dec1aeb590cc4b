package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/server"
)

// profileView is what users change about themselves.
type profileView struct {
	Name, Login, Email, Phone, Lang, TZ, Signature string
	Langs                                          []choice
	Zones                                          []string
	Error, PasswordError                           string
	Keys                                           []apiKey
	MayMakeKeys                                    bool
	KeyError, NewKey                               string
}

// users is the model of users.
func (p *page) users() orm.Records { return p.env.Model(p.env.Registry().PolicyModels().Users) }

func (p *page) self() orm.Records { return p.users().Browse(p.env.UID()) }

func (p *page) profile() error { return p.showProfile("", "") }

func (p *page) showProfile(failure, passwordFailure string, more ...func(*profileView)) error {
	p.title = "My profile"
	rows, err := p.self().Read("name", "login", "email", "phone", "lang", "tz", "signature")
	if err != nil {
		return err
	}
	r := rows[0]
	v := profileView{Name: str(r["name"]), Login: str(r["login"]), Email: str(r["email"]), Phone: str(r["phone"]), Lang: str(r["lang"]), TZ: str(r["tz"]),
		Signature: str(r["signature"]), Zones: zones(), Error: failure, PasswordError: passwordFailure}
	if v.Langs, err = p.languages(); err != nil {
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
	return p.show("profile", v)
}

// languages are those switched on.
func (p *page) languages() ([]choice, error) {
	rs, err := p.env.Sudo().Lookup("res.lang")
	if err != nil {
		return nil, nil
	}
	found, err := rs.Search(nil, orm.SearchOptions{Order: "name"})
	if err != nil {
		return nil, err
	}
	rows, err := found.Read("code", "name")
	if err != nil {
		return nil, err
	}
	var out []choice
	for _, l := range rows {
		out = append(out, choice{str(l["code"]), str(l["name"])})
	}
	return out, nil
}

// zones are time zones most people find theirs among.
func zones() []string {
	return []string{"UTC", "Africa/Cairo", "Africa/Johannesburg", "Africa/Lagos", "Africa/Nairobi", "America/Argentina/Buenos_Aires", "America/Bogota",
		"America/Chicago", "America/Denver", "America/Halifax", "America/Lima", "America/Los_Angeles", "America/Mexico_City", "America/New_York",
		"America/Santiago", "America/Sao_Paulo", "America/Toronto", "Asia/Bangkok", "Asia/Dhaka", "Asia/Dubai", "Asia/Ho_Chi_Minh", "Asia/Hong_Kong",
		"Asia/Jakarta", "Asia/Jerusalem", "Asia/Karachi", "Asia/Kolkata", "Asia/Kuala_Lumpur", "Asia/Manila", "Asia/Riyadh", "Asia/Seoul", "Asia/Shanghai",
		"Asia/Singapore", "Asia/Taipei", "Asia/Tehran", "Asia/Tokyo", "Australia/Brisbane", "Australia/Perth", "Australia/Sydney", "Europe/Amsterdam",
		"Europe/Athens", "Europe/Berlin", "Europe/Brussels", "Europe/Bucharest", "Europe/Copenhagen", "Europe/Dublin", "Europe/Helsinki", "Europe/Istanbul",
		"Europe/Kyiv", "Europe/Lisbon", "Europe/London", "Europe/Madrid", "Europe/Moscow", "Europe/Oslo", "Europe/Paris", "Europe/Prague", "Europe/Rome",
		"Europe/Stockholm", "Europe/Vienna", "Europe/Warsaw", "Europe/Zurich", "Pacific/Auckland", "Pacific/Honolulu"}
}

func (p *page) saveProfile() error {
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
	told, err := p.attempt(func() error { return p.self().Write(vals) })
	if err != nil {
		return err
	}
	if told != nil {
		p.Status(http.StatusUnprocessableEntity)
		return p.showProfile(told.Message, "")
	}
	keys := p.Session.Context
	fresh, err := p.Server.Config.Auth.Context(p.env)
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
func (p *page) changePassword() error {
	form, err := p.posted()
	if err != nil {
		return err
	}
	fail := func(message string) error {
		p.Status(http.StatusUnprocessableEntity)
		return p.showProfile("", message)
	}
	fresh := form.Get("new")
	if fresh != form.Get("again") {
		return fail("The new password and its repetition differ.")
	}
	if len([]rune(fresh)) < 8 {
		return fail("The new password needs at least 8 characters.")
	}
	told, err := p.attempt(func() error {
		_, err := p.users().Call("change_password", orm.Args{Pos: []any{form.Get("old"), fresh}})
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
	uid, id := p.env.UID(), p.Session.ID()
	ctx, store := p.Request.Context(), p.Server.Sessions
	p.env.AfterCommit(func() {
		if err := store.EndAll(ctx, uid, id); err != nil {
			p.Server.Config.Logger.Error("other sessions not ended", "error", err.Error())
		}
	})
	p.Session.Tell(server.Note{Kind: "success", Text: "Your password is changed. Other sessions have ended."})
	return p.Redirect(http.StatusSeeOther, "/web/profile")
}

// switchCompany makes another of the user's companies the current one.
func (p *page) switchCompany() error {
	form, err := p.posted()
	if err != nil {
		return err
	}
	id := toID(form.Get("company"))
	all, err := p.companies()
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(c companyChoice) bool { return c.ID == id }) {
		return orm.AccessErrorf("This company is not among yours.")
	}
	ids := []any{id}
	if form.Get("only") == "" {
		for _, c := range all {
			if c.ID != id {
				ids = append(ids, c.ID)
			}
		}
	}
	keys := map[string]any{}
	for k, v := range p.Session.Context {
		keys[k] = v
	}
	keys["allowed_company_ids"] = ids
	p.Session.SetContext(keys)
	return p.Redirect(http.StatusSeeOther, safeRedirect(form.Get("redirect")))
}
