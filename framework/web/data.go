package web

import (
	"fmt"
	"slices"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/view"
)

// record is one record with what a view shows of it.
type record struct {
	model *orm.Model
	id    int64  // 0: not stored
	key   string // how a line is named in its form
	vals  orm.Values
	lists map[string]*lines
	files map[string]fileFact
	given map[string]any // a new line: values that are stored with it
	kept  bool           // a new line that is stored even when nothing was typed
	calc  bool           // a line that follows from others: shown, not edited
}

// lines are the records of an x2many field that a list inside a form shows.
type lines struct {
	field  *orm.Field
	view   *view.View // the list inside the form
	rows   []*record
	total  int
	denied bool // the user may not read them
}

// fileFact is what is known of a file without reading it.
type fileFact struct {
	Size int64
	Name string
}

const maxLines = 200 // lines of an x2many field shown in a form

// fieldsRead are the fields to read for a view: those it shows or looks at and
// the user may see, with the currencies of amounts.
func (p *page) fieldsRead(model string, wanted []string) ([]string, error) {
	known, err := p.fieldsOf(model)
	if err != nil {
		return nil, err
	}
	var out []string
	add := func(name string) {
		f, ok := known[name]
		if !ok || f.Kind == orm.BinaryKind || slices.Contains(out, name) {
			return
		}
		if f.X2many() {
			if can, err := p.rights(f.Comodel); err != nil || !can.Read {
				return // the page is for the reader, without what is not
			}
		}
		out = append(out, name)
	}
	for _, name := range wanted {
		add(name)
		if f, ok := known[name]; ok && f.Kind == orm.Monetary {
			add(f.Currency)
		}
		if f, ok := known[name]; ok && f.Kind == orm.Many2oneRef {
			add(f.ModelField)
		}
	}
	return out, nil
}

// read loads records for a view: one read for their fields, one for each
// x2many list inside, and later one for the names of each model linked to.
func (p *page) read(rs orm.Records, v *view.View, extra ...string) ([]*record, error) {
	fields, err := p.fieldsRead(rs.Model.Name, append(v.FieldNames(), extra...))
	if err != nil {
		return nil, err
	}
	rows, err := rs.Read(fields...)
	if err != nil {
		return nil, err
	}
	for _, name := range v.FieldNames() { // what is left out is empty, for expressions
		if f := rs.Model.Fields[name]; f != nil && f.X2many() && !slices.Contains(fields, name) {
			for _, vals := range rows {
				vals[name] = []int64(nil)
			}
		}
	}
	out := make([]*record, len(rows))
	for i, vals := range rows {
		out[i] = &record{model: rs.Model, id: toID(vals["id"]), vals: vals, lists: map[string]*lines{}}
	}
	p.wantNames(rs.Model, fields, out)
	return out, nil
}

// wantNames notes which names the values of records need.
func (p *page) wantNames(m *orm.Model, fields []string, recs []*record) {
	for _, name := range fields {
		f := m.Fields[name]
		switch f.Kind {
		case orm.Many2one:
			for _, r := range recs {
				p.names.add(f.Comodel, toID(r.vals[name]))
			}
		case orm.Many2many, orm.One2many:
			for _, r := range recs {
				ids, _ := r.vals[name].([]int64)
				if len(ids) > maxLines {
					ids = ids[:maxLines]
				}
				p.names.add(f.Comodel, ids...)
			}
		case orm.Many2oneRef:
			for _, r := range recs {
				if model := str(r.vals[f.ModelField]); model != "" {
					p.names.add(model, toID(r.vals[name]))
				}
			}
		case orm.Reference:
			for _, r := range recs {
				if model, id := splitRef(str(r.vals[name])); model != "" {
					p.names.add(model, id)
				}
			}
		}
	}
}

func splitRef(s string) (model string, id int64) {
	for i := range s {
		if s[i] == ',' {
			return s[:i], toID(s[i+1:])
		}
	}
	return "", 0
}

// readForm loads one record for a form, the lists inside it included.
func (p *page) readForm(rs orm.Records, v *view.View) (*record, error) {
	recs, err := p.read(rs, v, "display_name", "write_date", "active")
	if err != nil {
		return nil, err
	}
	rec := recs[0]
	if err := p.readLists(rs, rec, v); err != nil {
		return nil, err
	}
	return rec, p.readFiles(rec, v)
}

// listOf is the list a form shows for an x2many field: the one written inside,
// else the comodel's own. Widgets that show names only have none.
func (p *page) listOf(f *orm.Field, n *view.Node) (*view.View, error) {
	if !f.X2many() {
		return nil, nil
	}
	switch n.Attr("widget") {
	case "many2many_tags", "many2many_tags_avatar", "many2many_checkboxes", "many2many_binary", "many2many_avatar_user", "statinfo", "badge":
		return nil, nil
	}
	subs := n.SubViews()
	if sub := subs["list"]; sub != nil {
		return &view.View{Model: f.Comodel, Kind: "list", Root: sub}, nil
	}
	if f.Kind == orm.Many2many && len(subs) == 0 && n.Attr("mode") == "" {
		return nil, nil
	}
	return p.view(f.Comodel, "list", 0)
}

// readLists loads the lines of the x2many fields a form shows.
func (p *page) readLists(rs orm.Records, rec *record, v *view.View) error {
	known, err := p.fieldsOf(rs.Model.Name)
	if err != nil {
		return err
	}
	for _, n := range v.Fields() {
		f, ok := known[n.Name()]
		if !ok || rec.lists[f.Name] != nil || !p.nodeAllowed(n) || n.Attr("invisible") == "1" || n.Attr("invisible") == "True" {
			continue
		}
		list, err := p.listOf(f.Field, n)
		if err != nil {
			return err
		}
		if list == nil {
			continue
		}
		ids, _ := rec.vals[f.Name].([]int64)
		if rec.lists[f.Name], err = p.readLines(f.Field, list, n, ids); err != nil {
			return err
		}
	}
	return nil
}

func (p *page) readLines(f *orm.Field, list *view.View, n *view.Node, ids []int64) (*lines, error) {
	out := &lines{field: f, view: list, total: len(ids)}
	can, err := p.rights(f.Comodel)
	if err != nil {
		return nil, err
	}
	if !can.Read {
		out.denied = true
		return out, nil
	}
	if len(ids) > maxLines {
		ids = ids[:maxLines]
	}
	extra := []string{"display_name"}
	if form := n.SubViews()["form"]; form != nil {
		extra = append(extra, (&view.View{Root: form}).FieldNames()...)
	}
	rows, err := p.read(p.env.Model(f.Comodel).Browse(ids...), list, extra...)
	if orm.IsCode(err, orm.CodeAccess) {
		out.denied = true
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		r.key = fmt.Sprint(r.id)
	}
	out.rows = rows
	return out, nil
}

// readFiles finds out which files a form shows, without reading them.
func (p *page) readFiles(rec *record, v *view.View) error {
	rec.files = map[string]fileFact{}
	var fields []string
	for _, n := range v.Fields() {
		if f := rec.model.Fields[n.Name()]; f != nil && f.Kind == orm.BinaryKind && !f.Computed() {
			fields = append(fields, f.Name)
		}
	}
	if len(fields) == 0 || rec.id == 0 {
		return nil
	}
	// Whether there is a file follows from the record, which the user may read.
	att := p.env.Sudo().Model("ir.attachment")
	found, err := att.Search(orm.And(orm.Leaf("res_model", "=", rec.model.Name), orm.Leaf("res_id", "=", rec.id), orm.Leaf("res_field", "in", fields)), orm.SearchOptions{})
	if err != nil {
		return err
	}
	rows, err := found.Read("res_field", "file_size", "name")
	if err != nil {
		return err
	}
	for _, r := range rows {
		n, _ := r["file_size"].(int64)
		rec.files[str(r["res_field"])] = fileFact{n, str(r["name"])}
	}
	return nil
}

// scope are the variables of a record's expressions.
func (r *record) scope(base map[string]any, parent map[string]any) map[string]any {
	out := make(map[string]any, len(base)+len(r.vals)+2)
	for k, v := range base {
		out[k] = v
	}
	for name, v := range r.vals {
		if f := r.model.Fields[name]; f != nil {
			out[name] = fieldValue(f, v)
		}
	}
	out["id"] = r.id
	if r.id == 0 {
		out["id"] = false
	}
	if parent != nil {
		out["parent"] = parent
	}
	return out
}

// currency is the currency of an amount of the record.
func (r *record) currency(f *orm.Field) int64 {
	if f.Kind != orm.Monetary {
		return 0
	}
	return toID(r.vals[f.Currency])
}
