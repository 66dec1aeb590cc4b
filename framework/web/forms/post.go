// Package forms is what forms do: it reads what was posted into changes of a record,
// stores them, and shows beforehand what would follow from them.
//
// The way of a posted form: a [Submission] reads the inputs into [render.Posted] and
// compares them with what the page had shown, which gives [Changes]; a [Form] stores
// them, or previews what storing them would lead to. Package web answers the request.
package forms

import (
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/route"
	"fusionsoft.ca/fusion/framework/view"
	"fusionsoft.ca/fusion/framework/web/convert"
	"fusionsoft.ca/fusion/framework/web/render"
	"fusionsoft.ca/fusion/framework/web/viewdata"
)

// Submission is a posted form, read as the user who posted it.
type Submission struct {
	*viewdata.Reader
	Request *http.Request
	Form    url.Values
}

// Changes are what a posted form wants stored.
type Changes struct {
	Values orm.Values
	Lines  map[string][]string // new lines of an x2many field, in the order they are created
	Rows   map[string][]string // all lines of an x2many field, by key
}

// Posted reads a posted form.
func (sub *Submission) Posted() (*render.Posted, error) {
	form := sub.Form
	t := &render.Posted{Form: url.Values{}, Base: map[string]string{}, Errors: map[string]string{}, Picks: map[string][]render.Choice{}, Extra: map[string]map[string]any{}}
	for k, v := range form {
		if strings.HasPrefix(k, render.InputPrefix) {
			t.Form[k] = v
		}
	}
	if s := form.Get("_base"); s != "" {
		if err := convert.DecodeJSON(s, &t.Base); err != nil {
			return nil, route.Errorf(http.StatusBadRequest, "The form could not be read. Load the page again.")
		}
	}
	for k, v := range form {
		if prefix, ok := strings.CutSuffix(k, "~extra"); ok && v[0] != "" {
			var given map[string]any
			if err := convert.DecodeJSON(v[0], &given); err != nil {
				return nil, route.Errorf(http.StatusBadRequest, "The form could not be read. Load the page again.")
			}
			t.Extra[prefix] = given
		}
	}
	if mf := sub.Request.MultipartForm; mf != nil {
		for k, files := range mf.File {
			if len(files) > 0 && files[0].Size > 0 {
				t.Form.Set(k, files[0].Filename)
			}
		}
	}
	return t, nil
}

// AskNames notes the records a typed form refers to.
func (sub *Submission) AskNames(t *render.Posted, m *orm.Model) {
	for input := range t.Base {
		f := FieldOfInput(m, input)
		if f == nil || f.Comodel == "" {
			continue
		}
		for _, k := range []string{"~id", "~pick"} {
			for _, v := range t.Form[input+k] {
				sub.Names.Ask(f.Comodel, convert.ID(v))
			}
		}
	}
}

// FieldOfInput finds the field an input is for, through its line if need be.
func FieldOfInput(m *orm.Model, input string) *orm.Field {
	parts := strings.Split(strings.TrimPrefix(input, render.InputPrefix), ".")
	f := m.Fields[parts[0]]
	if len(parts) == 3 && f != nil && f.X2many() {
		if co := f.ComodelOf(); co != nil {
			return co.Fields[parts[2]]
		}
		return nil
	}
	if len(parts) != 1 {
		return nil
	}
	return f
}

// Changes reads the values that differ from what was shown. What cannot be
// read is noted in the form's errors.
func (sub *Submission) Changes(t *render.Posted, m *orm.Model, v *view.View) (*Changes, error) {
	out := &Changes{Values: orm.Values{}, Lines: map[string][]string{}, Rows: map[string][]string{}}
	inputs := make([]string, 0, len(t.Base))
	for input := range t.Base {
		inputs = append(inputs, input)
	}
	slices.Sort(inputs)
	for _, input := range inputs {
		name := strings.TrimPrefix(input, render.InputPrefix)
		f := m.Fields[name]
		if f == nil || strings.Contains(name, ".") {
			continue
		}
		if t.Base[input] == render.LinesMark && f.X2many() {
			cmds, err := sub.LineChanges(t, f, input, out)
			if err != nil {
				return nil, err
			}
			if len(cmds) > 0 {
				out.Values[name] = cmds
			}
			continue
		}
		if err := sub.change(t, f, input, out.Values, domainOf(v, name)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// domainOf is the domain a view gives a relation, where it is a plain one.
func domainOf(v *view.View, name string) string {
	for _, n := range v.Fields() {
		if n.Name() == name {
			return n.Attr("domain")
		}
	}
	return ""
}

// change reads one input into vals when it was touched.
func (sub *Submission) change(t *render.Posted, f *orm.Field, input string, vals orm.Values, domain string) error {
	if f.Kind == orm.SecretKind || f.Kind == orm.Char && t.Base[input] == "" && t.Form.Has(input+"~clear") {
		if t.Get(input+"~clear") != "" {
			vals[f.Name] = false
			return nil
		}
	}
	if f.Kind == orm.BinaryKind {
		return sub.changeFile(t, f, input, vals)
	}
	if !t.Touched(f, input) {
		return nil
	}
	switch f.Kind {
	case orm.Many2one:
		id, ok, err := sub.resolve(t, f, input, t.Value(f, input), domain)
		if err != nil || !ok {
			return err
		}
		vals[f.Name] = any(false)
		if id != 0 {
			vals[f.Name] = id
		}
		return nil
	case orm.Many2many, orm.One2many:
		if f.Kind == orm.Many2many && f.Comodel == "ir.attachment" && len(sub.Files(input+"~file")) > 0 {
			return nil // read when the record is stored
		}
		ids := convert.IDs(convert.List(t.Form[input+"~id"]))
		if add := strings.TrimSpace(t.Get(input + "~add")); add != "" || t.Get(input+"~pick") != "" {
			what := "?" + add
			if pick := t.Get(input + "~pick"); pick != "" {
				what = pick
			}
			id, ok, err := sub.resolve(t, f, input, what, domain)
			if err != nil || !ok {
				return err
			}
			ids = append(ids, id)
			// From now on it is one of the boxes.
			t.Form[input+"~id"] = append(t.Form[input+"~id"], fmt.Sprint(id))
			t.Form.Del(input + "~add")
			t.Form.Del(input + "~pick")
		}
		vals[f.Name] = []orm.Command{orm.SetIDs(ids...)}
		return nil
	}
	loc, err := sub.Locale()
	if err != nil {
		return err
	}
	v, err := loc.Parse(f, t.Value(f, input))
	if err != nil {
		t.Errors[input] = err.Error()
		return nil
	}
	vals[f.Name] = v
	return nil
}

// resolve finds the record a many2one was given: an id, "new" for one to be
// made, or "?" and a name. A name that fits none or several is an error at the
// field, with the candidates to choose from.
func (sub *Submission) resolve(t *render.Posted, f *orm.Field, input, value, domain string) (id int64, ok bool, err error) {
	co, err := sub.Env().Lookup(f.Comodel)
	if err != nil {
		return 0, false, err
	}
	name := strings.TrimSpace(t.Get(input))
	if f.X2many() {
		name = strings.TrimSpace(t.Get(input + "~add"))
	}
	settle := func(id int64, shown string) {
		if f.X2many() {
			return
		}
		t.Form.Set(input, shown)
		t.Form.Set(input+"~nm", shown)
		t.Form.Set(input+"~id", convert.FormatID(id))
		t.Form.Del(input + "~pick")
		sub.Names.Ask(f.Comodel, id)
	}
	if value == "new" {
		made, err := co.NameCreate(name)
		if oe := viewdata.UserError(err); oe != nil {
			t.Errors[input] = oe.Message
			return 0, false, nil
		}
		if err != nil {
			return 0, false, err
		}
		settle(made.ID, made.Name)
		return made.ID, true, nil
	}
	text, byName := strings.CutPrefix(value, "?")
	if !byName {
		id := convert.ID(value)
		if id != 0 && t.Get(input+"~pick") != "" && !f.X2many() {
			sub.Names.Ask(f.Comodel, id)
			if err := sub.Names.Load(); err != nil {
				return 0, false, err
			}
			settle(id, sub.Names.Of(f.Comodel, id))
		}
		return id, true, nil
	}
	var d orm.Domain
	if domain != "" {
		if d, err = sub.Domain(domain, sub.Vars()); err != nil {
			d = nil // it looks at the record; the constraints of the model decide
		}
	}
	var found []orm.NamedID
	for _, op := range []string{"=", "ilike"} {
		found, err = co.NameSearch(text, d, op, 8)
		if oe := viewdata.UserError(err); oe != nil {
			t.Errors[input] = oe.Message
			return 0, false, nil
		}
		if err != nil {
			return 0, false, err
		}
		if op == "ilike" { // the very name, among longer ones
			if i := slices.IndexFunc(found, func(n orm.NamedID) bool { return strings.EqualFold(n.Name, text) }); i >= 0 {
				found = found[i : i+1]
			}
		}
		if len(found) > 0 {
			break
		}
	}
	if len(found) == 1 {
		settle(found[0].ID, found[0].Name)
		return found[0].ID, true, nil
	}
	for _, n := range found {
		t.Picks[input] = append(t.Picks[input], render.Choice{Value: fmt.Sprint(n.ID), Label: n.Name})
	}
	can, err := sub.Rights(f.Comodel)
	if err != nil {
		return 0, false, err
	}
	what := "Nothing is called"
	if len(found) > 1 {
		what = "Several are called"
	}
	t.Errors[input] = fmt.Sprintf("%s “%s”.", what, convert.Shorten(text, 60))
	if len(found) > 0 {
		t.Errors[input] += " Choose one."
	}
	if can.Create {
		t.Picks[input] = append(t.Picks[input], render.Choice{Value: "new", Label: "Create “" + convert.Shorten(text, 60) + "”"})
	}
	return 0, false, nil
}

// LineChanges reads the lines of an x2many field as commands.
func (sub *Submission) LineChanges(t *render.Posted, f *orm.Field, input string, out *Changes) ([]orm.Command, error) {
	rs, err := sub.Env().Lookup(f.Comodel)
	if err != nil {
		return nil, err
	}
	co := rs.Model
	var cmds []orm.Command
	byRow := map[string][]string{}
	for k := range t.Base {
		if rest, ok := strings.CutPrefix(k, input+"."); ok {
			if key, name, ok := strings.Cut(rest, "."); ok && !strings.Contains(name, ".") {
				byRow[key] = append(byRow[key], name)
			}
		}
	}
	for _, key := range t.Form[input+"~rows"] {
		prefix := input + "." + key
		id := convert.ID(key)
		out.Rows[f.Name] = append(out.Rows[f.Name], key)
		if t.Get(prefix+"~del") != "" {
			switch {
			case id == 0:
			case f.Kind == orm.One2many:
				cmds = append(cmds, orm.DeleteLine(id))
			default:
				cmds = append(cmds, orm.Unlink(id))
			}
			continue
		}
		vals := orm.Values{}
		names := byRow[key]
		slices.Sort(names)
		before := len(t.Errors)
		for _, name := range names {
			lf := co.Fields[name]
			if lf == nil {
				continue
			}
			if err := sub.change(t, lf, prefix+"."+name, vals, ""); err != nil {
				return nil, err
			}
		}
		switch {
		case id != 0 && len(vals) > 0:
			cmds = append(cmds, orm.UpdateLine(id, vals))
		case id == 0 && (len(vals) > 0 || len(t.Errors) > before || t.Get(prefix+"~kept") != ""):
			full := orm.Values{}
			for k, v := range t.Extra[prefix] {
				full[k] = v
			}
			for k, v := range vals {
				full[k] = v
			}
			cmds = append(cmds, orm.CreateLine(full))
			out.Lines[f.Name] = append(out.Lines[f.Name], key)
		}
	}
	if add := strings.TrimSpace(t.Get(input + "~add")); add != "" || t.Get(input+"~add~pick") != "" {
		id, ok, err := sub.resolve(t, &orm.Field{Name: f.Name, Kind: orm.Many2one, Comodel: f.Comodel}, input+"~add", t.Value(&orm.Field{Kind: orm.Many2one}, input+"~add"), "")
		if err != nil {
			return nil, err
		}
		if ok && id != 0 {
			cmds = append(cmds, orm.Link(id))
		}
	}
	return cmds, nil
}

// Files are the uploads of an input.
func (sub *Submission) Files(input string) []*multipart.FileHeader {
	if sub.Request.MultipartForm == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(sub.Request.MultipartForm.File[input]), func(h *multipart.FileHeader) bool { return h.Size == 0 })
}

// ReadUpload reads a file that was posted.
func ReadUpload(h *multipart.FileHeader) ([]byte, error) {
	r, err := h.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func (sub *Submission) changeFile(t *render.Posted, f *orm.Field, input string, vals orm.Values) error {
	if t.Get(input+"~clear") != "" {
		vals[f.Name] = false
		return nil
	}
	up := sub.Files(input + "~file")
	if len(up) == 0 {
		return nil
	}
	content, err := ReadUpload(up[0])
	if err != nil {
		return err
	}
	if f.Image {
		if kind := http.DetectContentType(content); !slices.Contains([]string{"image/png", "image/jpeg", "image/gif", "image/webp"}, kind) {
			t.Errors[input] = "This file is no picture a browser can show: PNG, JPEG, GIF or WebP."
			return nil
		}
	}
	vals[f.Name] = content
	return nil
}
