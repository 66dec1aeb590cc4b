// Package viewstore finds the views that a database stores: the records of
// ir.ui.view with all that extends them, as a user may see them, and default
// views for models without any. It reads records through orm and leaves parsing,
// inheritance and validation of an arch to package view; it knows nothing of
// pages or requests.
package viewstore

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"sync"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/view"
)

// Store keeps the views of the database with all extensions applied. It is
// emptied when a view changes. The zero Store is ready.
type Store struct {
	mu      sync.Mutex
	version string
	rows    map[string][]*viewRow // by language and model
	built   map[string]*view.View // by language and the ids that made it
}

// finder looks for views on behalf of a user.
type finder struct {
	env *orm.Env
	c   *Store
}

// viewRow is one record of ir.ui.view.
type viewRow struct {
	id       int64
	kind     string
	model    string
	priority int64
	inherit  int64
	primary  bool
	groups   []int64
	arch     string
}

// viewVersion names the state of the views in the database.
func (p finder) viewVersion() (string, error) {
	return orm.Memo(p.env, viewVersionKey{}, func() (string, error) {
		return orm.Row[string](p.env, orm.SQL("SELECT concat_ws('|', count(*), max(id), max(write_date)) FROM ir_ui_view").Reads("ir.ui.view"))
	})
}

type viewVersionKey struct{}

// viewRows are the views of a model, those of all kinds.
func (p finder) viewRows(model string) ([]*viewRow, error) {
	version, err := p.viewVersion()
	if err != nil {
		return nil, err
	}
	c := p.c
	key := p.env.Lang() + "|" + model
	c.mu.Lock()
	if c.version != version {
		c.version, c.rows, c.built = version, map[string][]*viewRow{}, map[string]*view.View{}
	}
	known, ok := c.rows[key]
	c.mu.Unlock()
	if ok {
		return known, nil
	}
	found, err := p.env.Sudo().Model("ir.ui.view").Search(orm.Leaf("model", "=", model), orm.SearchOptions{Order: "priority, id"})
	if err != nil {
		return nil, err
	}
	vals, err := found.Read("type", "model", "priority", "inherit_id", "mode", "group_ids", "arch_db")
	if err != nil {
		return nil, err
	}
	rows := make([]*viewRow, 0, len(vals))
	for _, v := range vals {
		prio, _ := v["priority"].(int64)
		groups, _ := v["group_ids"].([]int64)
		r := &viewRow{id: v.ID("id"), kind: v.Text("type"), model: model, priority: prio, inherit: v.ID("inherit_id"),
			groups: groups, arch: v.Text("arch_db")}
		r.primary = v.Text("mode") == "primary" || r.inherit == 0
		rows = append(rows, r)
	}
	c.mu.Lock()
	if c.version == version {
		c.rows[key] = rows
	}
	c.mu.Unlock()
	return rows, nil
}

// viewRowsBeside are the views of the model that a view is of.
func (p finder) viewRowsBeside(id int64) ([]*viewRow, error) {
	there, err := p.env.Sudo().Model("ir.ui.view").Search(orm.Leaf("id", "=", id), orm.SearchOptions{})
	if err != nil || there.Len() == 0 {
		return nil, err
	}
	model, err := there.ValueText("model")
	if err != nil {
		return nil, err
	}
	return p.viewRows(model)
}

// Find finds the view of a kind for a model: the one asked for by id, else the
// first that a user with those groups may see, else one made of the model's
// fields. It also gives the id of the view, 0 for one that was made.
func (c *Store) Find(env *orm.Env, mine map[int64]bool, model, kind string, id int64) (*view.View, int64, error) {
	p := finder{env, c}
	rows, err := p.viewRows(model)
	if err != nil {
		return nil, 0, err
	}
	allowed := func(r *viewRow) bool {
		return len(r.groups) == 0 || slices.ContainsFunc(r.groups, func(g int64) bool { return mine[g] })
	}
	var root *viewRow
	for _, r := range rows {
		if id != 0 && r.id == id || id == 0 && r.primary && r.kind == kind && allowed(r) {
			root = r
			break
		}
	}
	if root == nil && id != 0 {
		return nil, 0, orm.MissingErrorf("The view %d of %s does not exist any more.", id, model)
	}
	if root == nil {
		v, err := p.defaultView(model, kind)
		return v, 0, err
	}
	if root.kind != kind {
		return nil, 0, orm.UserErrorf("The view %d of %s is a %s view, not a %s view.", root.id, model, root.kind, kind)
	}
	chain := []*viewRow{root} // from root up to the view nothing is above
	byID := map[int64]*viewRow{}
	for _, r := range rows {
		byID[r.id] = r
	}
	for top := root; top.inherit != 0 && len(chain) < 20; {
		if byID[top.inherit] == nil { // of another model, from whose view this one is made
			more, err := p.viewRowsBeside(top.inherit)
			if err != nil {
				return nil, 0, err
			}
			for _, r := range more {
				byID[r.id] = r
			}
			rows = append(slices.Clone(rows), more...)
		}
		if top = byID[top.inherit]; top == nil {
			break
		}
		chain = append(chain, top)
	}
	var apply []*viewRow
	for i := len(chain) - 1; i >= 0; i-- {
		apply = append(apply, chain[i])
		if chain[i].primary {
			apply = append(apply, extensionsOf(rows, chain[i].id, allowed, 0)...)
		}
	}
	apply = unique(apply)
	key := p.env.Lang()
	for _, r := range apply {
		key += fmt.Sprintf("|%d", r.id)
	}
	c.mu.Lock()
	done := c.built[key]
	c.mu.Unlock()
	if done != nil {
		return done, root.id, nil
	}
	built, err := combine(apply)
	if err != nil {
		return nil, 0, err
	}
	c.mu.Lock()
	if c.built == nil {
		c.built = map[string]*view.View{}
	}
	c.built[key] = built
	c.mu.Unlock()
	return built, root.id, nil
}

// extensionsOf are the views that change a view, in the order they apply.
func extensionsOf(rows []*viewRow, id int64, allowed func(*viewRow) bool, depth int) []*viewRow {
	if depth > 20 {
		return nil
	}
	var kids []*viewRow
	for _, r := range rows {
		if r.inherit == id && !r.primary && allowed(r) {
			kids = append(kids, r)
		}
	}
	slices.SortStableFunc(kids, func(a, b *viewRow) int {
		return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(a.id, b.id))
	})
	var out []*viewRow
	for _, k := range kids {
		out = append(append(out, k), extensionsOf(rows, k.id, allowed, depth+1)...)
	}
	return out
}

func unique(rows []*viewRow) []*viewRow {
	seen := map[int64]bool{}
	return slices.DeleteFunc(rows, func(r *viewRow) bool {
		was := seen[r.id]
		seen[r.id] = true
		return was
	})
}

func combine(rows []*viewRow) (*view.View, error) {
	var arch *view.Arch
	for _, r := range rows {
		next, err := view.Parse([]byte(r.arch), view.Source{View: fmt.Sprintf("view %d", r.id), Model: r.model})
		if err != nil {
			return nil, orm.UserErrorf("A view of %s cannot be read: %v", r.model, err)
		}
		if arch == nil {
			arch = next
			continue
		}
		if arch, err = view.Apply(arch, next); err != nil {
			return nil, orm.UserErrorf("A view of %s cannot be extended: %v", r.model, err)
		}
	}
	v, err := view.Build(arch)
	if err != nil {
		return nil, orm.UserErrorf("A view of %s cannot be read: %v", rows[0].model, err)
	}
	return v, nil
}

// defaultView makes a view for a model that has none of the kind.
func (p finder) defaultView(model, kind string) (*view.View, error) {
	rs, err := p.env.Lookup(model)
	if err != nil {
		return nil, err
	}
	m := rs.Model
	var b strings.Builder
	name := m.RecName
	if name == "" || m.Fields[name] == nil {
		name = "display_name"
	}
	switch kind {
	case "list":
		fmt.Fprintf(&b, `<list><field name="%s"/>`, attrText(name))
		for _, f := range plainFields(m, 6) {
			if f != name {
				fmt.Fprintf(&b, `<field name="%s"/>`, attrText(f))
			}
		}
		b.WriteString("</list>")
	case "form":
		b.WriteString("<form><sheet><group>")
		for _, f := range plainFields(m, 80) {
			fmt.Fprintf(&b, `<field name="%s"/>`, attrText(f))
		}
		b.WriteString("</group></sheet></form>")
	case "search":
		fmt.Fprintf(&b, `<search><field name="%s"/></search>`, attrText(name))
	case "kanban":
		fmt.Fprintf(&b, `<kanban><templates><t t-name="card"><field name="%s"/></t></templates></kanban>`, attrText(name))
	default:
		return nil, orm.UserErrorf("%s has no %s view.", m.Label, kind)
	}
	arch, err := view.Parse([]byte(b.String()), view.Source{View: "default", Model: model})
	if err != nil {
		return nil, err
	}
	return view.Build(arch)
}

// plainFields are the fields of a model that a person may want to see.
func plainFields(m *orm.Model, limit int) []string {
	skip := map[string]bool{"id": true, "display_name": true, "create_uid": true, "create_date": true, "write_uid": true, "write_date": true, "parent_path": true}
	var out []string
	for _, name := range m.FieldNames() {
		f := m.Fields[name]
		if skip[name] || f.X2many() || f.Kind == orm.BinaryKind || f.Kind == orm.JSONKind || !f.Stored && !f.Inherited() || strings.HasPrefix(name, "message_") || strings.HasPrefix(name, "activity_") {
			continue
		}
		if out = append(out, name); len(out) == limit {
			break
		}
	}
	return out
}

func attrText(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}
