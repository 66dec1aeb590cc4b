package orm

import (
	"fmt"
	"slices"
	"strings"
)

// companyCheck is the constraint of a model with check_company fields: what
// they point at belongs to the record's company, to one above it, or to none.
func (b *builder) companyCheck(m *Model) {
	if f := m.Fields["company_id"]; f == nil || f.Kind != Many2one || m.Abstract || m.Query != "" {
		return
	}
	k := &constraint{fields: map[string]bool{"company_id": true}, onRecords: checkCompanies}
	for _, name := range m.FieldNames() {
		if f := m.Fields[name]; f.CheckCompany && f.Relational() && f.inherited == nil {
			k.fields[name] = true
		}
	}
	if len(k.fields) > 1 {
		m.constraints = append(m.constraints, k)
	}
}

type severalKey struct{ companies *Model }

// severalCompanies reports whether there is more than one company, without
// which nothing can be mixed up.
func (e *Env) severalCompanies(m *Model) (bool, error) {
	return Memo(e, severalKey{m}, func() (bool, error) {
		found, err := e.queryIDs(sqlf("SELECT id FROM " + quote(m.Table) + " LIMIT 2"))
		return len(found) > 1, err
	})
}

// checkCompanies refuses records whose check_company fields mix companies.
func checkCompanies(rs Records) error {
	env := rs.Env
	own := rs.Model.Fields["company_id"]
	several, err := env.severalCompanies(rs.Model.comodel(own))
	if err != nil || !several {
		return err
	}
	fields := []*Field{own}
	for _, name := range rs.Model.FieldNames() {
		if f := rs.Model.Fields[name]; f.CheckCompany && f.Relational() && f.inherited == nil {
			fields = append(fields, f)
		}
	}
	c, err := rs.values(fields)
	if err != nil {
		return err
	}
	above, err := env.companiesAbove(rs.Model.comodel(own), c.vals[own.Name])
	if err != nil {
		return err
	}
	cache := map[string]map[int64][]int64{}
	var wrong []string
	for _, f := range fields[1:] {
		of, err := env.companiesOf(rs.Model.comodel(f), c.vals[f.Name], cache)
		if err != nil {
			return err
		}
		for i, id := range rs.IDs {
			company, _ := c.vals[own.Name][i].(int64)
			for _, other := range related(c.vals[f.Name][i]) {
				if fits(of[other], above[company]) {
					continue
				}
				line, err := rs.Browse(id).mixed(f, other)
				if err != nil {
					return err
				}
				wrong = append(wrong, line)
			}
		}
	}
	if len(wrong) > 0 {
		return UserErrorf("Records of different companies cannot be combined:\n%s", strings.Join(wrong, "\n"))
	}
	return nil
}

// fits reports whether a record of some companies (none: of all) may be used
// where the allowed ones are.
func fits(has, allowed []int64) bool {
	return len(has) == 0 || slices.ContainsFunc(has, func(id int64) bool { return slices.Contains(allowed, id) })
}

func related(v any) []int64 {
	switch x := v.(type) {
	case int64:
		return []int64{x}
	case []int64:
		return x
	}
	return nil
}

// companiesAbove are, by company, the company itself and those above it.
func (e *Env) companiesAbove(m *Model, companies []any) (map[int64][]int64, error) {
	out := map[int64][]int64{}
	for _, v := range companies {
		id, _ := v.(int64)
		if id == 0 || out[id] != nil {
			continue
		}
		out[id] = []int64{id}
		if m.Parent == "" {
			continue
		}
		up, err := e.queryIDs(sqlf("WITH RECURSIVE up(id) AS (SELECT ?::bigint UNION SELECT c."+quote(m.Parent)+" FROM "+quote(m.Table)+" c JOIN up ON c.id = up.id WHERE c."+quote(m.Parent)+" IS NOT NULL) SELECT id FROM up", id))
		if err != nil {
			return nil, err
		}
		out[id] = up
	}
	return out, nil
}

// companiesOf are the companies of related records, from company_ids where the
// model has them. cache keeps those of one check, by model.
func (e *Env) companiesOf(m *Model, values []any, cache map[string]map[int64][]int64) (map[int64][]int64, error) {
	out := cache[m.Name]
	if out == nil {
		out = map[int64][]int64{}
		cache[m.Name] = out
	}
	f := m.Fields["company_ids"]
	if f == nil || !f.Relational() {
		f = m.Fields["company_id"]
	}
	if f == nil || !f.Relational() {
		return out, nil
	}
	var ids []int64
	for _, v := range values {
		for _, id := range related(v) {
			if _, known := out[id]; !known {
				out[id] = nil
				ids = append(ids, id)
			}
		}
	}
	c, err := e.Model(m.Name).Browse(ids...).values([]*Field{f})
	if err != nil {
		return nil, err
	}
	for i, id := range ids {
		out[id] = related(c.vals[f.Name][i])
	}
	return out, nil
}

// mixed says what is wrong with a field of the one record.
func (rs Records) mixed(f *Field, other int64) (string, error) {
	names, err := rs.NamesForUser()
	if err != nil {
		return "", err
	}
	co, err := rs.Env.Model(f.Comodel).Browse(other).NamesForUser()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("- %s (%s): %s “%s” belongs to another company than “%s”.", f.Label, f.Name, rs.Model.comodel(f).Label, co[other], names[rs.ID()]), nil
}
