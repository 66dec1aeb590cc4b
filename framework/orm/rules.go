package orm

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// accessDomain is what a user may do op on: what the model's access says, and
// what the access of the records it delegates to says. ok is false when there
// is nothing to check.
func (rs Records) accessDomain(op Op) (d Domain, ok bool, err error) {
	if rs.Env.su {
		return nil, false, nil
	}
	if err := rs.Env.CheckCompanies(); err != nil {
		return nil, false, err
	}
	p, err := rs.Env.loadAccess()
	if err != nil || !p.enabled && !rs.Model.guarded && len(rs.Model.Delegates) == 0 {
		return nil, false, err
	}
	key := ruled{p, rs.Model, op, rs.Env.uid, fmt.Sprint(rs.Env.Companies())}
	d, known := rs.Env.u.cache.ruled[key]
	if !known {
		if d, err = rs.Model.ops.access(rs.Browse(), op); err != nil {
			return nil, false, err
		}
		parts := []Domain{d}
		for _, f := range rs.Model.Delegates {
			if pd, ok, err := rs.Env.Model(f.Comodel).accessDomain(op); err != nil {
				return nil, false, err
			} else if ok {
				parts = append(parts, Leaf(f.Name, "any", pd))
			}
		}
		d = And(parts...)
		rs.Env.u.cache.ruled[key] = d
	}
	if len(d) > 0 && rs.Env.waits(rs.Model, d) {
		if err := rs.Env.Flush(); err != nil {
			return nil, false, err
		}
	}
	return d, len(d) > 0, nil
}

// accessBase is the access of models that do not say otherwise: record rules,
// and of wizards, one's own.
func accessBase(rs Records, op Op) (Domain, error) {
	p, err := rs.Env.loadAccess()
	if err != nil {
		return nil, err
	}
	d, err := rs.evalRules(p, op)
	if rs.Model.Transient && op != OpCreate {
		d = And(d, Leaf("create_uid", "=", rs.Env.uid))
	}
	return d, err
}

// ruled is what the domain of record rules depends on in a unit of work.
type ruled struct {
	p         *access
	m         *Model
	op        Op
	uid       int64
	companies string
}

// evalRules joins the domains of the rules that go for the user; nil when there
// are none.
func (rs Records) evalRules(p *access, op Op) (Domain, error) {
	var global, grouped []Domain
	info, err := rs.Env.userInfo()
	if err != nil {
		return nil, err
	}
	for _, r := range p.Rules[rs.Model.Name] {
		if !r.Ops[op] {
			continue
		}
		mine := slices.ContainsFunc(r.Groups, func(g int64) bool { return info.Groups[g] })
		if len(r.Groups) > 0 && !mine {
			continue
		}
		dom, err := rs.Env.evalRule(r, info)
		if err != nil {
			return nil, err
		}
		if len(r.Groups) == 0 {
			global = append(global, dom)
		} else {
			grouped = append(grouped, dom)
		}
	}
	if len(global)+len(grouped) == 0 {
		return nil, nil
	}
	if len(grouped) > 0 {
		global = append(global, Or(grouped...))
	}
	return And(global...), nil
}

// evalRule evaluates a rule's domain for the user: user, company_id,
// company_ids and time are known, as in Odoo.
func (e *Env) evalRule(r Rule, info *UserInfo) (Domain, error) {
	if strings.TrimSpace(r.Domain) == "" || strings.TrimSpace(r.Domain) == "[]" {
		return Domain{[]any{1, "=", 1}}, nil
	}
	companies := e.Companies()
	list := make([]any, len(companies))
	for i, c := range companies {
		list[i] = c
	}
	v, err := e.u.db.exprs.Domain(r.Domain, map[string]any{"user": e.u.db.Registry.policy.RuleUser(e, info), "company_id": e.Company(), "company_ids": list, "uid": e.uid})
	if err != nil {
		return nil, fmt.Errorf("record rule %d (%s): %w", r.ID, r.Name, err)
	}
	if len(v) == 0 {
		return Domain{[]any{1, "=", 1}}, nil
	}
	return v, nil
}

// checkRecords makes sure that the user may do op on all of the records, and
// that they exist.
func (rs Records) checkRecords(op Op) error {
	if rs.hasNew() {
		rs, _ = rs.split()
	}
	d, ok, err := rs.accessDomain(op)
	if err != nil || !ok || len(rs.IDs) == 0 {
		return err
	}
	allowed, err := rs.idsIn(d)
	if err != nil {
		return err
	}
	return rs.refused(op, allowed)
}

// Allowed keeps the records that exist and on which the user may do op.
func (rs Records) Allowed(op Op) (Records, error) {
	ok, err := rs.HasAccess(op)
	if err != nil || !ok || len(rs.IDs) == 0 {
		return rs.Browse(), err
	}
	d, limited, err := rs.accessDomain(op)
	if err != nil {
		return rs.Browse(), err
	}
	if !limited {
		return rs.Exists()
	}
	stored, fresh := rs.split()
	allowed, err := stored.idsIn(d)
	return rs.Browse(among(rs.IDs, idSet(append(allowed, fresh.IDs...)))...), err // new records are one's own
}

// Hidden are those of the records, which exist, that the user may not read.
func (rs Records) Hidden() ([]int64, error) {
	if rs.hasNew() {
		rs, _ = rs.split()
	}
	ok, err := rs.HasAccess(OpRead)
	if err != nil || len(rs.IDs) == 0 {
		return nil, err
	}
	if !ok {
		return rs.IDs, nil
	}
	d, limited, err := rs.accessDomain(OpRead)
	if err != nil || !limited {
		return nil, err
	}
	allowed, err := rs.idsIn(d)
	if err != nil {
		return nil, err
	}
	return without(rs.IDs, idSet(allowed)), nil
}

// KeepReadable takes out of lists of records of a model, as a compute has found them
// by SQL or with all rights, those that the user may not read.
func KeepReadable(env *Env, model string, lists map[int64][]int64) error {
	var all []int64
	for _, list := range lists {
		all = append(all, list...)
	}
	slices.Sort(all)
	hidden, err := env.Model(model).Browse(slices.Compact(all)...).Hidden()
	if err != nil || len(hidden) == 0 {
		return err
	}
	gone := idSet(hidden)
	for at, list := range lists {
		lists[at] = without(list, gone)
	}
	return nil
}

// hide takes out of the values of a list that is computed, or read along a path,
// what the user may not read. Lists that are stored are read so in the first
// place.
func (e *Env) hide(f *Field, vals []any) error {
	if e.su || !f.X2many() || f.Stored || f.compute == nil && len(f.Related) == 0 {
		return nil
	}
	lists := make(map[int64][]int64, len(vals))
	for i, v := range vals {
		if list, _ := v.([]int64); len(list) > 0 {
			lists[int64(i)] = list
		}
	}
	if len(lists) == 0 {
		return nil
	}
	if err := KeepReadable(e, f.Comodel, lists); err != nil {
		return err
	}
	for i, list := range lists {
		vals[i] = list
	}
	return nil
}

// idsIn are the ids of those of the records that are in a domain of access.
func (rs Records) idsIn(d Domain) ([]int64, error) {
	s := rs.Env.newSelect(rs.Model)
	cond, err := s.unchecked().domain(d)
	if err != nil {
		return nil, err
	}
	return rs.Env.queryIDs(sqlf("SELECT ?.id FROM ? WHERE ?.id = ANY(?) AND (?)", sqlf(s.alias), s.from(), sqlf(s.alias), rs.IDs, cond))
}

// NamesForUser are display names for a text that the user is going to read.
// His own rights count, also where the work is done with all rights: a record
// that he may not read goes by its id.
func (rs Records) NamesForUser() (map[int64]string, error) {
	seen, err := rs.In(rs.Env.NoSudo()).Allowed(OpRead)
	if err != nil {
		return nil, err
	}
	names, err := seen.names()
	if err != nil {
		return nil, err
	}
	for _, id := range rs.IDs {
		if _, ok := names[id]; !ok {
			names[id] = rs.Model.Name + "," + strconv.FormatInt(id, 10)
		}
	}
	return names, nil
}

// checkMoved refuses a change of the named fields that makes records such as the
// user could not have made: of another document, in another's name.
func (rs Records) checkMoved(names []string) error {
	if !rs.Model.guarded {
		return nil
	}
	d, ok, err := rs.accessDomain(OpCreate)
	if err != nil || !ok || !rs.Model.moves(d, names) {
		return err
	}
	return rs.checkRecords(OpCreate)
}

// waits reports whether a field that a domain names is still to be computed.
func (e *Env) waits(m *Model, d Domain) bool {
	if len(e.u.cache.pending) == 0 || e.u.cache.flushing {
		return false
	}
	n, err := parseDomain(d)
	if err != nil {
		return false // it is refused when it becomes SQL
	}
	return n.any(func(l leaf) bool {
		fields, _ := m.Path(l.path)
		return strings.HasSuffix(l.op, "any") || slices.ContainsFunc(fields, func(f *Field) bool {
			d := e.u.cache.pending[f.compute]
			return f.compute != nil && d != nil && len(d.fields[f]) > 0
		})
	})
}

// refused explains why ids are not among the allowed ones: missing or denied.
func (rs Records) refused(op Op, allowed []int64) error {
	lost := without(rs.IDs, idSet(allowed))
	if len(lost) == 0 {
		return nil
	}
	there, err := rs.Env.queryIDs(sqlf("SELECT id FROM "+quote(rs.Model.Table)+" WHERE id = ANY(?)", lost))
	if err != nil {
		return err
	}
	if len(there) < len(lost) {
		return rs.missing(lost)
	}
	why := "A record rule keeps"
	if rs.Model.guarded {
		why = "Your rights keep"
	}
	return AccessErrorf(why+" %s (user %d) from this: %s of %s (%s). Ask an administrator if you need these records.",
		rs.Env.UserLogin(), rs.Env.uid, op, rs.Model.Label, recordRepr(rs.Model.Name, lost))
}

func (rs Records) missing(ids []int64) error {
	return MissingErrorf("The record does not exist, or has been deleted: %s (asked for by user %d)", recordRepr(rs.Model.Name, ids), rs.Env.uid)
}

func recordRepr(model string, ids []int64) string {
	parts := make([]string, len(ids))
	for i, id := range ids {
		parts[i] = strconv.FormatInt(id, 10)
	}
	if len(parts) == 1 {
		return model + "(" + parts[0] + ",)"
	}
	return model + "(" + strings.Join(parts, ", ") + ")"
}

// CheckAccess refuses op on the records unless rights and rules allow it.
func (rs Records) CheckAccess(op Op) error {
	if err := rs.checkModel(op); err != nil {
		return err
	}
	return rs.checkRecords(op)
}
