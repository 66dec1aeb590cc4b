package importexport

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"fusionsoft.ca/fusion/framework/expr"
	"fusionsoft.ca/fusion/framework/orm"
)

// Loaded is what an import did: the records in the order of their rows, or,
// when one of them could not be stored, none and why.
type Loaded struct {
	IDs      []int64
	Messages []LoadMessage
}

// LoadMessage is a remark on a record of an import.
type LoadMessage struct {
	Type    string // "error" or "warning"
	Message string
	Record  int // counted from 0
	From    int // rows of the record, counted from 0, both included
	To      int
	Field   string // "" when it is about the whole record
}

// loadColumn is a column of the import as seen from some model: the rest of its
// path and its place in the rows.
type loadColumn struct {
	path []string
	at   int
}

// loadItem is one record of the import.
type loadItem struct {
	from, to int
	extID    string
	id       int64
	vals     orm.Values
}

// Load creates or updates records from rows of texts, as a spreadsheet holds
// them. Columns are paths: a field, "field/id" for an external id, "field/.id"
// for a database id, "lines/field" for records of a list. A record whose column
// "id" names a known external id, or whose ".id" is given, is updated. Rows
// without any value of the record's own belong to the lists of the one above.
// Either everything is stored or nothing.
func Load(rs orm.Records, columns []string, rows [][]any) (*Loaded, error) {
	if err := rs.Browse().CheckAccess(orm.OpCreate); err != nil {
		return nil, err
	}
	if err := orm.CheckCells(len(rows), len(columns)); err != nil {
		return nil, err
	}
	ld := &loader{env: rs.Env, out: &Loaded{IDs: []int64{}}, unread: map[int]bool{}}
	var cols []loadColumn
	for i, c := range columns {
		c = strings.ReplaceAll(strings.ReplaceAll(c, ".id", "/.id"), ":id", "/id")
		c = strings.TrimPrefix(strings.ReplaceAll(c, "//", "/"), "/")
		if c != "" {
			cols = append(cols, loadColumn{strings.Split(c, "/"), i})
		}
	}
	undo := errors.New("import with errors")
	err := rs.Env.Savepoint(func(env *orm.Env) error {
		items := ld.extract(rs.Model, cols, rows, 0, len(rows))
		for at := 0; at < len(items); {
			n, err := ld.store(rs, items, at)
			if err != nil {
				return err
			}
			at += n
		}
		if len(ld.unread) > 0 {
			return undo
		}
		return nil
	})
	if errors.Is(err, undo) {
		ld.out.IDs, err = nil, nil
	}
	return ld.out, err
}

type loader struct {
	env    *orm.Env
	out    *Loaded
	record int
	span   [2]int
	quiet  int          // depth of nested records, whose messages count for the outer one
	unread map[int]bool // records with a value that cannot be read
}

func (l *loader) say(kind, field, format string, args ...any) {
	if kind == "error" {
		l.unread[l.record] = true
	}
	l.out.Messages = append(l.out.Messages, LoadMessage{kind, fmt.Sprintf(format, args...), l.record, l.span[0], l.span[1], field})
}

func text(v any) string {
	if v == nil || v == false {
		return ""
	}
	return FromCell(expr.Str(v))
}

// extract cuts rows from..to into records of a model and reads their values.
func (l *loader) extract(m *orm.Model, cols []loadColumn, rows [][]any, from, to int) []loadItem {
	var own []loadColumn // columns that only a record's first row fills
	lists := map[string][]loadColumn{}
	var order []string
	for _, c := range cols {
		name := c.path[0]
		f := m.Fields[name]
		if f != nil && f.Kind == orm.One2many && len(c.path) > 1 {
			if lists[name] == nil {
				order = append(order, name)
			}
			lists[name] = append(lists[name], loadColumn{c.path[1:], c.at})
			continue
		}
		own = append(own, c)
	}
	cell := func(row, at int) any {
		if at < len(rows[row]) {
			return rows[row][at]
		}
		return nil
	}
	var items []loadItem
	for row := from; row < to; {
		end := row + 1
		for len(order) > 0 && end < to && !slices.ContainsFunc(own, func(c loadColumn) bool { return text(cell(end, c.at)) != "" }) {
			end++
		}
		if l.quiet == 0 {
			l.record, l.span = len(items), [2]int{row, end - 1}
		}
		item := loadItem{from: row, to: end - 1, vals: orm.Values{}}
		for _, c := range own {
			l.read(m, c, cell(row, c.at), &item)
		}
		for _, name := range order {
			l.quiet++
			lines := l.extract(m.Fields[name].ComodelOf(), lists[name], rows, row, end)
			l.quiet--
			var cmds []orm.Command
			for _, line := range lines {
				if line.id == 0 && len(line.vals) == 0 {
					continue
				}
				if line.id != 0 {
					cmds = append(cmds, orm.UpdateLine(line.id, line.vals))
				} else {
					cmds = append(cmds, orm.CreateLine(line.vals))
				}
			}
			item.vals[name] = cmds
		}
		items = append(items, item)
		row = end
	}
	if l.quiet > 0 {
		items = slices.DeleteFunc(items, func(i loadItem) bool { return i.id == 0 && !filled(i.vals) })
	}
	return items
}

func filled(vals orm.Values) bool {
	for name, v := range vals {
		if cmds, list := v.([]orm.Command); list && len(cmds) > 0 || !list && vals.IsSet(name) {
			return true
		}
	}
	return false
}

// read converts one cell.
func (l *loader) read(m *orm.Model, c loadColumn, raw any, item *loadItem) {
	name, sub := c.path[0], ""
	if len(c.path) > 1 {
		sub = c.path[1]
	}
	value := strings.TrimSpace(text(raw))
	switch name {
	case "id":
		item.extID = value
		return
	case ".id":
		if value == "" {
			return
		}
		id, err := toIDText(value)
		if err != nil {
			l.say("error", ".id", "%q is no database id", value)
		}
		item.id = id
		return
	}
	f := m.Fields[name]
	if f == nil || len(c.path) > 2 {
		l.say("error", name, "Invalid field '%s' on model '%s'%s", strings.Join(c.path, "/"), m.Name, expr.DidYouMean(name, m.FieldNames()))
		return
	}
	if value == "" {
		item.vals[name] = false
		return
	}
	var v any
	var err error
	switch {
	case f.Kind == orm.Many2one:
		v, err = l.ref(f, sub, value)
	case f.Kind == orm.Many2many:
		var ids []int64
		for _, part := range strings.Split(value, ",") {
			id, e := l.ref(f, sub, strings.TrimSpace(part))
			if e != nil {
				err = e
				break
			}
			ids = append(ids, id)
		}
		v = []orm.Command{orm.SetIDs(ids...)}
	case sub != "":
		err = fmt.Errorf("%s is no relation", f.Label)
	case f.Kind == orm.Many2oneRef || f.Kind == orm.Reference:
		v = value
	default:
		v, err = l.scalar(f, raw, value)
	}
	if err != nil {
		l.say("error", name, "%s", err)
		return
	}
	item.vals[name] = v
}

func toIDText(s string) (int64, error) {
	var id int64
	var rest string
	if n, _ := fmt.Sscanf(s+" ", "%d%s", &id, &rest); n != 1 || id <= 0 {
		return 0, fmt.Errorf("%q is no id", s)
	}
	return id, nil
}

func (l *loader) scalar(f *orm.Field, raw any, value string) (any, error) {
	switch f.Kind {
	case orm.Boolean:
		if b, ok := raw.(bool); ok {
			return b, nil
		}
		switch strings.ToLower(value) {
		case "1", "true", "yes", "t", "y":
			return true, nil
		case "0", "false", "no", "f", "n":
			return false, nil
		}
		l.say("warning", f.Name, "Unknown value '%s' for boolean field '%s'", value, f.Label)
		return true, nil
	case orm.Selection:
		opts, err := l.env.Options(f)
		if err != nil {
			return nil, err
		}
		for _, o := range opts {
			if o.Value == value || strings.EqualFold(o.Label, value) {
				return o.Value, nil
			}
		}
		return nil, orm.ValueErrorf("Value '%s' not found in selection field '%s'", value, f.Label)
	case orm.DatetimeKind:
		v, err := f.Parse(value)
		at, ok := v.(orm.Datetime)
		if err != nil || !ok {
			return nil, fmt.Errorf("'%s' does not seem to be a valid datetime for field '%s'", value, f.Label)
		}
		return inZone(at.Time(), l.env.Location()), nil
	case orm.DateKind:
		if _, err := orm.ParseDate(value); err != nil {
			return nil, fmt.Errorf("'%s' does not seem to be a valid date for field '%s'", value, f.Label)
		}
	case orm.Integer:
		if _, err := f.Parse(value); err != nil {
			return nil, fmt.Errorf("'%s' does not seem to be an integer for field '%s'", value, f.Label)
		}
	case orm.Float, orm.Monetary:
		if _, err := f.Parse(value); err != nil {
			return nil, fmt.Errorf("'%s' does not seem to be a number for field '%s'", value, f.Label)
		}
	case orm.Char, orm.Text, orm.HTML:
		return text(raw), nil
	}
	return value, nil
}

// inZone is the instant at which clocks of a zone show what t shows.
func inZone(t time.Time, zone *time.Location) orm.Datetime {
	return orm.DatetimeOf(time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, zone))
}

// ref finds the record a cell names: by database id, external id or name.
func (l *loader) ref(f *orm.Field, sub, value string) (int64, error) {
	co := l.env.WithContext(map[string]any{"active_test": false}).Model(f.Comodel)
	nothing := func(what string) error {
		return orm.ValueErrorf("No matching record found for %s '%s' in field '%s'", what, value, f.Label)
	}
	switch sub {
	case ".id":
		id, err := toIDText(value)
		if err != nil {
			return 0, orm.ValueErrorf("Invalid database id '%s' for the field '%s'", value, f.Label)
		}
		there, err := co.Browse(id).Exists()
		if err != nil || there.Len() == 0 {
			return 0, errors.Join(err, nothing("database id"))
		}
		return id, nil
	case "id":
		found, ok, err := l.env.FindRef(fullExtID(l.env, value))
		if err != nil {
			return 0, err
		}
		if !ok || found.Model != co.Model {
			return 0, nothing("external id")
		}
		return found.ID(), nil
	case "", "name", "display_name":
		found, err := co.In(l.env).NameSearch(value, nil, "=", 2)
		if err != nil {
			return 0, err
		}
		if len(found) == 0 {
			return 0, nothing("name")
		}
		if len(found) > 1 {
			l.say("warning", f.Name, "Found multiple matches for value '%s' in field '%s'", value, f.Label)
		}
		return found[0].ID, nil
	}
	return 0, orm.ValueErrorf("Can not create %s records indirectly, import them separately", f.Label)
}

// importSpaces are the namespaces in which imports name records; no addon is
// called like them.
var importSpaces = []string{"__import__", "__export__"}

// fullExtID completes an external id without module.
func fullExtID(env *orm.Env, name string) string {
	if strings.Contains(name, ".") {
		return name
	}
	module, _ := env.Key("_import_current_module").(string)
	if module == "" {
		module = "__import__"
	}
	return module + "." + name
}

const loadBatch = 200

// store writes the item at a place, or creates it together with those after it
// that are new as well, and returns how many it has dealt with.
func (l *loader) store(rs orm.Records, items []loadItem, at int) (int, error) {
	n := 0
	for n < loadBatch && at+n < len(items) {
		item := &items[at+n]
		known, err := l.known(rs, item)
		if err != nil {
			return 0, err
		}
		if known {
			break
		}
		n++
	}
	if n == 0 {
		item := items[at]
		l.one(item, at, func(env *orm.Env) error { return rs.In(env).Browse(item.id).Write(item.vals) })
		l.out.IDs = append(l.out.IDs, item.id)
		return 1, nil
	}
	batch := items[at : at+n]
	vals := make([]orm.Values, n)
	for i := range batch {
		vals[i] = batch[i].vals
	}
	var ids []int64
	create := func(vals ...orm.Values) func(env *orm.Env) error {
		return func(env *orm.Env) error {
			made, err := rs.In(env).Create(vals...)
			ids = append(ids, made.IDs...)
			return err
		}
	}
	if len(l.unread) > 0 || l.env.Savepoint(create(vals...)) != nil {
		ids = nil
		for i := range batch { // find out which of them it is
			before := len(ids)
			l.one(batch[i], at+i, create(vals[i]))
			ids = append(ids[:before], append(ids[before:], 0)[0])
		}
	}
	for i, item := range batch {
		l.out.IDs = append(l.out.IDs, ids[i])
		if item.extID != "" && ids[i] != 0 {
			if err := l.name(rs.Model, item.extID, ids[i]); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}

// one stores one item; its failure is a message.
func (l *loader) one(item loadItem, record int, do func(*orm.Env) error) {
	l.record, l.span = record, [2]int{item.from, item.to}
	if l.unread[record] {
		return // its values could not be read
	}
	err := l.env.Savepoint(do)
	if err == nil {
		return
	}
	message, field := "The record cannot be stored.", ""
	if oe, ok := errors.AsType[*orm.Error](err); ok {
		message = oe.Message
		if len(oe.Fields) > 0 {
			field = oe.Fields[0]
		}
	} else {
		l.env.Log().Error("import of a record failed", "error", err.Error())
	}
	l.say("error", field, "%s", message)
}

// known finds the record an item stands for, if there is one already.
func (l *loader) known(rs orm.Records, item *loadItem) (bool, error) {
	if item.id != 0 || item.extID == "" {
		return item.id != 0, nil
	}
	full := fullExtID(l.env, item.extID)
	found, ok, err := l.env.FindRef(full)
	if err != nil {
		return false, err
	}
	if !ok {
		if module, _, _ := strings.Cut(full, "."); !l.env.Superuser() && !slices.Contains(importSpaces, module) {
			return false, orm.UserErrorf("There is no record with the external id %s, and an import cannot give that name: names in front of the dot belong to the apps. Leave out what is in front of the dot, or write __import__ there.", item.extID)
		}
		return false, nil
	}
	if found.Model != rs.Model {
		return false, orm.UserErrorf("The external id %s is of %s, not of %s.", item.extID, found.Model.Name, rs.Model.Name)
	}
	item.id = found.ID()
	return true, nil
}

// name gives a record its external id.
func (l *loader) name(m *orm.Model, extID string, id int64) error {
	module, name, _ := strings.Cut(fullExtID(l.env, extID), ".")
	_, err := l.env.Sudo().Model("ir.model.data").Create(orm.Values{"module": module, "name": name, "model": m.Name, "res_id": id, "noupdate": false})
	return err
}
