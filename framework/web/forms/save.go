package forms

import (
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/view"
	"fusionsoft.ca/fusion/framework/web/convert"
	"fusionsoft.ca/fusion/framework/web/render"
)

// Store writes the changes, unless somebody else has changed the record since
// the form was opened.
func (f *Form) Store(t *render.Posted, ch *Changes) (orm.Records, error) {
	p := f.p
	if f.ID != 0 && len(ch.Values) > 0 && p.Form.Get("_version") != "" && p.Form.Get("_force") == "" {
		if err := f.unchanged(); err != nil {
			f.Conflict = true
			return f.Records, err
		}
	}
	rs := f.Records
	err := rs.CheckReferences(ch.Values)
	if err != nil {
		return rs, err
	}
	if f.ID == 0 {
		if rs, err = f.Records.Create(ch.Values); err != nil {
			return f.Records, err
		}
	} else if len(ch.Values) > 0 {
		if err := rs.Write(ch.Values); err != nil {
			return f.Records, err
		}
	}
	if err := f.uploads(t, rs); err != nil {
		return f.Records, err
	}
	return rs, f.complete(t, rs)
}

// unchanged compares the version of the form with the record's.
func (f *Form) unchanged() error {
	rows, err := f.Records.Read("write_date", "write_uid")
	if err != nil {
		return err
	}
	now := Version(&render.Record{Values: rows[0]})
	if now == f.p.Form.Get("_version") {
		return nil
	}
	who := convert.ID(rows[0]["write_uid"])
	users := f.Records.Model.Fields["write_uid"].Comodel
	f.p.Names.Add(users, who)
	if err := f.p.Names.Load(); err != nil {
		return err
	}
	loc, err := f.p.Locale()
	if err != nil {
		return err
	}
	at, _ := rows[0]["write_date"].(orm.Datetime)
	return orm.UserErrorf("%s changed this record at %s, after you opened it. Nothing of yours is stored yet: look at it again, or save all the same.",
		f.p.Names.Of(users, who), loc.Moment(at))
}

// uploads adds the files chosen for many2many fields of attachments.
func (f *Form) uploads(t *render.Posted, rs orm.Records) error {
	for input := range t.Base {
		fi := FieldOfInput(rs.Model, input)
		if fi == nil || inLines(input) != "" || fi.Kind != orm.Many2many || fi.Comodel != "ir.attachment" {
			continue
		}
		ids := convert.IDs(convert.List(t.Form[input+"~id"]))
		ups := f.p.Files(input + "~file")
		if len(ups) == 0 {
			continue
		}
		for _, h := range ups {
			content, err := ReadUpload(h)
			if err != nil {
				return err
			}
			vals := orm.Values{"name": h.Filename, "raw": content}
			if !rs.Model.Transient {
				vals["res_model"], vals["res_id"] = rs.Model.Name, rs.ID()
			}
			made, err := f.p.Env().Model("ir.attachment").Create(vals)
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
func (f *Form) complete(t *render.Posted, rs orm.Records) error {
	nodes := f.requiring(t)
	if len(nodes) == 0 {
		return nil
	}
	recs, err := f.p.Read(rs, f.View)
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

// MarkNeeded marks the inputs that a refused form lacks.
func (f *Form) MarkNeeded(t *render.Posted, rec *render.Record) error {
	lacking, err := f.lacking(f.requiring(t), rec)
	for _, name := range lacking {
		if input := render.InputPrefix + name; t.Errors[input] == "" {
			t.Errors[input] = f.pointed(t, input, &orm.Error{})
		}
	}
	return err
}

// requiring are the fields on the page that the view may require.
func (f *Form) requiring(t *render.Posted) []*view.Node {
	var nodes []*view.Node
	for _, n := range f.View.Fields() {
		if src := n.Attr("required"); src != "" && src != "0" && src != "False" {
			if _, shown := t.Base[render.InputPrefix+n.Name()]; shown {
				nodes = append(nodes, n)
			}
		}
	}
	return nodes
}

// lacking names the fields of a record that the view requires and that are
// empty. Nought is a number, and files are not read here.
func (f *Form) lacking(nodes []*view.Node, rec *render.Record) ([]string, error) {
	b, err := f.p.Builder()
	if err != nil {
		return nil, err
	}
	vars := rec.Scope(b.Vars, nil)
	var out []string
	for _, n := range nodes {
		fi := rec.Model.Fields[n.Name()]
		if fi == nil || fi.Kind == orm.Boolean || render.Numeric(fi) || fi.Kind == orm.BinaryKind {
			continue
		}
		if b.Truth(n.Attr("required"), vars) && !convert.Truthy(convert.Field(fi, rec.Values[fi.Name])) && !slices.Contains(out, fi.Name) {
			out = append(out, fi.Name)
		}
	}
	return out, nil
}

// MarkErrors marks the inputs an error is about.
func (f *Form) MarkErrors(t *render.Posted, ch *Changes, oe *orm.Error) {
	for _, name := range oe.Fields {
		hit := false
		if _, shown := t.Base[render.InputPrefix+name]; shown && f.Records.Model.Fields[name] != nil {
			t.Errors[render.InputPrefix+name] = f.pointed(t, render.InputPrefix+name, oe)
			hit = true
		}
		if hit {
			continue
		}
		for input := range t.Base {
			if strings.HasSuffix(input, "."+name) && inLines(input) != "" && slices.Contains(ch.Lines[inLines(input)], strings.Split(input, ".")[2]) {
				t.Errors[input] = f.pointed(t, input, oe)
			}
		}
	}
}

func (f *Form) pointed(t *render.Posted, input string, oe *orm.Error) string {
	if fi := FieldOfInput(f.Records.Model, input); fi != nil && t.Value(fi, input) == "" {
		return "This is needed."
	}
	if len(oe.Fields) == 1 {
		return oe.Message
	}
	return "Look at this value."
}
