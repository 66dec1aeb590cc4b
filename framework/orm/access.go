package orm

import (
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

// access is what the policy of a database says, read once and replaced as a whole
// when it changes.
type access struct {
	*Rights
	groups  map[string]int64 // by external id
	names   map[int64]string // external id by group
	enabled bool             // or else nothing is regulated

	mu    sync.Mutex
	users map[int64]*UserInfo
	kept  map[any]any // see Kept
}

type userOf struct {
	p   *access
	uid int64
}

// accessChanged forgets what depends on the records of a model.
func (e *Env) accessChanged(m *Model) {
	e.Forget(severalKey{m})
	if m.Name == m.registry.PolicyModels().Defaults {
		e.invalidateCompanyDependent()
	}
	if m.kept {
		e.u.access, e.u.stale = nil, true
	}
}

// invalidateCompanyDependent makes company-dependent values unknown: what was read of them
// may have been a default.
func (e *Env) invalidateCompanyDependent() {
	for m, rows := range e.u.cache.rows {
		for _, f := range m.stored {
			if !f.CompanyDependent {
				continue
			}
			for _, r := range rows {
				r.invalidate(f)
			}
		}
	}
}

func (e *Env) loadAccess() (*access, error) {
	if e.u.access != nil {
		return e.u.access, nil
	}
	if !e.u.stale {
		if p := e.u.db.access.Load(); p != nil {
			e.u.access = p
			return p, nil
		}
	}
	p, err := e.readAccess()
	if err != nil {
		return nil, err
	}
	e.u.access = p
	if !e.u.stale {
		e.u.db.keepAccess(p, e.u.epoch)
	}
	return p, nil
}

// keepAccess keeps access data for later units of work, unless it changed since
// the one that read it began, which may have seen what was before.
func (db *DB) keepAccess(p *access, epoch int64) {
	db.accessMu.Lock()
	defer db.accessMu.Unlock()
	if db.epoch.Load() == epoch {
		db.access.Store(p)
	}
}

// DropAccessCache makes the next unit of work read the access data again; the
// server calls it when another process reports a change.
func (db *DB) DropAccessCache() {
	db.accessMu.Lock()
	defer db.accessMu.Unlock()
	db.epoch.Add(1)
	db.access.Store(nil)
}

// Kept is a value that hardly ever changes, made when it is first wanted and
// kept for later units of work until records of a model change that is declared
// as Kept, in any process. A unit that has changed some makes its own.
func Kept[T any](e *Env, key any, make func() (T, error)) (T, error) {
	p, err := e.loadAccess()
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

func (e *Env) readAccess() (*access, error) {
	p := &access{groups: map[string]int64{}, names: map[int64]string{}, users: map[int64]*UserInfo{}, kept: map[any]any{}}
	reg := e.u.db.Registry
	rights, err := reg.policy.Rights(e)
	if err != nil {
		return nil, err
	}
	if p.Rights, p.enabled = rights, rights != nil; !p.enabled {
		p.Rights = &Rights{}
		return p, nil
	}
	err = e.each(sqlf("SELECT module, name, res_id, create_uid FROM ir_model_data WHERE model = ?", reg.PolicyModels().Groups), func(r [][]byte) error {
		if module := string(r[0]); reg.made(module, cellInt(string(r[3]))) {
			id, name := cellInt(string(r[2])), module+"."+string(r[1])
			p.groups[name], p.names[id] = id, name
		}
		return nil
	})
	return p, err
}

func (e *Env) userInfo() (*UserInfo, error) {
	p, err := e.loadAccess()
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
	return Memo(e, userOf{p, e.uid}, func() (*UserInfo, error) {
		info := &UserInfo{}
		if p.enabled {
			var err error
			if info, err = e.u.db.Registry.policy.UserInfo(e, p.Rights, e.uid); err != nil {
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

// InAnyGroup reports whether the user is in one of the groups, given by
// external id; "!group" asks for its absence.
func (e *Env) InAnyGroup(xmlids ...string) (bool, error) {
	p, err := e.loadAccess()
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
		if info.Groups[p.groups[name]] != negated {
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
	return info.Groups, nil
}

// PartnerID is the partner of the current user, 0 without one.
func (e *Env) PartnerID() int64 {
	info, err := e.userInfo()
	if err != nil {
		return 0
	}
	return info.Partner
}

// UserLogin is the current user's login.
func (e *Env) UserLogin() string {
	info, err := e.userInfo()
	if err != nil {
		return ""
	}
	return info.Login
}

var opWords = map[Op]string{OpRead: "access", OpWrite: "modify", OpCreate: "create", OpUnlink: "delete"}

// HasAccess reports whether the user may do op on the model at all.
func (rs Records) HasAccess(op Op) (bool, error) {
	if err := rs.Env.CheckCompanies(); err != nil || rs.Env.su {
		return err == nil, err
	}
	p, err := rs.Env.loadAccess()
	if err != nil || !p.enabled {
		return err == nil, err
	}
	if rs.Model.Transient {
		info, err := rs.Env.userInfo()
		if err != nil {
			return false, err
		}
		if len(p.Grants[rs.Model.Name]) == 0 {
			return info.Groups[p.groups[p.Internal]], nil
		}
	}
	info, err := rs.Env.userInfo()
	if err != nil {
		return false, err
	}
	for _, g := range p.Grants[rs.Model.Name] {
		if g.Ops[op] && (g.Group == 0 || info.Groups[g.Group]) {
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
	p, err := rs.Env.loadAccess()
	if err != nil {
		return err
	}
	var who []string
	for _, g := range p.Grants[rs.Model.Name] {
		if g.Ops[op] && g.Group != 0 {
			who = append(who, "\t- "+rs.Env.groupLabel(p, g.Group))
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

func (e *Env) groupLabel(p *access, id int64) string {
	names, err := e.Sudo().Model(e.Registry().PolicyModels().Groups).Browse(id).DisplayNames()
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
