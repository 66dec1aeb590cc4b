package base

import (
	"encoding/json"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

// policy tells the ORM of users, groups, companies, access rights, record rules,
// default values and languages, which base keeps.
type policy struct{}

// Models are those of base.
func (policy) Models() orm.PolicyModels {
	return orm.PolicyModels{Users: "res.users", Groups: "res.groups", Companies: "res.company", Defaults: "ir.default",
		Sources: []string{"ir.model.access", "ir.rule", "res.groups", "res.users", "res.company", "ir.default"}}
}

// operations are the columns of access rights and rules, in the order of their flags.
func operations(read, write, create, unlink bool) map[orm.Op]bool {
	return map[orm.Op]bool{orm.OpRead: read, orm.OpWrite: write, orm.OpCreate: create, orm.OpUnlink: unlink}
}

// Rights reads the rights of all models. SQL: nobody's rights can count while they are
// read.
func (policy) Rights(env *orm.Env) (*orm.Rights, error) {
	there, err := orm.Row[bool](env, orm.SQL("SELECT EXISTS (SELECT FROM pg_class WHERE relname = ? AND relkind IN ('r','v') AND pg_table_is_visible(oid))", "ir_model_access").NoModels())
	if err != nil || !there {
		return nil, err
	}
	r := &orm.Rights{Internal: "base.group_user", Implied: map[int64][]int64{}, Grants: map[string][]orm.Grant{}, Rules: map[string][]orm.Rule{}, Defaults: map[string]map[string][]orm.StoredDefault{}}
	implied, err := orm.Rows[[2]int64](env, orm.SQL("SELECT gid, hid FROM res_groups_implied_rel").Reads("res.groups", "implied_ids"))
	if err != nil {
		return nil, err
	}
	for _, pair := range implied {
		r.Implied[pair[0]] = append(r.Implied[pair[0]], pair[1])
	}
	grants, err := orm.Rows[struct {
		Model                       string
		GroupID                     int64
		Read, Write, Create, Unlink bool
	}](env, orm.SQL(`SELECT m.model, COALESCE(a.group_id, 0) AS group_id, COALESCE(a.perm_read, false) AS read, COALESCE(a.perm_write, false) AS write,
			COALESCE(a.perm_create, false) AS "create", COALESCE(a.perm_unlink, false) AS unlink
		FROM ir_model_access a JOIN ir_model m ON m.id = a.model_id WHERE a.active`).
		Reads("ir.model.access", "model_id", "group_id", "perm_read", "perm_write", "perm_create", "perm_unlink", "active").Reads("ir.model", "model"))
	if err != nil {
		return nil, err
	}
	for _, g := range grants {
		r.Grants[g.Model] = append(r.Grants[g.Model], orm.Grant{Group: g.GroupID, Ops: operations(g.Read, g.Write, g.Create, g.Unlink)})
	}
	if err := readRules(env, r); err != nil {
		return nil, err
	}
	return r, readDefaults(env, r)
}

// readRules reads the active record rules. SQL: see Rights.
func readRules(env *orm.Env, r *orm.Rights) error {
	rules, err := orm.Rows[struct {
		Model, Name, Domain         string
		ID                          int64
		Read, Write, Create, Unlink bool
		Groups                      []int64
	}](env, orm.SQL(`SELECT m.model, r.id, COALESCE(r.name, '') AS name, COALESCE(r.domain_force, '') AS domain, COALESCE(r.perm_read, false) AS read,
			COALESCE(r.perm_write, false) AS write, COALESCE(r.perm_create, false) AS "create", COALESCE(r.perm_unlink, false) AS unlink,
			ARRAY(SELECT g.group_id FROM rule_group_rel g WHERE g.rule_group_id = r.id) AS groups
		FROM ir_rule r JOIN ir_model m ON m.id = r.model_id WHERE r.active ORDER BY r.id`).
		Reads("ir.rule", "name", "model_id", "domain_force", "perm_read", "perm_write", "perm_create", "perm_unlink", "active", "groups").Reads("ir.model", "model"))
	for _, u := range rules {
		r.Rules[u.Model] = append(r.Rules[u.Model], orm.Rule{ID: u.ID, Name: u.Name, Groups: u.Groups, Domain: u.Domain, Ops: operations(u.Read, u.Write, u.Create, u.Unlink)})
	}
	return err
}

// readDefaults reads ir.default. SQL: see Rights.
func readDefaults(env *orm.Env, r *orm.Rights) error {
	defaults, err := orm.Rows[struct {
		Model, Name, Condition, JSONValue string
		UserID, CompanyID                 int64
	}](env, orm.SQL(`SELECT f.model, f.name, COALESCE(d.condition, '') AS condition, d.json_value, COALESCE(d.user_id, 0) AS user_id, COALESCE(d.company_id, 0) AS company_id
		FROM ir_default d JOIN ir_model_fields f ON f.id = d.field_id
		ORDER BY d.user_id NULLS LAST, d.company_id NULLS LAST, d.id`).
		Reads("ir.default", "field_id", "user_id", "company_id", "condition", "json_value").Reads("ir.model.fields", "model", "name"))
	for _, d := range defaults {
		given := orm.StoredDefault{User: d.UserID, Company: d.CompanyID, Condition: d.Condition}
		dec := json.NewDecoder(strings.NewReader(d.JSONValue))
		dec.UseNumber()
		if dec.Decode(&given.Value) != nil {
			continue // the model refuses what is no JSON
		}
		if r.Defaults[d.Model] == nil {
			r.Defaults[d.Model] = map[string][]orm.StoredDefault{}
		}
		r.Defaults[d.Model][d.Name] = append(r.Defaults[d.Model][d.Name], given)
	}
	return err
}

// UserInfo reads a user; one who does not exist has no groups and no company. SQL:
// see Rights.
func (policy) UserInfo(env *orm.Env, rights *orm.Rights, user int64) (*orm.UserInfo, error) {
	row, found, err := orm.MaybeRow[struct {
		Login, TZ            string
		CompanyID, PartnerID int64
	}](env, orm.SQL(`SELECT COALESCE(u.login, '') AS login, COALESCE(p.tz, '') AS tz, COALESCE(u.company_id, 0) AS company_id, COALESCE(u.partner_id, 0) AS partner_id
		FROM res_users u LEFT JOIN res_partner p ON p.id = u.partner_id WHERE u.id = ?`, user).
		Reads("res.users", "login", "company_id", "partner_id").Reads("res.partner", "tz"))
	if err != nil {
		return nil, err
	}
	info := &orm.UserInfo{Groups: map[int64]bool{}}
	if found {
		info.Login, info.TZ, info.Company, info.Partner = row.Login, row.TZ, row.CompanyID, row.PartnerID
	}
	if info.Companies, err = orm.Rows[int64](env, orm.SQL("SELECT cid FROM res_company_users_rel WHERE user_id = ? ORDER BY cid", user).Reads("res.users", "company_ids")); err != nil {
		return nil, err
	}
	next, err := orm.Rows[int64](env, orm.SQL("SELECT gid FROM res_groups_users_rel WHERE uid = ?", user).Reads("res.users", "group_ids"))
	for len(next) > 0 {
		g := next[0]
		next = next[1:]
		if !info.Groups[g] {
			info.Groups[g] = true
			next = append(next, rights.Implied[g]...)
		}
	}
	return info, err
}

// RuleUser is the user, as rules know him.
func (policy) RuleUser(env *orm.Env, info *orm.UserInfo) any {
	companies := make([]any, len(info.Companies))
	for i, id := range info.Companies {
		companies[i] = id
	}
	commercial := func() (int64, error) {
		// SQL: rules are read without rights.
		id, _, err := orm.MaybeRow[int64](env, orm.SQL("SELECT COALESCE(commercial_partner_id, 0) FROM res_partner WHERE id = ?", info.Partner).Reads("res.partner", "commercial_partner_id"))
		return id, err
	}
	return ruleUser(env.UID(), info.Partner, env.Company(), companies, info.Login, commercial)
}

func ruleUser(id, partner, company int64, companies []any, login string, commercial func() (int64, error)) ruleObject {
	commercialPartner := func() (any, error) {
		id, err := commercial()
		return ruleRecord(id, nil), err
	}
	named := map[string]any{"commercial_partner_id": commercialPartner}
	return ruleRecord(id, map[string]any{"partner_id": ruleRecord(partner, named), "commercial_partner_id": commercialPartner, "company_id": ruleRecord(company, nil),
		"company_ids": ruleObject{"ids": companies}, "login": login})
}

// ruleObject is a record in the domain of a rule: its attributes, or functions that
// find them when they are asked for.
type ruleObject map[string]any

func ruleRecord(id int64, more map[string]any) ruleObject {
	o := ruleObject{"id": id, "ids": []any{id}}
	for name, v := range more {
		o[name] = v
	}
	return o
}

// Attr gives an attribute.
func (o ruleObject) Attr(name string) (any, bool, error) {
	v, ok := o[name]
	if find, waits := v.(func() (any, error)); waits {
		v, err := find()
		return v, true, err
	}
	return v, ok, nil
}

// AttrNames lists the attributes.
func (o ruleObject) AttrNames() []string {
	names := make([]string, 0, len(o))
	for name := range o {
		names = append(names, name)
	}
	return names
}

// Languages are the active ones. SQL: asked for whoever translates, whatever his rights.
func (policy) Languages(env *orm.Env) ([]string, error) {
	return orm.Rows[string](env, orm.SQL("SELECT code FROM res_lang WHERE active ORDER BY code").Reads("res.lang", "code", "active"))
}

// WeekStart is that of an active language. SQL: see Languages.
func (policy) WeekStart(env *orm.Env, lang string) (int, error) {
	day, _, err := orm.MaybeRow[int](env, orm.SQL("SELECT COALESCE(week_start::int, 0) FROM res_lang WHERE code = ? AND active", lang).Reads("res.lang", "week_start", "code", "active"))
	return day, err
}
