package orm

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Op is one of the four operations access is granted for.
type Op string

// The operations of access rights and record rules.
const (
	OpRead   Op = "read"
	OpWrite  Op = "write"
	OpCreate Op = "create"
	OpUnlink Op = "unlink"
)

var ops = []Op{OpRead, OpWrite, OpCreate, OpUnlink}

// policy is the access data of a database, read once and replaced as a whole
// when it changes. Without the model ir.model.access everything is allowed.
type policy struct {
	groups  map[string]int64   // by external id
	names   map[int64]string   // external id by group
	implied map[int64][]int64  // direct
	acl     map[string][]grant // by model
	rules   map[string][]rule
	// defaults are the values of ir.default, by model and field.
	defaults map[string]map[string][]storedDefault
	enabled  bool

	mu    sync.Mutex
	users map[int64]*userInfo
	kept  map[any]any // see Kept
}

type grant struct {
	group int64 // 0: everybody
	perms map[Op]bool
}

type rule struct {
	id     int64
	name   string
	groups []int64 // none: global
	domain string
	perms  map[Op]bool
}

type userOf struct {
	p   *policy
	uid int64
}

type userInfo struct {
	groups    map[int64]bool
	company   int64
	companies []int64
	partner   int64
	login     string
	tz, lang  string
	active    bool
}

// accessModels are those whose change makes the policy stale.
var accessModels = map[string]bool{"ir.model.access": true, "ir.rule": true, "res.groups": true, "res.users": true, "res.company": true, "ir.default": true}

func (e *Env) accessChanged(m *Model) {
	if m.Name == "res.company" {
		e.Forget(oneCompanyKey{})
	}
	if m.Name == "ir.default" {
		e.mislayDefaults()
	}
	if accessModels[m.Name] || m.kept {
		e.u.policy, e.u.stale = nil, true
	}
}

// mislayDefaults makes company-dependent values unknown: what was read of them
// may have been a default.
func (e *Env) mislayDefaults() {
	for m, rows := range e.u.cache.rows {
		for _, f := range m.stored {
			if !f.CompanyDependent {
				continue
			}
			for _, r := range rows {
				r.mislay(f)
			}
		}
	}
}

func (e *Env) loadPolicy() (*policy, error) {
	if e.u.policy != nil {
		return e.u.policy, nil
	}
	if !e.u.stale {
		if p := e.u.db.policy.Load(); p != nil {
			e.u.policy = p
			return p, nil
		}
	}
	p, err := e.readPolicy()
	if err != nil {
		return nil, err
	}
	e.u.policy = p
	if !e.u.stale {
		e.u.db.keepPolicy(p, e.u.epoch)
	}
	return p, nil
}

// keepPolicy keeps access data for later units of work, unless it changed since
// the one that read it began, which may have seen what was before.
func (db *DB) keepPolicy(p *policy, epoch int64) {
	db.policyMu.Lock()
	defer db.policyMu.Unlock()
	if db.epoch.Load() == epoch {
		db.policy.Store(p)
	}
}

// DropAccessCache makes the next unit of work read the access data again; the
// server calls it when another process reports a change.
func (db *DB) DropAccessCache() {
	db.policyMu.Lock()
	defer db.policyMu.Unlock()
	db.epoch.Add(1)
	db.policy.Store(nil)
}

// Kept is a value that hardly ever changes, made when it is first wanted and
// kept for later units of work until records of a model change that is declared
// as Kept, in any process. A unit that has changed some makes its own.
func Kept[T any](e *Env, key any, make func() (T, error)) (T, error) {
	p, err := e.loadPolicy()
	if err != nil {
		return *new(T), err
	}
	p.mu.Lock()
	v, ok := p.kept[key].(T)
	p.mu.Unlock()
	if ok {
		return v, nil
	}
	if v, err = make(); err == nil && e.u.epoch == e.u.db.epoch.Load() {
		p.mu.Lock()
		p.kept[key] = v
		p.mu.Unlock()
	}
	return v, err
}

func (e *Env) readPolicy() (*policy, error) {
	p := &policy{groups: map[string]int64{}, names: map[int64]string{}, implied: map[int64][]int64{}, acl: map[string][]grant{}, rules: map[string][]rule{}, users: map[int64]*userInfo{}, kept: map[any]any{},
		defaults: map[string]map[string][]storedDefault{}}
	if e.u.db.Registry.models["ir.model.access"] == nil {
		return p, nil
	}
	if ok, err := e.tableExists("ir_model_access"); err != nil || !ok {
		return p, err
	}
	p.enabled = true
	rows := func(sql string, fn func(r []string)) error {
		return e.each(sqlf(sql), func(raw [][]byte) error {
			r := make([]string, len(raw))
			for i, v := range raw {
				r[i] = string(v)
			}
			fn(r)
			return nil
		})
	}
	err := rows(`SELECT module, name, res_id, create_uid FROM ir_model_data WHERE model = 'res.groups'`, func(r []string) {
		if e.u.db.Registry.made(r[0], CellInt(r[3])) {
			id := CellInt(r[2])
			p.groups[r[0]+"."+r[1]], p.names[id] = id, r[0]+"."+r[1]
		}
	})
	if err == nil {
		err = rows(`SELECT gid, hid FROM res_groups_implied_rel`, func(r []string) {
			p.implied[CellInt(r[0])] = append(p.implied[CellInt(r[0])], CellInt(r[1]))
		})
	}
	if err == nil {
		err = rows(`SELECT m.model, a.group_id, a.perm_read, a.perm_write, a.perm_create, a.perm_unlink
			FROM ir_model_access a JOIN ir_model m ON m.id = a.model_id WHERE a.active`, func(r []string) {
			p.acl[r[0]] = append(p.acl[r[0]], grant{CellInt(r[1]), perms(r[2:6])})
		})
	}
	if err == nil && e.u.db.Registry.models["ir.rule"] != nil {
		err = rows(`SELECT m.model, r.id, r.name, r.domain_force, r.perm_read, r.perm_write, r.perm_create, r.perm_unlink,
			(SELECT string_agg(g.group_id::text, ',') FROM rule_group_rel g WHERE g.rule_group_id = r.id)
			FROM ir_rule r JOIN ir_model m ON m.id = r.model_id WHERE r.active ORDER BY r.id`, func(r []string) {
			rl := rule{id: CellInt(r[1]), name: r[2], domain: r[3], perms: perms(r[4:8])}
			for _, g := range strings.Split(r[8], ",") {
				if g != "" {
					rl.groups = append(rl.groups, CellInt(g))
				}
			}
			p.rules[r[0]] = append(p.rules[r[0]], rl)
		})
	}
	if err == nil && e.u.db.Registry.models["ir.default"] != nil {
		err = rows(`SELECT f.model, f.name, d.user_id, d.company_id, d.condition, d.json_value FROM ir_default d JOIN ir_model_fields f ON f.id = d.field_id
			ORDER BY d.user_id NULLS LAST, d.company_id NULLS LAST, d.id`, func(r []string) {
			d := storedDefault{user: CellInt(r[2]), company: CellInt(r[3]), condition: r[4]}
			dec := json.NewDecoder(strings.NewReader(r[5]))
			dec.UseNumber()
			if dec.Decode(&d.value) != nil {
				return // the model refuses what is no JSON
			}
			if p.defaults[r[0]] == nil {
				p.defaults[r[0]] = map[string][]storedDefault{}
			}
			p.defaults[r[0]][r[1]] = append(p.defaults[r[0]][r[1]], d)
		})
	}
	return p, err
}

func (e *Env) tableExists(name string) (bool, error) {
	ids, err := e.queryIDs(sqlf("SELECT 1 FROM pg_class WHERE relname = ? AND relkind IN ('r','v') AND pg_table_is_visible(oid)", name))
	return len(ids) > 0, err
}

func perms(r []string) map[Op]bool {
	m := map[Op]bool{}
	for i, op := range ops {
		m[op] = r[i] == "t"
	}
	return m
}

func (e *Env) userInfo() (*userInfo, error) {
	p, err := e.loadPolicy()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	info := p.users[e.uid]
	p.mu.Unlock()
	if info != nil {
		return info, nil
	}
	// What has changed since the unit began must not be kept as the unit sees it.
	return Memo(e, userOf{p, e.uid}, func() (*userInfo, error) {
		info := &userInfo{groups: map[int64]bool{}}
		if p.enabled {
			if err := e.readUser(p, info); err != nil {
				return nil, err
			}
		}
		if e.u.epoch == e.u.db.epoch.Load() {
			p.mu.Lock()
			p.users[e.uid] = info
			p.mu.Unlock()
		}
		return info, nil
	})
}

func (e *Env) readUser(p *policy, info *userInfo) error {
	err := e.each(sqlf(`SELECT u.login, u.active, u.company_id, u.partner_id, p.tz, p.lang
		FROM res_users u LEFT JOIN res_partner p ON p.id = u.partner_id WHERE u.id = ?`, e.uid), func(r [][]byte) error {
		info.login, info.active = string(r[0]), string(r[1]) == "t"
		info.company, info.partner = CellInt(string(r[2])), CellInt(string(r[3]))
		info.tz, info.lang = string(r[4]), string(r[5])
		return nil
	})
	if err != nil {
		return err
	}
	if info.companies, err = e.queryIDs(sqlf(`SELECT cid FROM res_company_users_rel WHERE user_id = ? ORDER BY cid`, e.uid)); err != nil {
		return err
	}
	direct, err := e.queryIDs(sqlf(`SELECT gid FROM res_groups_users_rel WHERE uid = ?`, e.uid))
	if err != nil {
		return err
	}
	for len(direct) > 0 {
		g := direct[0]
		direct = direct[1:]
		if !info.groups[g] {
			info.groups[g] = true
			direct = append(direct, p.implied[g]...)
		}
	}
	return nil
}

// InAnyGroup reports whether the user is in one of the groups, given by
// external id; "!group" asks for its absence.
func (e *Env) InAnyGroup(xmlids ...string) (bool, error) {
	p, err := e.loadPolicy()
	if err != nil {
		return false, err
	}
	info, err := e.userInfo()
	if err != nil {
		return false, err
	}
	if !p.enabled {
		return true, nil
	}
	for _, x := range xmlids {
		name, negated := strings.CutPrefix(strings.TrimSpace(x), "!")
		if info.groups[p.groups[name]] != negated {
			return true, nil
		}
	}
	return false, nil
}

// Groups are the user's groups, implied ones among them. They are not to be changed.
func (e *Env) Groups() (map[int64]bool, error) {
	info, err := e.userInfo()
	if err != nil {
		return nil, err
	}
	return info.groups, nil
}

// PartnerID is the partner of the current user, 0 without one.
func (e *Env) PartnerID() int64 {
	info, err := e.userInfo()
	if err != nil {
		return 0
	}
	return info.partner
}

// UserLogin is the current user's login.
func (e *Env) UserLogin() string {
	info, err := e.userInfo()
	if err != nil {
		return ""
	}
	return info.login
}

var opWords = map[Op]string{OpRead: "access", OpWrite: "modify", OpCreate: "create", OpUnlink: "delete"}

// HasAccess reports whether the user may do op on the model at all.
func (rs Records) HasAccess(op Op) (bool, error) {
	if err := rs.Env.CheckCompanies(); err != nil || rs.Env.su {
		return err == nil, err
	}
	p, err := rs.Env.loadPolicy()
	if err != nil || !p.enabled {
		return err == nil, err
	}
	if rs.Model.Transient {
		info, err := rs.Env.userInfo()
		if err != nil {
			return false, err
		}
		if len(p.acl[rs.Model.Name]) == 0 {
			return info.groups[p.groups["base.group_user"]], nil
		}
	}
	info, err := rs.Env.userInfo()
	if err != nil {
		return false, err
	}
	for _, g := range p.acl[rs.Model.Name] {
		if g.perms[op] && (g.group == 0 || info.groups[g.group]) {
			return true, nil
		}
	}
	return false, nil
}

func (rs Records) checkModel(op Op) error {
	ok, err := rs.HasAccess(op)
	if err != nil || ok {
		return err
	}
	p, err := rs.Env.loadPolicy()
	if err != nil {
		return err
	}
	var who []string
	for _, g := range p.acl[rs.Model.Name] {
		if g.perms[op] && g.group != 0 {
			who = append(who, "\t- "+rs.Env.groupLabel(p, g.group))
		}
	}
	msg := fmt.Sprintf("You may not %s %s records (%s).", opWords[op], rs.Model.Label, rs.Model.Name)
	if len(who) > 0 {
		slices.Sort(who)
		msg += " These groups may:\n" + strings.Join(slices.Compact(who), "\n")
	} else {
		msg += " No group may."
	}
	return &Error{Code: CodeAccess, Message: msg + "\nAn administrator can grant the right."}
}

func (e *Env) groupLabel(p *policy, id int64) string {
	names, err := e.Sudo().Model("res.groups").Browse(id).DisplayNames()
	if err == nil && names[id] != "" {
		return names[id]
	}
	return p.names[id]
}

// FieldAllowed reports whether the user may see the field, and set it unless it
// is the system's to write.
func (e *Env) FieldAllowed(f *Field) (bool, error) {
	if !e.su && f.System == SystemOnly {
		return false, nil
	}
	if e.su || len(f.Groups) == 0 {
		return true, nil
	}
	return e.InAnyGroup(f.Groups...)
}

func (e *Env) checkField(m *Model, f *Field, op Op) error {
	if !e.su && (f.System == SystemOnly || f.System == SystemWrites && op != OpRead) {
		return systemError(m, f)
	}
	ok, err := e.FieldAllowed(f)
	if err != nil || ok {
		return err
	}
	verb := "read"
	if op != OpRead {
		verb = "write"
	}
	return &Error{Code: CodeAccess, Fields: []string{f.Name}, Message: fmt.Sprintf(
		"The field %q of %s (%s) is reserved to certain groups; you may not %s it.", f.Name, m.Label, m.Name, verb)}
}
