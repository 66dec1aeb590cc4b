package walk

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/expr"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

// marker is the form of every text that the walk stores. Each stands in one
// place, so that where it turns up tells what has leaked.
var marker = regexp.MustCompile(`cnry[0-9]{6}z`)

// place is one field of one record.
type place struct {
	model string
	id    int64
	field string
}

func (p place) String() string { return fmt.Sprintf("%s(%d).%s", p.model, p.id, p.field) }

// visitor is a user as the reference knows it.
type visitor struct {
	login     string
	id        int64
	partner   int64
	groups    map[int64]bool
	company   int64
	companies []int64 // allowed ones, the current first
	chosen    []int64 // those of the context, the current first
}

// reference holds the rows of every table, and says naively who may read what.
type reference struct {
	reg     *orm.Registry
	rows    map[string]map[int64]map[string]any // by model, id and column
	ids     map[string][]int64
	links   map[string]map[int64][]int64 // many2many: by model.field and id
	marks   map[string][]place
	groups  map[string]int64 // by external id
	implied map[int64][]int64
	grants  map[string][]int64 // groups that may read a model, 0: everybody
	rules   map[string][]readRule
	names   map[string]map[int64]string
	ends    map[string]map[int64][]int64 // one2many, made when first asked for
	derived map[string]map[int64]int64   // links of openLinks, by model.field and id
	exprs   expr.Cache
	unknown map[string]bool // what of rules the reference cannot say
	judging bool            // a rule is being evaluated
}

type readRule struct {
	groups []int64
	domain string
}

// snapshot reads everything there is, past all access.
func snapshot(env *orm.Env) (*reference, error) {
	r := &reference{reg: env.Registry(), rows: map[string]map[int64]map[string]any{}, ids: map[string][]int64{}, links: map[string]map[int64][]int64{}, marks: map[string][]place{},
		groups: map[string]int64{}, implied: map[int64][]int64{}, grants: map[string][]int64{}, rules: map[string][]readRule{}, names: map[string]map[int64]string{},
		ends: map[string]map[int64][]int64{}, derived: map[string]map[int64]int64{}, unknown: map[string]bool{}}
	for _, m := range r.reg.Models() {
		if m.Abstract {
			continue
		}
		if err := r.readTable(env, m); err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	for id, row := range r.rows["ir.model.data"] {
		if row["model"] == "res.groups" {
			r.groups[fmt.Sprint(row["module"], ".", row["name"])] = number(r.rows["ir.model.data"][id]["res_id"])
		}
	}
	maps.Copy(r.implied, r.links["res.groups.implied_ids"])
	for _, row := range r.rows["ir.model.access"] {
		if row["active"] == true && row["perm_read"] == true {
			model := fmt.Sprint(r.rows["ir.model"][number(row["model_id"])]["model"])
			r.grants[model] = append(r.grants[model], number(row["group_id"]))
		}
	}
	for id, row := range r.rows["ir.rule"] {
		if row["active"] == true && row["perm_read"] == true {
			model := fmt.Sprint(r.rows["ir.model"][number(row["model_id"])]["model"])
			domain, _ := row["domain_force"].(string)
			r.rules[model] = append(r.rules[model], readRule{r.links["ir.rule.groups"][id], domain})
		}
	}
	return r, nil
}

func (r *reference) readTable(env *orm.Env, m *orm.Model) error {
	r.rows[m.Name] = map[int64]map[string]any{}
	out, err := ormtest.Texts(env, fmt.Sprintf(`SELECT id, to_jsonb(t) FROM %q t ORDER BY id`, m.Table))
	if err != nil {
		return err
	}
	for _, o := range out {
		d := json.NewDecoder(strings.NewReader(o[1]))
		d.UseNumber()
		var row map[string]any
		if err := d.Decode(&row); err != nil {
			return err
		}
		id := ormtest.Int(o[0])
		r.rows[m.Name][id] = row
		r.ids[m.Name] = append(r.ids[m.Name], id)
		if !marker.MatchString(o[1]) {
			continue
		}
		for column, v := range row {
			f := m.Fields[column]
			if byCompany, ok := v.(map[string]any); ok && f != nil && f.CompanyDependent {
				for company, v := range byCompany {
					r.markAll(v, place{m.Name, id, column + "@" + company})
				}
				continue
			}
			r.markAll(v, place{m.Name, id, column})
		}
	}
	for _, f := range m.Fields {
		if f.Kind != orm.Many2many || !f.Stored || f.Inherited() {
			continue
		}
		out, err := ormtest.Texts(env, fmt.Sprintf(`SELECT %q, %q FROM %q`, f.RelCol, f.RelCocol, f.RelTable))
		if err != nil {
			return err
		}
		list := map[int64][]int64{}
		for _, o := range out {
			list[ormtest.Int(o[0])] = append(list[ormtest.Int(o[0])], ormtest.Int(o[1]))
		}
		r.links[m.Name+"."+f.Name] = list
	}
	return nil
}

func (r *reference) markAll(v any, at place) {
	for _, mark := range marker.FindAllString(fmt.Sprint(v), -1) {
		r.mark(mark, at)
	}
}

func (r *reference) mark(mark string, at place) {
	if !slices.Contains(r.marks[mark], at) {
		r.marks[mark] = append(r.marks[mark], at)
	}
}

// number reads an id or count as JSON has it, 0 for none.
func number(v any) int64 {
	switch x := v.(type) {
	case json.Number:
		n, err := x.Int64()
		if err != nil {
			return 0
		}
		return n
	case int64:
		return x
	case int:
		return int64(x)
	case float64:
		return int64(x)
	}
	return 0
}

// closure are groups with all that they imply.
func (r *reference) closure(direct []int64) map[int64]bool {
	out := map[int64]bool{}
	for len(direct) > 0 {
		g := direct[0]
		direct = direct[1:]
		if !out[g] {
			out[g] = true
			direct = append(direct, r.implied[g]...)
		}
	}
	return out
}

// visitor finds what a user is.
func (r *reference) visitor(id int64, chosen ...int64) *visitor {
	row := r.rows["res.users"][id]
	v := &visitor{login: fmt.Sprint(row["login"]), id: id, partner: number(row["partner_id"]), groups: r.closure(r.links["res.users.group_ids"][id]), company: number(row["company_id"])}
	v.companies = []int64{v.company}
	for _, c := range r.links["res.users.company_ids"][id] {
		if c != v.company {
			v.companies = append(v.companies, c)
		}
	}
	slices.Sort(v.companies[1:])
	v.chosen = v.companies
	if len(chosen) > 0 {
		v.chosen = chosen
	}
	return v
}

func (v *visitor) in(r *reference, groups ...string) bool {
	return slices.ContainsFunc(groups, func(g string) bool {
		name, negated := strings.CutPrefix(strings.TrimSpace(g), "!")
		return v.groups[r.groups[name]] != negated
	})
}

// mayField reports whether a field is for the user at all.
func (r *reference) mayField(v *visitor, f *orm.Field) bool {
	return len(f.Groups) == 0 || v.in(r, f.Groups...)
}

// mayModel reports whether access rights let a user read records of a model.
func (r *reference) mayModel(v *visitor, model string) bool {
	m, _ := r.reg.Model(model)
	if m.Transient && len(r.grants[model]) == 0 {
		return v.in(r, "base.group_user")
	}
	return slices.ContainsFunc(r.grants[model], func(g int64) bool { return g == 0 || v.groups[g] })
}

// mayRead reports whether a user may read a record.
func (r *reference) mayRead(v *visitor, model string, id int64) bool {
	return r.mayModel(v, model) && r.ruled(v, model, id)
}

// ruled reports whether record rules, and what a model says by itself, leave a
// record to a user.
func (r *reference) ruled(v *visitor, model string, id int64) bool {
	if r.rows[model][id] == nil {
		return false
	}
	some, one := false, false
	for _, rule := range r.rules[model] {
		mine := slices.ContainsFunc(rule.groups, func(g int64) bool { return v.groups[g] })
		if len(rule.groups) > 0 && !mine {
			continue
		}
		ok := r.obeys(v, model, id, rule.domain)
		if len(rule.groups) == 0 && !ok {
			return false
		}
		if len(rule.groups) > 0 {
			some, one = true, one || ok
		}
	}
	if some && !one {
		return false
	}
	m, _ := r.reg.Model(model)
	for _, f := range m.Delegates {
		if !r.ruled(v, f.Comodel, number(r.rows[model][id][f.Name])) {
			return false
		}
	}
	if own := ownAccess()[model]; own != nil {
		return own(r, v, id)
	}
	if m.Transient {
		return number(r.rows[model][id]["create_uid"]) == v.id
	}
	return true
}

// obeys evaluates the domain of a record rule for a user.
func (r *reference) obeys(v *visitor, model string, id int64, source string) bool {
	if strings.TrimSpace(source) == "" {
		return true
	}
	list := func(ids []int64) []any {
		out := make([]any, len(ids))
		for i, id := range ids {
			out[i] = id
		}
		return out
	}
	record := func(id int64) map[string]any { return map[string]any{"id": id, "ids": []any{id}} }
	partner := record(v.partner)
	commercial := record(number(r.rows["res.partner"][v.partner]["commercial_partner_id"]))
	partner["commercial_partner_id"] = commercial
	user := record(v.id)
	user["partner_id"], user["commercial_partner_id"], user["company_id"] = partner, commercial, record(v.chosen[0])
	user["company_ids"] = map[string]any{"ids": list(v.companies)}
	d, err := r.exprs.Domain(source, map[string]any{"user": user, "company_id": v.chosen[0], "company_ids": list(v.chosen), "uid": v.id})
	r.judging = true
	defer func() { r.judging = false }()
	if err != nil {
		r.puzzled(source + ": " + err.Error())
		return false
	}
	return r.holds(model, id, d)
}

// puzzled notes what of a rule the reference does not understand: the walk
// fails then, as nobody could say what is to be seen.
func (r *reference) puzzled(what string) {
	if r.judging {
		r.unknown[what] = true
	}
}
