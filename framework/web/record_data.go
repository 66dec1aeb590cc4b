package web

import (
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

func splitRef(s string) (model string, id int64) {
	for i := range s {
		if s[i] == ',' {
			return s[:i], toID(s[i+1:])
		}
	}
	return "", 0
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
