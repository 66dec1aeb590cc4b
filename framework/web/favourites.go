package web

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

// favourite is a search somebody kept.
type favourite struct {
	id        int64
	name      string
	domain    string
	groups    []string
	sort      string
	isDefault bool
	mine      bool
}

// favourites are the kept searches of an action: the user's own and everybody's.
func (l *listing) favourites() ([]favourite, error) {
	rs, err := l.env.Lookup("ir.filters")
	if err != nil {
		return nil, nil // a program without them
	}
	found, err := rs.Search(orm.And(orm.Leaf("model_id", "=", l.act.Model), orm.Leaf("user_id", "in", []any{l.env.UID(), false}),
		orm.Leaf("action_id", "in", []any{l.act.ID, false})), orm.SearchOptions{Order: "name, id"})
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
	var out []favourite
	for _, r := range rows {
		f := favourite{id: toID(r["id"]), name: str(r["name"]), domain: str(r["domain"]), isDefault: r["is_default"] == true, mine: toID(r["user_id"]) == l.env.UID()}
		ctx, err := l.dict(str(r["context"]), l.vars())
		if err != nil {
			ctx = nil // kept by another client in a form we do not read
		}
		f.groups = toTexts(ctx["group_by"])
		if g := str(ctx["group_by"]); g != "" {
			f.groups = []string{g}
		}
		var sorts []string
		if decodeJSON(strings.ReplaceAll(str(r["sort"]), "'", `"`), &sorts) == nil && len(sorts) > 0 {
			f.sort = sorts[0]
		}
		out = append(out, f)
	}
	return out, nil
}

// query is the search a favourite stands for.
func (f favourite) query() query {
	return query{Fav: f.id, Groups: slices.Clone(f.groups), Sort: f.sort, Page: 1, Set: true}
}

// favourite finds one by its id.
func (l *listing) favourite(id int64) *favourite {
	i := slices.IndexFunc(l.favs, func(f favourite) bool { return f.id == id })
	if i < 0 {
		return nil
	}
	return &l.favs[i]
}

// keepFavourite stores the search of the page under a name.
func (l *listing) keepFavourite(form url.Values) error {
	name := strings.TrimSpace(form.Get("name"))
	if name == "" {
		return orm.UserErrorf("Give the favourite a name.")
	}
	d, _, problems := l.search.compile(l.q)
	if len(problems) > 0 {
		return orm.UserErrorf("%s", problems[0])
	}
	vals := orm.Values{"name": name, "model_id": l.act.Model, "domain": pyText([]any(d)), "context": pyText(map[string]any{"group_by": toAny(l.q.Groups)}),
		"sort": "[]", "is_default": form.Get("default") != "", "user_id": l.env.UID()}
	if l.q.Sort != "" {
		vals["sort"] = jsonText([]any{l.q.Sort})
	}
	if l.act.ID != 0 {
		vals["action_id"] = l.act.ID
	}
	if form.Get("shared") != "" {
		vals["user_id"] = false
	}
	if vals["is_default"] == true {
		for _, f := range l.favs {
			if f.isDefault && f.mine {
				if err := l.env.Model("ir.filters").Browse(f.id).Write(orm.Values{"is_default": false}); err != nil {
					return err
				}
			}
		}
	}
	_, err := l.env.Model("ir.filters").Create(vals)
	return err
}

func toAny(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

// pyText writes a value as Python does, which is how domains and contexts are
// kept in the database.
func pyText(v any) string {
	switch x := exprValue(v).(type) {
	case bool:
		if x {
			return "True"
		}
		return "False"
	case string:
		return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(x) + "'"
	case []any:
		parts := make([]string, len(x))
		for i, e := range x {
			parts[i] = pyText(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		keys := make([]string, 0, len(x))
		for k := range x {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for i, k := range keys {
			keys[i] = pyText(k) + ": " + pyText(x[k])
		}
		return "{" + strings.Join(keys, ", ") + "}"
	default:
		return fmt.Sprint(x)
	}
}
