package web

import (
	"net/http"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/web/convert"
)

// apiKey is a key of the user, as the profile lists it.
type apiKey struct {
	ID                 int64
	Name, Scope, Until string
}

// apiKeys are the user's keys; mayMake tells whether the user may make more.
func (p profilePage) apiKeys() (keys []apiKey, mayMake bool, err error) {
	rs, err := p.env().Lookup("res.users.apikeys")
	if err != nil {
		return nil, false, nil // an installation without keys
	}
	found, err := rs.In(p.env().Sudo()).Search(orm.Leaf("user_id", "=", p.env().UID()), orm.SearchOptions{})
	if err != nil {
		return nil, false, err
	}
	rows, err := found.Read("name", "scope", "expiration_date")
	if err != nil {
		return nil, false, err
	}
	for _, r := range rows {
		k := apiKey{ID: convert.ID(r["id"]), Name: convert.Text(r["name"]), Scope: convert.Text(r["scope"])}
		if until, ok := r["expiration_date"].(orm.Datetime); ok && !until.IsZero() {
			k.Until = until.Time().In(p.env().Location()).Format("2006-01-02")
		}
		keys = append(keys, k)
	}
	mayMake, err = p.env().InAnyGroup("base.group_user")
	return keys, mayMake, err
}

// makeKey makes an API key and shows it, this once.
func (p profilePage) makeKey() error {
	form, err := p.posted()
	if err != nil {
		return err
	}
	fail := func(message string) error {
		p.Status(http.StatusUnprocessableEntity)
		return p.show("", "", func(v *profileView) { v.KeyError = message })
	}
	var key string
	told, err := p.Attempt(func() error {
		asked, err := p.env().Model("res.users.apikeys.description").Create(orm.Values{
			"name": form.Get("name"), "duration": form.Get("duration"), "scope": form.Get("scope"), "password": form.Get("password")})
		if err != nil {
			return err
		}
		out, err := asked.Call("make_key", orm.Args{})
		if err != nil {
			return err
		}
		action, _ := out.(map[string]any)
		keys, _ := action["context"].(map[string]any)
		key = convert.Text(keys["default_key"])
		return nil
	})
	if err != nil {
		return err
	}
	if told != nil {
		return fail(told.Message)
	}
	p.Header().Set("Cache-Control", "no-store")
	return p.show("", "", func(v *profileView) { v.NewKey = key })
}

// removeKey ends an API key at once.
func (p profilePage) removeKey() error {
	told, err := p.Attempt(func() error {
		_, err := p.env().Model("res.users.apikeys").Browse(convert.ID(p.Var("id"))).Call("remove", orm.Args{})
		return err
	})
	if err != nil {
		return err
	}
	if told != nil {
		return told
	}
	p.Session.Tell(server.Note{Kind: "success", Text: "The key is removed; programs that use it are shut out."})
	return p.Redirect(http.StatusSeeOther, "/web/profile")
}
