package web

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"fusionsoft.ca/fusion/framework/orm"

	"github.com/shopspring/decimal"
)

func str(v any) string {
	s, _ := v.(string)
	return s
}

// toID reads a record id from a value, a text or [id, name]; 0 is none.
func toID(v any) int64 {
	switch x := v.(type) {
	case int64:
		return x
	case int:
		return int64(x)
	case float64:
		return int64(x)
	case json.Number:
		n, _ := x.Int64()
		return n
	case string:
		n, err := strconv.ParseInt(x, 10, 64)
		if err != nil {
			return 0
		}
		return n
	case []any:
		if len(x) > 0 {
			return toID(x[0])
		}
	}
	return 0
}

// toIDs reads a list of record ids.
func toIDs(v any) []int64 {
	switch x := v.(type) {
	case []int64:
		return x
	case []any:
		var out []int64
		for _, e := range x {
			if id := toID(e); id > 0 {
				out = append(out, id)
			}
		}
		return out
	}
	if id := toID(v); id > 0 {
		return []int64{id}
	}
	return nil
}

// exprValue brings a value to what expressions know: plain numbers, texts,
// lists and maps.
func exprValue(v any) any {
	switch x := v.(type) {
	case nil:
		return false
	case int:
		return int64(x)
	case json.Number:
		if n, err := x.Int64(); err == nil {
			return n
		}
		f, _ := x.Float64()
		return f
	case float64:
		if x == float64(int64(x)) {
			return int64(x)
		}
		return x
	case decimal.Decimal:
		return x.InexactFloat64()
	case orm.Date:
		if x.IsZero() {
			return false
		}
		return x.String()
	case orm.Datetime:
		if x.IsZero() {
			return false
		}
		return x.String()
	case orm.Secret:
		return x != ""
	case []byte:
		return len(x) > 0
	case json.RawMessage:
		var out any
		if json.Unmarshal(x, &out) != nil {
			return false
		}
		return exprValue(out)
	case []int64:
		out := make([]any, len(x))
		for i, id := range x {
			out[i] = id
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = exprValue(e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, e := range x {
			out[k] = exprValue(e)
		}
		return out
	case orm.Values:
		return exprValue(map[string]any(x))
	case []string:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = e
		}
		return out
	case orm.Domain:
		return exprValue([]any(x))
	case orm.Command:
		return []any{int64(x.Op), x.ID, exprValue(cmdArg(x))}
	case []orm.Command:
		out := make([]any, len(x))
		for i, c := range x {
			out[i] = exprValue(c)
		}
		return out
	case bool, int64, string:
		return v
	}
	// Whatever else a Go caller built: lists of lists, named types.
	var out any
	if b, err := json.Marshal(v); err == nil && decodeJSON(string(b), &out) == nil && out != nil {
		switch out.(type) {
		case []any, map[string]any, json.Number:
			return exprValue(out)
		case bool, string:
			return out
		}
	}
	return fmt.Sprint(v)
}

// cmdArg is the third part of an x2many command on the wire.
func cmdArg(c orm.Command) any {
	switch c.Op {
	case orm.CmdCreate, orm.CmdUpdate:
		return c.Values
	case orm.CmdSet:
		return c.IDs
	}
	return int64(0)
}

// fieldValue is a field's value as expressions see it: False when empty.
func fieldValue(f *orm.Field, v any) any {
	if v == nil {
		switch {
		case f.X2many():
			return []any{}
		case f.Kind == orm.Integer || f.Kind == orm.Float || f.Kind == orm.Monetary:
			return int64(0)
		}
		return false
	}
	if s, ok := v.(string); ok && s == "" {
		return false
	}
	if id, ok := v.(int64); ok && id == 0 && f.Kind == orm.Many2one {
		return false
	}
	return exprValue(v)
}

// fromWire turns a value of JSON-RPC, such as a default, into the form
// Records.Read returns. Commands of x2many fields are not its business.
func fromWire(f *orm.Field, v any) any {
	if v == nil || v == false && f.Kind != orm.Boolean {
		return nil
	}
	switch f.Kind {
	case orm.Boolean:
		return v == true || v == int64(1)
	case orm.Integer, orm.Many2one, orm.Many2oneRef:
		return toID(v)
	case orm.Float, orm.Monetary:
		d, err := decimal.NewFromString(fmt.Sprint(v))
		if err != nil {
			return nil
		}
		return d
	case orm.DateKind:
		if d, err := orm.ParseDate(fmt.Sprint(v)); err == nil {
			return d
		}
		return nil
	case orm.DatetimeKind:
		if d, err := orm.ParseDatetime(fmt.Sprint(v)); err == nil {
			return d
		}
		return nil
	case orm.Many2many, orm.One2many:
		return toIDs(v)
	case orm.JSONKind:
		b, err := json.Marshal(v)
		if err != nil {
			return nil
		}
		return json.RawMessage(b)
	}
	return v
}

// names finds the display names of records: what is wanted is collected first,
// then each model is asked once.
type names struct {
	env  *orm.Env
	want map[string]map[int64]bool
	said map[string]map[int64]bool // by the client
	got  map[string]map[int64]string
	shut map[string]map[int64]bool // which the user may not read
}

func newNames(env *orm.Env) *names {
	return &names{env: env, want: map[string]map[int64]bool{}, said: map[string]map[int64]bool{}, got: map[string]map[int64]string{}, shut: map[string]map[int64]bool{}}
}

// add notes records that others point at, which the user may read.
func (n *names) add(model string, ids ...int64) { n.note(n.want, model, ids) }

// ask notes records that the client has named by their ids. Their names are
// told to who may read them.
func (n *names) ask(model string, ids ...int64) { n.note(n.said, model, ids) }

func (n *names) note(in map[string]map[int64]bool, model string, ids []int64) {
	for _, id := range ids {
		if id <= 0 {
			continue
		}
		if _, known := n.got[model][id]; known {
			continue
		}
		if in[model] == nil {
			in[model] = map[int64]bool{}
		}
		in[model][id] = true
	}
}

// load asks for all that is wanted. The name of a linked record is shown even
// to who may not read the record, as every client of Odoo expects.
func (n *names) load() error {
	for model, said := range n.said {
		delete(n.said, model)
		rs, err := n.env.Lookup(model)
		if err != nil {
			continue
		}
		seen, err := rs.Browse(slices.Collect(maps.Keys(said))...).Allowed(orm.OpRead)
		if err != nil {
			return err
		}
		n.add(model, seen.IDs...)
	}
	for model, want := range n.want {
		delete(n.want, model)
		rs, err := n.env.Sudo().Lookup(model)
		if err != nil {
			continue // a reference to the model of an addon that is gone
		}
		ids := make([]int64, 0, len(want))
		for id := range want {
			ids = append(ids, id)
		}
		found, err := rs.Browse(ids...).DisplayNames()
		if orm.IsCode(err, orm.CodeMissing) {
			if rs, err = rs.Browse(ids...).Exists(); err == nil {
				found, err = rs.DisplayNames()
			}
		}
		if err != nil {
			return err
		}
		if n.got[model] == nil {
			n.got[model] = map[int64]string{}
		}
		for id, name := range found {
			n.got[model][id] = name
		}
		hidden, err := rs.Browse(ids...).In(n.env).Hidden()
		if err != nil {
			return err
		}
		for _, id := range hidden {
			if n.shut[model] == nil {
				n.shut[model] = map[int64]bool{}
			}
			n.shut[model][id] = true
		}
	}
	return nil
}

// of is the name of a record that has been loaded.
func (n *names) of(model string, id int64) string {
	if id == 0 {
		return ""
	}
	if s := n.got[model][id]; s != "" {
		return s
	}
	if _, known := n.got[model][id]; known {
		return "Unnamed"
	}
	return fmt.Sprintf("#%d", id)
}

func sortLists(lists []dataList) {
	slices.SortFunc(lists, func(a, b dataList) int {
		return cmp.Or(cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID))
	})
}
