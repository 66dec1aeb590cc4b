package render

import (
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/view"
	"fusionsoft.ca/fusion/framework/web/convert"
)

// Rights are what the user may do with a model at all.
type Rights struct{ Read, Write, Create, Unlink bool }

// Field is a field as the user may use it.
type Field struct {
	*orm.Field
	ReadonlyForUser bool
}

// Record is one record with what a view shows of it.
type Record struct {
	Model    *orm.Model
	ID       int64  // 0: not stored
	Key      string // how a line is named in its form
	Values   orm.Values
	Lists    map[string]*Lines
	Files    map[string]FileFact
	Extra    map[string]any // a new line: values that are stored with it
	Kept     bool           // a new line that is stored even when nothing was typed
	Computed bool           // a line that follows from others: shown, not edited
}

// Lines are the records of an x2many field that a list inside a form shows.
type Lines struct {
	Field  *orm.Field
	View   *view.View // the list inside the form
	Rows   []*Record
	Total  int
	Denied bool // the user may not read them
}

// FileFact is what is known of a file without reading it.
type FileFact struct {
	Size int64
	Name string
}

// MaxLines is how many lines of an x2many field a form shows.
const MaxLines = 200

// Scope are the variables of a record's expressions.
func (r *Record) Scope(base map[string]any, parent map[string]any) map[string]any {
	out := make(map[string]any, len(base)+len(r.Values)+2)
	for k, v := range base {
		out[k] = v
	}
	for name, v := range r.Values {
		if f := r.Model.Fields[name]; f != nil {
			out[name] = convert.Field(f, v)
		}
	}
	out["id"] = r.ID
	if r.ID == 0 {
		out["id"] = false
	}
	if parent != nil {
		out["parent"] = parent
	}
	return out
}

// currency is the currency of an amount of the record.
func (r *Record) currency(f *orm.Field) int64 {
	if f.Kind != orm.Monetary {
		return 0
	}
	return convert.ID(r.Values[f.Currency])
}
