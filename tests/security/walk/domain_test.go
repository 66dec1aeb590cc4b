package walk

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

// holds evaluates a domain on the rows, without any access.
func (r *reference) holds(model string, id int64, d []any) bool {
	rest := d
	ok := true
	for len(rest) > 0 {
		var one bool
		one, rest = r.term(model, id, rest)
		ok = ok && one
	}
	return ok
}

// term evaluates the first term of a domain in prefix notation.
func (r *reference) term(model string, id int64, d []any) (bool, []any) {
	if len(d) == 0 {
		return true, nil
	}
	switch d[0] {
	case "!":
		ok, rest := r.term(model, id, d[1:])
		return !ok, rest
	case "&", "|":
		a, rest := r.term(model, id, d[1:])
		b, rest := r.term(model, id, rest)
		if d[0] == "&" {
			return a && b, rest
		}
		return a || b, rest
	}
	leaf, _ := d[0].([]any)
	if len(leaf) != 3 {
		r.puzzled(fmt.Sprint(d[0]))
		return false, d[1:]
	}
	if path, ok := leaf[0].(string); ok {
		return r.leaf(model, id, strings.Split(path, "."), fmt.Sprint(leaf[1]), leaf[2]), d[1:]
	}
	return fmt.Sprint(leaf[0]) == fmt.Sprint(leaf[2]), d[1:] // (1, '=', 1)
}

// leaf follows a path; of several records along it one is enough.
func (r *reference) leaf(model string, id int64, path []string, op string, value any) bool {
	m, _ := r.reg.Model(model)
	f := m.Fields[path[0]]
	if f == nil {
		r.puzzled(model + "." + path[0])
		return false
	}
	if len(path) > 1 && f.Relational() {
		return slices.ContainsFunc(r.linked(model, id, f), func(to int64) bool { return r.leaf(f.Comodel, to, path[1:], op, value) })
	}
	if strings.HasSuffix(op, "any") {
		sub, _ := value.([]any)
		return slices.ContainsFunc(r.linked(model, id, f), func(to int64) bool { return r.holds(f.Comodel, to, sub) }) == (op == "any")
	}
	if negated, ok := map[string]string{"!=": "=", "not in": "in", "<>": "=", "not ilike": "ilike", "not like": "like"}[op]; ok {
		return !r.leaf(model, id, path, negated, value)
	}
	var have []any
	if f.Relational() || f.Name == "id" {
		ids := []int64{id}
		if f.Name != "id" {
			ids = r.linked(model, id, f)
		}
		for _, to := range ids {
			have = append(have, to)
		}
	} else if v := r.value(model, id, f); v != nil && v != false && v != "" {
		have = []any{v}
	}
	wanted, isList := value.([]any)
	if !isList {
		wanted = []any{value}
	}
	comodel := f.Comodel
	if f.Name == "id" {
		comodel = model
	}
	switch op {
	case "child_of":
		return slices.ContainsFunc(have, func(h any) bool {
			return slices.ContainsFunc(r.ancestors(comodel, number(h)), func(a int64) bool { return among(a, wanted) })
		})
	case "parent_of":
		return slices.ContainsFunc(have, func(h any) bool {
			return slices.ContainsFunc(wanted, func(w any) bool { return slices.Contains(r.ancestors(comodel, number(w)), number(h)) })
		})
	case "=", "in":
		if len(have) == 0 {
			return slices.ContainsFunc(wanted, func(w any) bool { return w == nil || w == false || w == "" })
		}
		return slices.ContainsFunc(have, func(h any) bool { return among(h, wanted) })
	case "<", "<=", ">", ">=":
		return len(have) > 0 && compared(have[0], op, value)
	}
	r.puzzled("the operator " + op)
	return false
}

func among(v any, list []any) bool {
	return slices.ContainsFunc(list, func(w any) bool { return fmt.Sprint(v) == fmt.Sprint(w) })
}

func compared(a any, op string, b any) bool {
	x, err1 := json.Number(fmt.Sprint(a)).Float64()
	y, err2 := json.Number(fmt.Sprint(b)).Float64()
	if err1 != nil || err2 != nil {
		return false
	}
	return map[string]bool{"<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y}[op]
}

// ancestors are a record and those above it.
func (r *reference) ancestors(model string, id int64) []int64 {
	m, _ := r.reg.Model(model)
	var out []int64
	for id != 0 && !slices.Contains(out, id) {
		out = append(out, id)
		id = number(r.rows[model][id]["parent_id"])
		if m.Parent != "" && m.Parent != "parent_id" {
			id = number(r.rows[model][id][m.Parent])
		}
	}
	return out
}

// owner is the record that holds a field: the delegated-to one for its fields.
func (r *reference) owner(model string, id int64, f *orm.Field) (string, int64, *orm.Field) {
	for f.Inherited() {
		m, _ := r.reg.Model(model)
		var by *orm.Field
		for _, d := range m.Delegates {
			if d.ComodelOf().Fields[f.Name] != nil && f.Related[0] == d.Name {
				by = d
			}
		}
		if by == nil {
			break
		}
		model, id = by.Comodel, number(r.rows[model][id][by.Name])
		co, _ := r.reg.Model(model)
		f = co.Fields[f.Name]
	}
	return model, id, f
}

// value is a plain value of a record, nil for none.
func (r *reference) value(model string, id int64, f *orm.Field) any {
	model, id, f = r.owner(model, id, f)
	row := r.rows[model][id]
	if v, stored := row[f.Name]; stored {
		return v
	}
	if len(f.Related) > 0 {
		model, id, f = r.end(model, id, f.Related)
		if f == nil {
			return nil
		}
		return r.value(model, id, f)
	}
	if row != nil {
		r.puzzled(model + "." + f.Name + " is not stored")
	}
	return nil
}

// end follows a path of many2ones to the field at its end; nil when it breaks off.
func (r *reference) end(model string, id int64, path []string) (string, int64, *orm.Field) {
	for i, name := range path {
		m, _ := r.reg.Model(model)
		f := m.Fields[name]
		if i == len(path)-1 {
			return model, id, f
		}
		to := r.linked(model, id, f)
		if len(to) == 0 {
			return "", 0, nil
		}
		model, id = f.Comodel, to[0]
	}
	return "", 0, nil
}

// linked are the records a relation leads to.
func (r *reference) linked(model string, id int64, f *orm.Field) []int64 {
	model, id, f = r.owner(model, id, f)
	switch {
	case f.Kind == orm.Many2one:
		if to := number(r.value(model, id, f)); to != 0 {
			return []int64{to}
		}
		return nil
	case f.Kind == orm.Many2many && f.Stored:
		return r.links[model+"."+f.Name][id]
	case f.Kind == orm.One2many && !f.Computed():
		return r.lines(model, f)[id]
	}
	r.puzzled(model + "." + f.Name + " is computed")
	return nil
}

// lines are the records of a one2many, by owner.
func (r *reference) lines(model string, f *orm.Field) map[int64][]int64 {
	key := model + "." + f.Name
	if known := r.ends[key]; known != nil {
		return known
	}
	out := map[int64][]int64{}
	r.ends[key] = out
	co := f.ComodelOf()
	inv := co.Fields[f.Inverse]
	for _, id := range r.ids[f.Comodel] {
		if inv.Kind == orm.Many2oneRef {
			if r.value(f.Comodel, id, co.Fields[inv.ModelField]) == model {
				to := number(r.value(f.Comodel, id, inv))
				out[to] = append(out[to], id)
			}
			continue
		}
		for _, to := range r.linked(f.Comodel, id, inv) {
			out[to] = append(out[to], id)
		}
	}
	return out
}
