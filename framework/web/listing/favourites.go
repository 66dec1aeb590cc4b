package listing

import (
	"net/url"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/web/convert"
	"fusionsoft.ca/fusion/framework/web/search"
)

// favourites are the kept searches of an action: the user's own and everybody's.
func (l *List) favourites() ([]search.Favourite, error) {
	rs, err := l.Env().Lookup("ir.filters")
	if err != nil {
		return nil, nil // a program without them
	}
	found, err := rs.Search(orm.And(orm.Leaf("model_id", "=", l.Action.Model), orm.Leaf("user_id", "in", []any{l.Env().UID(), false}),
		orm.Leaf("action_id", "in", []any{l.Action.ID, false})), orm.SearchOptions{Order: "name, id"})
	if orm.IsCode(err, orm.CodeAccess) {
		return nil, nil
	}
	if err != nil || found.Len() == 0 {
		return nil, err
	}
	rows, err := found.Read("name", "domain", "context", "sort", "is_default", "user_id")
	if err != nil {
		return nil, err
	}
	var out []search.Favourite
	for _, r := range rows {
		f := search.Favourite{Id: convert.ID(r["id"]), Name: convert.Text(r["name"]), Domain: convert.Text(r["domain"]), IsDefault: r["is_default"] == true, Mine: convert.ID(r["user_id"]) == l.Env().UID()}
		ctx, err := l.Dict(convert.Text(r["context"]), l.Vars())
		if err != nil {
			ctx = nil // kept by another client in a form we do not read
		}
		f.Groups = convert.Texts(ctx["group_by"])
		if g := convert.Text(ctx["group_by"]); g != "" {
			f.Groups = []string{g}
		}
		var sorts []string
		if convert.DecodeJSON(strings.ReplaceAll(convert.Text(r["sort"]), "'", `"`), &sorts) == nil && len(sorts) > 0 {
			f.Sort = sorts[0]
		}
		out = append(out, f)
	}
	return out, nil
}

// favourite finds one by its id.
func (l *List) favourite(id int64) *search.Favourite {
	i := slices.IndexFunc(l.favs, func(f search.Favourite) bool { return f.Id == id })
	if i < 0 {
		return nil
	}
	return &l.favs[i]
}

// KeepFavourite stores the search of the page under a name.
func (l *List) KeepFavourite(form url.Values) error {
	name := strings.TrimSpace(form.Get("name"))
	if name == "" {
		return orm.UserErrorf("Give the favourite a name.")
	}
	d, _, problems := l.Search.Compile(l.Query)
	if len(problems) > 0 {
		return orm.UserErrorf("%s", problems[0])
	}
	vals := orm.Values{"name": name, "model_id": l.Action.Model, "domain": convert.Python([]any(d)), "context": convert.Python(map[string]any{"group_by": convert.List(l.Query.Groups)}),
		"sort": "[]", "is_default": form.Get("default") != "", "user_id": l.Env().UID()}
	if l.Query.Sort != "" {
		vals["sort"] = convert.JSON([]any{l.Query.Sort})
	}
	if l.Action.ID != 0 {
		vals["action_id"] = l.Action.ID
	}
	if form.Get("shared") != "" {
		vals["user_id"] = false
	}
	if vals["is_default"] == true {
		for _, f := range l.favs {
			if f.IsDefault && f.Mine {
				if err := l.Env().Model("ir.filters").Browse(f.Id).Write(orm.Values{"is_default": false}); err != nil {
					return err
				}
			}
		}
	}
	_, err := l.Env().Model("ir.filters").Create(vals)
	return err
}

// ForgetFavourite removes a search that was kept.
func (l *List) ForgetFavourite(id int64) error {
	return l.Env().Model("ir.filters").Browse(id).Unlink()
}
