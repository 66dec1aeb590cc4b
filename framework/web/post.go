package web

import (
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/view"
)

// submission is a posted form, read as the user who posted it.
type submission struct {
	*actions
	Request *http.Request
	form    url.Values
}

// changes are what a posted form wants stored.
type changes struct {
	vals  orm.Values
	lines map[string][]string // new lines of an x2many field, in the order they are created
	rows  map[string][]string // all lines of an x2many field, by key
}

// readTyped reads a posted form.
func (sub *submission) readTyped() (*typed, error) {
	form := sub.form
	t := &typed{form: url.Values{}, base: map[string]string{}, errors: map[string]string{}, picks: map[string][]choice{}, extra: map[string]map[string]any{}}
	for k, v := range form {
		if strings.HasPrefix(k, inputPrefix) {
			t.form[k] = v
		}
	}
	if s := form.Get("_base"); s != "" {
		if err := decodeJSON(s, &t.base); err != nil {
			return nil, server.Errorf(http.StatusBadRequest, "The form could not be read. Load the page again.")
		}
	}
	for k, v := range form {
		if prefix, ok := strings.CutSuffix(k, "~extra"); ok && v[0] != "" {
			var given map[string]any
			if err := decodeJSON(v[0], &given); err != nil {
				return nil, server.Errorf(http.StatusBadRequest, "The form could not be read. Load the page again.")
			}
			t.extra[prefix] = given
		}
	}
	if mf := sub.Request.MultipartForm; mf != nil {
		for k, files := range mf.File {
			if len(files) > 0 && files[0].Size > 0 {
				t.form.Set(k, files[0].Filename)
			}
		}
	}
	return t, nil
}

// wantTyped notes the records a typed form refers to.
func (sub *submission) wantTyped(t *typed, m *orm.Model) {
	for input := range t.base {
		f := fieldOfInput(m, input)
		if f == nil || f.Comodel == "" {
			continue
		}
		for _, k := range []string{"~id", "~pick"} {
			for _, v := range t.form[input+k] {
				sub.names.ask(f.Comodel, toID(v))
			}
		}
	}
}

// fieldOfInput finds the field an input is for, through its line if need be.
func fieldOfInput(m *orm.Model, input string) *orm.Field {
	parts := strings.Split(strings.TrimPrefix(input, inputPrefix), ".")
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

// changesOf reads the values that differ from what was shown. What cannot be
// read is noted in the form's errors.
func (sub *submission) changesOf(t *typed, m *orm.Model, v *view.View) (*changes, error) {
	out := &changes{vals: orm.Values{}, lines: map[string][]string{}, rows: map[string][]string{}}
	inputs := make([]string, 0, len(t.base))
	for input := range t.base {
		inputs = append(inputs, input)
	}
	slices.Sort(inputs)
	for _, input := range inputs {
		name := strings.TrimPrefix(input, inputPrefix)
		f := m.Fields[name]
		if f == nil || strings.Contains(name, ".") {
			continue
		}
		if t.base[input] == linesMark && f.X2many() {
			cmds, err := sub.lineChanges(t, f, input, out)
			if err != nil {
				return nil, err
			}
			if len(cmds) > 0 {
				out.vals[name] = cmds
			}
			continue
		}
		if err := sub.change(t, f, input, out.vals, domainOf(v, name)); err != nil {
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
func (sub *submission) change(t *typed, f *orm.Field, input string, vals orm.Values, domain string) error {
	if f.Kind == orm.SecretKind || f.Kind == orm.Char && t.base[input] == "" && t.form.Has(input+"~clear") {
		if t.get(input+"~clear") != "" {
			vals[f.Name] = false
			return nil
		}
	}
	if f.Kind == orm.BinaryKind {
		return sub.changeFile(t, f, input, vals)
	}
	if !t.touched(f, input) {
		return nil
	}
	switch f.Kind {
	case orm.Many2one:
		id, ok, err := sub.resolve(t, f, input, t.value(f, input), domain)
		if err != nil || !ok {
			return err
		}
		vals[f.Name] = any(false)
		if id != 0 {
			vals[f.Name] = id
		}
		return nil
	case orm.Many2many, orm.One2many:
		if f.Kind == orm.Many2many && f.Comodel == "ir.attachment" && len(sub.files(input+"~file")) > 0 {
			return nil // read when the record is stored
		}
		ids := toIDs(anyList(t.form[input+"~id"]))
		if add := strings.TrimSpace(t.get(input + "~add")); add != "" || t.get(input+"~pick") != "" {
			what := "?" + add
			if pick := t.get(input + "~pick"); pick != "" {
				what = pick
			}
			id, ok, err := sub.resolve(t, f, input, what, domain)
			if err != nil || !ok {
				return err
			}
			ids = append(ids, id)
			// From now on it is one of the boxes.
			t.form[input+"~id"] = append(t.form[input+"~id"], fmt.Sprint(id))
			t.form.Del(input + "~add")
			t.form.Del(input + "~pick")
		}
		vals[f.Name] = []orm.Command{orm.SetIDs(ids...)}
		return nil
	}
	v, err := sub.loc.parse(f, t.value(f, input))
	if err != nil {
		t.errors[input] = err.Error()
		return nil
	}
	vals[f.Name] = v
	return nil
}

func anyList(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

// resolve finds the record a many2one was given: an id, "new" for one to be
// made, or "?" and a name. A name that fits none or several is an error at the
// field, with the candidates to choose from.
func (sub *submission) resolve(t *typed, f *orm.Field, input, value, domain string) (id int64, ok bool, err error) {
	co, err := sub.env.Lookup(f.Comodel)
	if err != nil {
		return 0, false, err
	}
	name := strings.TrimSpace(t.get(input))
	if f.X2many() {
		name = strings.TrimSpace(t.get(input + "~add"))
	}
	settle := func(id int64, shown string) {
		if f.X2many() {
			return
		}
		t.form.Set(input, shown)
		t.form.Set(input+"~nm", shown)
		t.form.Set(input+"~id", idText(id))
		t.form.Del(input + "~pick")
		sub.names.ask(f.Comodel, id)
	}
	if value == "new" {
		made, err := co.NameCreate(name)
		if oe := asTold(err); oe != nil {
			t.errors[input] = oe.Message
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
		id := toID(value)
		if id != 0 && t.get(input+"~pick") != "" && !f.X2many() {
			sub.names.ask(f.Comodel, id)
			if err := sub.names.load(); err != nil {
				return 0, false, err
			}
			settle(id, sub.names.of(f.Comodel, id))
		}
		return id, true, nil
	}
	var d orm.Domain
	if domain != "" {
		if d, err = sub.domain(domain, sub.vars()); err != nil {
			d = nil // it looks at the record; the constraints of the model decide
		}
	}
	var found []orm.NamedID
	for _, op := range []string{"=", "ilike"} {
		found, err = co.NameSearch(text, d, op, 8)
		if oe := asTold(err); oe != nil {
			t.errors[input] = oe.Message
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
		t.picks[input] = append(t.picks[input], choice{fmt.Sprint(n.ID), n.Name})
	}
	can, err := sub.rights(f.Comodel)
	if err != nil {
		return 0, false, err
	}
	what := "Nothing is called"
	if len(found) > 1 {
		what = "Several are called"
	}
	t.errors[input] = fmt.Sprintf("%s “%s”.", what, shorten(text, 60))
	if len(found) > 0 {
		t.errors[input] += " Choose one."
	}
	if can.Create {
		t.picks[input] = append(t.picks[input], choice{"new", "Create “" + shorten(text, 60) + "”"})
	}
	return 0, false, nil
}

// lineChanges reads the lines of an x2many field as commands.
func (sub *submission) lineChanges(t *typed, f *orm.Field, input string, out *changes) ([]orm.Command, error) {
	rs, err := sub.env.Lookup(f.Comodel)
	if err != nil {
		return nil, err
	}
	co := rs.Model
	var cmds []orm.Command
	byRow := map[string][]string{}
	for k := range t.base {
		if rest, ok := strings.CutPrefix(k, input+"."); ok {
			if key, name, ok := strings.Cut(rest, "."); ok && !strings.Contains(name, ".") {
				byRow[key] = append(byRow[key], name)
			}
		}
	}
	for _, key := range t.form[input+"~rows"] {
		prefix := input + "." + key
		id := toID(key)
		out.rows[f.Name] = append(out.rows[f.Name], key)
		if t.get(prefix+"~del") != "" {
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
		before := len(t.errors)
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
		case id == 0 && (len(vals) > 0 || len(t.errors) > before || t.get(prefix+"~kept") != ""):
			full := orm.Values{}
			for k, v := range t.extra[prefix] {
				full[k] = v
			}
			for k, v := range vals {
				full[k] = v
			}
			cmds = append(cmds, orm.CreateLine(full))
			out.lines[f.Name] = append(out.lines[f.Name], key)
		}
	}
	if add := strings.TrimSpace(t.get(input + "~add")); add != "" || t.get(input+"~add~pick") != "" {
		id, ok, err := sub.resolve(t, &orm.Field{Name: f.Name, Kind: orm.Many2one, Comodel: f.Comodel}, input+"~add", t.value(&orm.Field{Kind: orm.Many2one}, input+"~add"), "")
		if err != nil {
			return nil, err
		}
		if ok && id != 0 {
			cmds = append(cmds, orm.Link(id))
		}
	}
	return cmds, nil
}

// files are the uploads of an input.
func (sub *submission) files(input string) []*multipart.FileHeader {
	if sub.Request.MultipartForm == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(sub.Request.MultipartForm.File[input]), func(h *multipart.FileHeader) bool { return h.Size == 0 })
}

func readUpload(h *multipart.FileHeader) ([]byte, error) {
	r, err := h.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func (sub *submission) changeFile(t *typed, f *orm.Field, input string, vals orm.Values) error {
	if t.get(input+"~clear") != "" {
		vals[f.Name] = false
		return nil
	}
	up := sub.files(input + "~file")
	if len(up) == 0 {
		return nil
	}
	content, err := readUpload(up[0])
	if err != nil {
		return err
	}
	if f.Image {
		if kind := http.DetectContentType(content); !slices.Contains([]string{"image/png", "image/jpeg", "image/gif", "image/webp"}, kind) {
			t.errors[input] = "This file is no picture a browser can show: PNG, JPEG, GIF or WebP."
			return nil
		}
	}
	vals[f.Name] = content
	return nil
}
