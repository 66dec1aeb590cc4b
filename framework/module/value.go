package module

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"fusionsoft.ca/fusion/framework/expr"
	"fusionsoft.ca/fusion/framework/importexport"
	"fusionsoft.ca/fusion/framework/orm"
)

// values evaluates the fields of a record. Values in another language than
// the source's come apart, by language.
func (l *loader) values(r *record, m *orm.Model) (vals orm.Values, langs map[string]orm.Values, err error) {
	vals = make(orm.Values, len(r.fields))
	for _, v := range r.fields {
		at := r.sub(v.line)
		f, err := fieldOf(at, m, v.name)
		if err != nil {
			return nil, nil, err
		}
		x, set, err := l.value(at, r, m, f, v)
		if err != nil {
			return nil, nil, err
		}
		if !set {
			continue
		}
		if byCategory(m, v.name, f) {
			category, _ := x.(int64)
			if x, err = l.privilegeOf(at, f.Comodel, category); err != nil {
				return nil, nil, err
			}
		}
		if v.lang != "" && v.lang != orm.DefaultLang {
			if langs == nil {
				langs = map[string]orm.Values{}
			}
			if langs[v.lang] == nil {
				langs[v.lang] = orm.Values{}
			}
			langs[v.lang][f.Name] = x
			continue
		}
		vals[f.Name] = x
	}
	if f := m.Fields["sequence"]; r.number != nil && f != nil {
		if _, given := vals["sequence"]; !given {
			*r.number += 10
			vals["sequence"] = int64(*r.number)
		}
	}
	return vals, langs, nil
}

// fieldOf finds a field by the name a data file uses.
func fieldOf(at place, m *orm.Model, name string) (*orm.Field, error) {
	if name == groupsField {
		for _, n := range []string{"group_ids", "groups_id"} {
			if f := m.Fields[n]; f != nil {
				return f, nil
			}
		}
		return nil, at.errorf("%s has no field group_ids, so groups= cannot be stored", m.Name)
	}
	if f := m.Fields[name]; f != nil {
		return f, nil
	}
	// Odoo 19 renamed fields that lead to groups and users, and put privileges
	// between groups and applications; files of either version are read.
	if f := m.Fields["privilege_id"]; f != nil && byCategory(m, name, f) {
		return f, nil
	}
	for old, fresh := range map[string]string{"groups_id": "group_ids", "users": "user_ids"} {
		if f := m.Fields[fresh]; name == old && f != nil && isOf(f, old) {
			return f, nil
		}
		if f := m.Fields[old]; name == fresh && f != nil && isOf(f, old) {
			return f, nil
		}
	}
	return nil, at.errorf("%s has no field %q%s", m.Name, name, expr.DidYouMean(name, m.FieldNames()))
}

// byCategory reports whether a field of a file puts a group directly below an
// application, as files of before Odoo 19 do.
func byCategory(m *orm.Model, name string, f *orm.Field) bool {
	return m.Name == m.Registry().PolicyModels().Groups && name == "category_id" && f.Name == "privilege_id"
}

// privilegeOf is the privilege of an application; one of the loaded addon is made
// for an application that has none.
func (l *loader) privilegeOf(at place, privileges string, category int64) (any, error) {
	if category == 0 {
		return nil, nil
	}
	if err := l.flush(); err != nil {
		return nil, err
	}
	found, err := l.env.Model(privileges).Search(orm.Leaf("category_id", "=", category), orm.SearchOptions{Limit: 1})
	if err != nil || found.Len() > 0 {
		return found.ID(), err
	}
	names, err := l.env.Model("ir.module.category").Browse(category).DisplayNames()
	if err != nil {
		return nil, err
	}
	made, err := l.env.Model(privileges).Create(orm.Values{"name": names[category], "category_id": category})
	if err != nil {
		return nil, at.errorf("%w", err)
	}
	l.ids.add(fmt.Sprintf("%s.privilege_of_category_%d", l.addon, category), privileges, made.ID(), false)
	return made.ID(), nil
}

// isOf says whether a field leads to the groups or users its old name says.
func isOf(f *orm.Field, old string) bool {
	models := f.Model.Registry().PolicyModels()
	return old == "groups_id" && f.Comodel == models.Groups || old == "users" && f.Comodel == models.Users
}

// value is one field's value; set is false when the field is to be left alone.
func (l *loader) value(at place, r *record, m *orm.Model, f *orm.Field, v fieldValue) (x any, set bool, err error) {
	switch v.kind {
	case asText:
		x, err = l.text(at, f, v)
	case asMarkup:
		if x, err = l.markup(at, strings.TrimSpace(v.text)); err != nil {
			return nil, false, err
		}
		if f.Name == "arch" || f.Name == "arch_db" || f.Name == "arch_base" {
			x = `<?xml version="1.0"?>` + "\n" + x.(string)
		}
	case asEval:
		if x, err = l.eval(at, v.text, m); err == nil {
			x = wire(x)
		}
	case asRef:
		x, err = l.ref(at, f, v.text)
	case asRefs:
		x, err = l.refs(at, f, v.text)
	case asSearch:
		x, err = l.search(at, f, v)
	case asFile:
		x, err = l.fileValue(at, f, v)
	case asPath:
		x, err = l.filePath(at, v.text)
	case asItems:
		x, err = l.itemList(v.items, m)
	case asActionRef:
		var a *extID
		if a, err = l.resolve(at, v.text); err == nil {
			x = fmt.Sprintf("%s,%d", a.model, a.resID)
		}
	case asActionTag:
		var a *extID
		if a, err = l.resolve(at, v.text); err == nil {
			if x, err = l.env.Model(a.model).Browse(a.resID).Value("name"); err != nil {
				err = at.errorf("the name of action %s: %w", v.text, err)
			}
		}
	case asCSV:
		return l.csvCell(at, f, v.text)
	case asDBIDs:
		x, err = dbIDs(at, f, v.text)
	case asLines:
		x, err = l.lines(at, f, v)
	}
	return x, err == nil, err
}

// markupRef is how XML names the database id of a record: %(external_id)d. A
// percent sign is written twice where it could be mistaken.
var markupRef = regexp.MustCompile(`%%|%\(\s*([\w.]+)\s*\)[ds]`)

// markup puts database ids where XML names records.
func (l *loader) markup(at place, src string) (string, error) {
	var failed error
	out := markupRef.ReplaceAllStringFunc(src, func(s string) string {
		if s == "%%" {
			return "%"
		}
		x, err := l.resolve(at, qualify(markupRef.FindStringSubmatch(s)[1], at.addon))
		if err != nil {
			failed = errors.Join(failed, err)
			return s
		}
		return strconv.FormatInt(x.resID, 10)
	})
	return out, failed
}

// text reads the plain text of a field. Surrounding space is kept only where
// it can matter.
func (l *loader) text(at place, f *orm.Field, v fieldValue) (any, error) {
	trimmed := strings.TrimSpace(v.text)
	switch v.typ {
	case "", "char":
	default:
		return l.typed(at, f.Name, v.typ, v.text)
	}
	switch {
	case f.Kind == orm.Char || f.Kind == orm.Text || f.Kind == orm.HTML || f.Kind == orm.SecretKind:
		return v.text, nil
	case f.Kind == orm.Boolean:
		b, err := truthOf(trimmed)
		if err != nil {
			return nil, at.errorf("field %s: %w", f.Name, err)
		}
		return b, nil
	case trimmed == "" || f.Kind != orm.Selection && (trimmed == "False" || trimmed == "None"):
		return nil, nil
	case f.Kind == orm.Integer: // what models look at on the way is a number, as in Odoo
		if n, err := strconv.ParseInt(trimmed, 10, 64); err == nil {
			return n, nil
		}
	case f.X2many():
		return nil, at.errorf("field %s is a %s; write eval=\"[(4, ref('…'))]\"", f.Name, f.Kind)
	case f.Kind == orm.Many2one:
		n, err := strconv.ParseInt(trimmed, 10, 64)
		if err != nil {
			return nil, at.errorf("field %s is a many2one; write ref=\"%s\"", f.Name, trimmed)
		}
		return n, nil
	}
	return trimmed, nil
}

// typed reads a plain text by its type=.
func (l *loader) typed(at place, name, typ, text string) (any, error) {
	trimmed := strings.TrimSpace(text)
	switch typ {
	case "int":
		if trimmed == "" || trimmed == "None" {
			return nil, nil
		}
		n, err := strconv.ParseInt(trimmed, 10, 64)
		if err != nil {
			return nil, at.errorf("field %s: %q is no whole number", name, trimmed)
		}
		return n, nil
	case "float":
		if _, err := strconv.ParseFloat(trimmed, 64); err != nil {
			return nil, at.errorf("field %s: %q is no number", name, trimmed)
		}
		return trimmed, nil // the field reads the digits, exactly
	case "list", "tuple":
		if trimmed == "" {
			return []any{}, nil
		}
		v, err := l.eval(at, trimmed, nil)
		return wire(v), err
	case "base64":
		return base64.StdEncoding.EncodeToString([]byte(text)), nil
	case "file":
		return l.filePath(at, text)
	}
	return text, nil
}

// itemList is the list of <value> elements.
func (l *loader) itemList(items []callArg, m *orm.Model) (any, error) {
	list := make([]any, len(items))
	for i, a := range items {
		v, err := l.arg(a, m)
		if err != nil {
			return nil, err
		}
		list[i] = wire(v)
	}
	return list, nil
}

func truthOf(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "1", "true", "t", "yes", "y", "on":
		return true, nil
	case "", "0", "false", "f", "no", "n", "off", "none":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", s)
}

// ref is the value of ref=: an id, or "model,id" for a reference field.
func (l *loader) ref(at place, f *orm.Field, full string) (any, error) {
	if full == "" {
		return nil, nil
	}
	x, err := l.resolve(at, full)
	if err != nil {
		return nil, err
	}
	if err := fits(at, f, x.full(), x.model); err != nil {
		return nil, err
	}
	switch {
	case f.Kind == orm.Reference:
		return fmt.Sprintf("%s,%d", x.model, x.resID), nil
	case f.X2many():
		return []orm.Command{orm.Link(x.resID)}, nil
	}
	return x.resID, nil
}

// fits refuses a reference to a record of another model than the field's.
func fits(at place, f *orm.Field, full, model string) error {
	if model == "ir.module.category" && byCategory(f.Model, "category_id", f) {
		return nil // the application of a group, see privilegeOf
	}
	if f.Relational() && f.Comodel != model {
		return at.errorf("field %s points at %s, but %s is a %s", f.Name, f.Comodel, full, model)
	}
	if !f.Relational() {
		switch f.Kind {
		case orm.Integer, orm.Many2oneRef, orm.Reference:
		default:
			return at.errorf("field %s is a %s and cannot hold ref=%q", f.Name, f.Kind, full)
		}
	}
	return nil
}

// refs reads external ids separated by commas: the value of a many2one or of
// an x2many. In groups= an id may be preceded by "-" to take the group away.
func (l *loader) refs(at place, f *orm.Field, text string) (any, error) {
	var cmds []orm.Command
	var ids []int64
	for _, part := range strings.Split(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		part, minus := strings.CutPrefix(part, "-")
		full := qualify(part, at.addon)
		x, err := l.resolve(at, full)
		if err != nil {
			return nil, err
		}
		if err := fits(at, f, full, x.model); err != nil {
			return nil, err
		}
		if minus {
			cmds = append(cmds, orm.Unlink(x.resID))
			continue
		}
		cmds = append(cmds, orm.Link(x.resID))
		ids = append(ids, x.resID)
	}
	if f.X2many() {
		if path.Ext(at.file) == ".csv" {
			return []orm.Command{orm.SetIDs(ids...)}, nil
		}
		return cmds, nil
	}
	switch len(ids) {
	case 0:
		return nil, nil
	case 1:
		return ids[0], nil
	}
	return nil, at.errorf("field %s takes one record, not %d", f.Name, len(ids))
}

// search is the value of search=: what a domain finds on the field's comodel.
func (l *loader) search(at place, f *orm.Field, v fieldValue) (any, error) {
	name := v.model
	if name == "" {
		name = f.Comodel
	}
	if name == "" {
		return nil, at.errorf("field %s is a %s; search= needs model=", f.Name, f.Kind)
	}
	m, err := l.model(at, name)
	if err != nil {
		return nil, err
	}
	if err := l.flush(); err != nil {
		return nil, err
	}
	dom, err := l.domain(at, v.text)
	if err != nil {
		return nil, err
	}
	rs, err := l.env.Model(m.Name).Search(dom, orm.SearchOptions{})
	if err != nil {
		return nil, at.errorf("search=%q: %w", v.text, err)
	}
	use := v.use
	if use == "" || use == "id" {
		if f.Kind == orm.Many2many || f.Kind == orm.One2many {
			return []orm.Command{orm.SetIDs(rs.IDs...)}, nil
		}
		if rs.Len() == 0 {
			return nil, nil
		}
		return rs.IDs[0], nil
	}
	if m.Fields[use] == nil {
		return nil, at.errorf("use=%q: %s has no such field%s", use, m.Name, expr.DidYouMean(use, m.FieldNames()))
	}
	return rs.Value(use)
}

func (l *loader) domain(at place, src string) (orm.Domain, error) {
	d, err := l.cache.Domain(src, l.recordVars(at, nil))
	if err != nil {
		return nil, at.errorf("search=: %w", err)
	}
	return orm.Domain(d), nil
}

// fileValue is the value of file=: the content, in base64 when type= says so or
// the field holds files.
func (l *loader) fileValue(at place, f *orm.Field, v fieldValue) (any, error) {
	b, _, err := findFile(l.file.fsys, at, v.text)
	if err != nil {
		return nil, err
	}
	if v.typ == "base64" || f != nil && f.Kind == orm.BinaryKind {
		return base64.StdEncoding.EncodeToString(b), nil
	}
	if !utf8.Valid(b) {
		return nil, at.errorf("file %q is not text in UTF-8; add type=\"base64\"", v.text)
	}
	if f == nil {
		return l.typed(at, "(value)", v.typ, string(b))
	}
	v.text = string(b)
	return l.text(at, f, v)
}

// filePath is the value of type="file": the addon and the path of a file.
func (l *loader) filePath(at place, name string) (any, error) {
	_, own, err := findFile(l.file.fsys, at, name)
	return at.addon + "," + own, err
}

// findFile reads a file named from the top of the addons ("sale/static/x") or
// from the addon itself. The addon begins in a folder above the data file,
// which is the top of fsys unless files are loaded from outside of addons.
func findFile(fsys fs.FS, at place, name string) (content []byte, own string, err error) {
	name = path.Clean(strings.TrimSpace(name))
	own = strings.TrimPrefix(name, at.addon+"/")
	dirs := []string{"."}
	for dir := path.Dir(at.file); dir != "." && dir != "/"; dir = path.Dir(dir) {
		dirs = append(dirs, dir)
	}
	for _, dir := range dirs {
		b, err := fs.ReadFile(fsys, path.Join(dir, own))
		if err == nil {
			return b, own, nil
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid) {
			return nil, own, at.errorf("file %q: %w", name, err)
		}
	}
	return nil, own, at.errorf("file %q does not exist in the addon", name)
}

// csvCell reads a cell by the type of its field; an empty one clears it.
func (l *loader) csvCell(at place, f *orm.Field, text string) (x any, set bool, err error) {
	if l.quoted {
		text = importexport.FromCell(text)
	}
	trimmed := strings.TrimSpace(text)
	switch {
	case text == "" && f.Kind == orm.One2many:
		return nil, false, nil
	case f.Kind == orm.Boolean:
		b, err := truthOf(trimmed)
		if err != nil {
			return nil, false, at.errorf("column %s: %w", f.Name, err)
		}
		return b, true, nil
	case trimmed == "":
		return nil, true, nil
	case f.Kind == orm.Selection:
		options, err := l.env.Options(f)
		if err != nil {
			return nil, false, err
		}
		i := slices.IndexFunc(options, func(o orm.Option) bool { return o.Value == trimmed || o.Label == trimmed })
		if i < 0 {
			return nil, false, badOption(at, f, options, trimmed)
		}
		return options[i].Value, true, nil
	case f.Kind == orm.Many2one:
		id, err := l.byName(at, f.Comodel, trimmed)
		return id, err == nil, err
	case f.X2many():
		var ids []int64
		for _, n := range strings.Split(trimmed, ",") {
			id, err := l.byName(at, f.Comodel, strings.TrimSpace(n))
			if err != nil {
				return nil, false, err
			}
			ids = append(ids, id)
		}
		return []orm.Command{orm.SetIDs(ids...)}, true, nil
	case f.Textual():
		return text, true, nil
	case f.Kind == orm.Integer:
		if n, err := strconv.ParseInt(trimmed, 10, 64); err == nil {
			return n, true, nil
		}
	}
	return trimmed, true, nil
}

func badOption(at place, f *orm.Field, options []orm.Option, value string) error {
	var values []string
	for _, o := range options {
		values = append(values, o.Value)
	}
	return at.errorf("%q is no value of %s.%s (%s)%s", value, f.Model.Name, f.Name, strings.Join(values, ", "), expr.DidYouMean(value, values))
}

// byName finds a record by its name; there must be exactly one.
func (l *loader) byName(at place, model, name string) (int64, error) {
	key := nameKey{model, name}
	if id := l.names[key]; id != 0 {
		return id, nil
	}
	if err := l.flush(); err != nil {
		return 0, err
	}
	rs := l.env.Model(model)
	if rs.Model.RecName == "" {
		return 0, at.errorf("records of %s have no name to be found by; use the column …/id", model)
	}
	found, err := rs.Search(orm.Leaf(rs.Model.RecName, "=", name), orm.SearchOptions{Limit: 2})
	if err != nil {
		return 0, at.errorf("looking for %s %q: %w", model, name, err)
	}
	switch found.Len() {
	case 0:
		return 0, at.errorf("there is no %s named %q", model, name)
	case 1:
		l.names[key] = found.ID()
		return found.ID(), nil
	}
	return 0, at.errorf("several records of %s are named %q; use the column …/id", model, name)
}

func dbIDs(at place, f *orm.Field, text string) (any, error) {
	var ids []int64
	for _, part := range strings.Split(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		id, err := strconv.ParseInt(part, 10, 64)
		if err != nil {
			return nil, at.errorf("column %s/.id: %q is no database id", f.Name, part)
		}
		ids = append(ids, id)
	}
	switch {
	case f.X2many():
		return []orm.Command{orm.SetIDs(ids...)}, nil
	case len(ids) == 0:
		return nil, nil
	case len(ids) > 1 || f.Kind != orm.Many2one:
		return nil, at.errorf("column %s/.id does not fit a %s", f.Name, f.Kind)
	}
	return ids[0], nil
}

// lines makes the create commands of the rows below a one2many.
func (l *loader) lines(at place, f *orm.Field, v fieldValue) (any, error) {
	if !f.X2many() {
		return nil, at.errorf("column %s/… needs a one2many; %s is a %s", f.Name, f.Name, f.Kind)
	}
	co, err := l.model(at, f.Comodel)
	if err != nil {
		return nil, err
	}
	cmds := make([]orm.Command, 0, len(v.lines))
	for _, line := range v.lines {
		vals := orm.Values{}
		for _, c := range line {
			at := at
			at.line = c.line
			if strings.Contains(c.name, "/") {
				return nil, at.errorf("column %s/%s goes too deep; one level of lines can be loaded", f.Name, c.name)
			}
			cf, err := fieldOf(at, co, c.name)
			if err != nil {
				return nil, err
			}
			x, set, err := l.value(at, nil, co, cf, c)
			if err != nil {
				return nil, err
			}
			if set {
				vals[cf.Name] = x
			}
		}
		cmds = append(cmds, orm.CreateLine(vals))
	}
	if l.mode == Update {
		return nil, nil // lines have no external ids: they are created with the record
	}
	return cmds, nil
}
