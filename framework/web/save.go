package web

import (
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/view"
)

// store writes the changes, unless somebody else has changed the record since
// the form was opened.
func (f *recordForm) store(t *typed, ch *changes) (orm.Records, error) {
	p := f.p
	if f.id != 0 && len(ch.vals) > 0 && p.form.Get("_version") != "" && p.form.Get("_force") == "" {
		if err := f.unchanged(); err != nil {
			f.conflict = true
			return f.rs, err
		}
	}
	rs := f.rs
	err := rs.CheckReferences(ch.vals)
	if err != nil {
		return rs, err
	}
	if f.id == 0 {
		if rs, err = f.rs.Create(ch.vals); err != nil {
			return f.rs, err
		}
	} else if len(ch.vals) > 0 {
		if err := rs.Write(ch.vals); err != nil {
			return f.rs, err
		}
	}
	if err := f.uploads(t, rs); err != nil {
		return f.rs, err
	}
	return rs, f.complete(t, rs)
}

// unchanged compares the version of the form with the record's.
func (f *recordForm) unchanged() error {
	rows, err := f.rs.Read("write_date", "write_uid")
	if err != nil {
		return err
	}
	now := version(&record{vals: rows[0]})
	if now == f.p.form.Get("_version") {
		return nil
	}
	who := toID(rows[0]["write_uid"])
	users := f.rs.Model.Fields["write_uid"].Comodel
	f.p.names.add(users, who)
	if err := f.p.names.load(); err != nil {
		return err
	}
	at, _ := rows[0]["write_date"].(orm.Datetime)
	return orm.UserErrorf("%s changed this record at %s, after you opened it. Nothing of yours is stored yet: look at it again, or save all the same.",
		f.p.names.of(users, who), f.p.loc.moment(at))
}

// uploads adds the files chosen for many2many fields of attachments.
func (f *recordForm) uploads(t *typed, rs orm.Records) error {
	for input := range t.base {
		fi := fieldOfInput(rs.Model, input)
		if fi == nil || inLines(input) != "" || fi.Kind != orm.Many2many || fi.Comodel != "ir.attachment" {
			continue
		}
		ids := toIDs(anyList(t.form[input+"~id"]))
		ups := f.p.files(input + "~file")
		if len(ups) == 0 {
			continue
		}
		for _, h := range ups {
			content, err := readUpload(h)
			if err != nil {
				return err
			}
			vals := orm.Values{"name": h.Filename, "raw": content}
			if !rs.Model.Transient {
				vals["res_model"], vals["res_id"] = rs.Model.Name, rs.ID()
			}
			made, err := f.p.env.Model("ir.attachment").Create(vals)
			if err != nil {
				return err
			}
			ids = append(ids, made.ID())
		}
		if err := rs.Write(orm.Values{fi.Name: []orm.Command{orm.SetIDs(ids...)}}); err != nil {
			return err
		}
	}
	return nil
}

// complete checks what the view alone requires.
func (f *recordForm) complete(t *typed, rs orm.Records) error {
	nodes := f.requiring(t)
	if len(nodes) == 0 {
		return nil
	}
	recs, err := f.p.read(rs, f.view)
	if err != nil {
		return err
	}
	lacking, err := f.lacking(nodes, recs[0])
	if err != nil || lacking == nil {
		return err
	}
	var labels []string
	for _, name := range lacking {
		labels = append(labels, rs.Model.Fields[name].Label)
	}
	return &orm.Error{Code: orm.CodeValidation, Fields: lacking, Message: "Fill in: " + strings.Join(labels, ", ") + "."}
}

// needed marks the inputs that a refused form lacks.
func (f *recordForm) needed(t *typed, rec *record) error {
	lacking, err := f.lacking(f.requiring(t), rec)
	for _, name := range lacking {
		if input := inputPrefix + name; t.errors[input] == "" {
			t.errors[input] = f.pointed(t, input, &orm.Error{})
		}
	}
	return err
}

// requiring are the fields on the page that the view may require.
func (f *recordForm) requiring(t *typed) []*view.Node {
	var nodes []*view.Node
	for _, n := range f.view.Fields() {
		if src := n.Attr("required"); src != "" && src != "0" && src != "False" {
			if _, shown := t.base[inputPrefix+n.Name()]; shown {
				nodes = append(nodes, n)
			}
		}
	}
	return nodes
}

// lacking names the fields of a record that the view requires and that are
// empty. Nought is a number, and files are not read here.
func (f *recordForm) lacking(nodes []*view.Node, rec *record) ([]string, error) {
	b, err := f.p.builder()
	if err != nil {
		return nil, err
	}
	vars := rec.scope(b.vars, nil)
	var out []string
	for _, n := range nodes {
		fi := rec.model.Fields[n.Name()]
		if fi == nil || fi.Kind == orm.Boolean || numeric(fi) || fi.Kind == orm.BinaryKind {
			continue
		}
		if b.truth(n.Attr("required"), vars) && !truthy(fieldValue(fi, rec.vals[fi.Name])) && !slices.Contains(out, fi.Name) {
			out = append(out, fi.Name)
		}
	}
	return out, nil
}

// point marks the inputs an error is about.
func (f *recordForm) point(t *typed, ch *changes, oe *orm.Error) {
	for _, name := range oe.Fields {
		hit := false
		if _, shown := t.base[inputPrefix+name]; shown && f.rs.Model.Fields[name] != nil {
			t.errors[inputPrefix+name] = f.pointed(t, inputPrefix+name, oe)
			hit = true
		}
		if hit {
			continue
		}
		for input := range t.base {
			if strings.HasSuffix(input, "."+name) && inLines(input) != "" && slices.Contains(ch.lines[inLines(input)], strings.Split(input, ".")[2]) {
				t.errors[input] = f.pointed(t, input, oe)
			}
		}
	}
}

func (f *recordForm) pointed(t *typed, input string, oe *orm.Error) string {
	if fi := fieldOfInput(f.rs.Model, input); fi != nil && t.value(fi, input) == "" {
		return "This is needed."
	}
	if len(oe.Fields) == 1 {
		return oe.Message
	}
	return "Look at this value."
}
