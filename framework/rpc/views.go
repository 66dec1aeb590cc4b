package rpc

import (
	"encoding/xml"
	"fmt"
	"maps"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/view"
	"fusionsoft.ca/fusion/framework/viewstore"
)

// storeKey is where a database keeps the views that clients ask for.
type storeKey struct{}

// shownView is a view as a user may see it.
type shownView struct {
	id     int64
	arch   string
	fields map[string]map[string]bool // that it shows, by model
}

func (s *shownView) wire(model string) map[string]any {
	models := map[string]any{}
	for m, names := range s.fields {
		models[m] = slices.Sorted(maps.Keys(names))
	}
	out := map[string]any{"id": any(s.id), "model": model, "arch": s.arch, "models": models}
	if s.id == 0 {
		out["id"] = false
	}
	return out
}

// getView answers one view of the model: what extends it applied, without what
// the user may not see.
func getView(c *call) (any, error) {
	var id int64
	if v := c.get(0, "view_id"); !nothingIn(v) {
		var err error
		if id, err = number(v); err != nil {
			return nil, typeErrorf("view_id must be the id of a view")
		}
	}
	kind := c.text(1, "view_type", "form")
	shown, err := findView(c.rs, kind, id)
	if err != nil {
		return nil, err
	}
	return shown.wire(c.rs.Model.Name), nil
}

// getViews answers several views, and the fields of every model in them.
func getViews(c *call) (any, error) {
	list, ok := c.get(0, "views").([]any)
	if !ok {
		return nil, typeErrorf("views must be a list of ids and kinds of views")
	}
	answer, needed := map[string]any{}, map[string]map[string]bool{c.rs.Model.Name: {}}
	for _, e := range list {
		pair, ok := e.([]any)
		if !ok || len(pair) != 2 {
			return nil, typeErrorf("views must be a list of ids and kinds of views")
		}
		kind, _ := pair[1].(string)
		var id int64
		if !nothingIn(pair[0]) {
			var err error
			if id, err = number(pair[0]); err != nil {
				return nil, typeErrorf("views must be a list of ids and kinds of views")
			}
		}
		shown, err := findView(c.rs, kind, id)
		if err != nil {
			return nil, err
		}
		out := shown.wire(c.rs.Model.Name)
		delete(out, "models")
		if kind == "search" {
			out["filters"] = []any{}
		}
		answer[kind] = out
		for m, names := range shown.fields {
			if needed[m] == nil {
				needed[m] = map[string]bool{}
			}
			maps.Copy(needed[m], names)
		}
	}
	models := map[string]any{}
	for m, names := range needed {
		fields, err := c.rs.Env.Model(m).FieldsGet(slices.Sorted(maps.Keys(names)), nil)
		if err != nil {
			return nil, err
		}
		models[m] = map[string]any{"fields": fields}
	}
	return map[string]any{"views": answer, "models": models}, nil
}

func findView(rs orm.Records, kind string, id int64) (*shownView, error) {
	if kind == "tree" {
		kind = "list"
	}
	if !slices.Contains(view.Kinds(), kind) {
		return nil, orm.ValueErrorf("There is no view of the kind '%s'; there are %s", kind, strings.Join(view.Kinds(), ", "))
	}
	if err := rs.CheckAccess(orm.OpRead); err != nil {
		return nil, err
	}
	env := rs.Env
	mine, err := env.Groups()
	if err != nil {
		return nil, err
	}
	store := orm.Local(env.DB(), storeKey{}, func() *viewstore.Store { return &viewstore.Store{} })
	v, found, err := store.Find(env, mine, rs.Model.Name, kind, id)
	if err != nil {
		return nil, err
	}
	shown := &shownView{id: found, fields: map[string]map[string]bool{}}
	var b strings.Builder
	if err := shown.write(&b, env, rs.Model, v.Root); err != nil {
		return nil, err
	}
	shown.arch = b.String()
	for _, names := range shown.fields {
		if kind != "search" {
			names["id"], names["write_date"] = true, true
		}
	}
	if kind == "search" {
		all := map[string]bool{}
		for _, name := range rs.Model.FieldNames() {
			all[name] = true
		}
		shown.fields[rs.Model.Name] = all
	}
	return shown, nil
}

// write writes a node without what the user may not see.
func (s *shownView) write(b *strings.Builder, env *orm.Env, m *orm.Model, n *view.Node) error {
	if n.Tag == "" {
		return xml.EscapeText(b, []byte(n.Text))
	}
	if ok, err := mayAny(env, n.Attr("groups")); err != nil || !ok {
		return err
	}
	below := m
	if s.fields[m.Name] == nil {
		s.fields[m.Name] = map[string]bool{}
	}
	if n.Tag == "field" {
		if f := m.Fields[n.Name()]; f != nil {
			if len(f.Groups) > 0 && !env.Superuser() {
				if ok, err := env.InAnyGroup(f.Groups...); err != nil || !ok {
					return err
				}
			}
			s.fields[m.Name][f.Name] = true
			if f.Relational() {
				below = f.ComodelOf()
			}
		}
	}
	b.WriteString("<" + n.Tag)
	for _, a := range n.Attrs {
		if a.Name == "groups" {
			continue
		}
		fmt.Fprintf(b, " %s=\"", a.Name)
		if err := xml.EscapeText(b, []byte(a.Value)); err != nil {
			return err
		}
		b.WriteString(`"`)
	}
	if len(n.Children) == 0 {
		b.WriteString("/>")
		return nil
	}
	b.WriteString(">")
	for _, c := range n.Children {
		to := m
		if n.Tag == "field" && c.Tag != "" {
			to = below
		}
		if err := s.write(b, env, to, c); err != nil {
			return err
		}
	}
	b.WriteString("</" + n.Tag + ">")
	return nil
}

// mayAny reads a list of groups, those with an exclamation mark excluded.
func mayAny(env *orm.Env, groups string) (bool, error) {
	var in, out []string
	for _, g := range strings.Split(groups, ",") {
		g = strings.TrimSpace(g)
		if not, ok := strings.CutPrefix(g, "!"); ok {
			out = append(out, not)
		} else if g != "" {
			in = append(in, g)
		}
	}
	if len(out) > 0 {
		if is, err := env.InAnyGroup(out...); err != nil || is {
			return false, err
		}
	}
	if len(in) == 0 {
		return true, nil
	}
	return env.InAnyGroup(in...)
}
