package base

import (
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

// ModuleCategory sorts groups and modules; its children refine it.
type ModuleCategory struct {
	orm.Record  `orm:"ir.module.category" label:"Application" order:"sequence, name, id"`
	Name        string                   `orm:"name,translate,required" label:"Name"`
	ParentID    orm.Ref[ModuleCategory]  `orm:"parent_id,index" label:"Parent Application"`
	ChildIDs    orm.Many[ModuleCategory] `orm:"child_ids,inverse=parent_id" label:"Child Applications"`
	Description string                   `orm:"description,text,translate" label:"Description"`
	Sequence    int                      `orm:"sequence,default=10" label:"Sequence"`
	Visible     bool                     `orm:"visible,default=true" label:"Visible"`
	Exclusive   bool                     `orm:"exclusive" label:"Exclusive"`
}

// Privilege is a set of groups of which a user has at most one.
type Privilege struct {
	orm.Record  `orm:"res.groups.privilege" label:"Privileges" order:"sequence, name, id"`
	Name        string                  `orm:"name,translate,required" label:"Name"`
	Description string                  `orm:"description,text" label:"Description"`
	Placeholder string                  `orm:"placeholder,default=No" label:"Placeholder"`
	Sequence    int                     `orm:"sequence,default=100" label:"Sequence"`
	CategoryID  orm.Ref[ModuleCategory] `orm:"category_id,index" label:"Category"`
	GroupIDs    orm.Many[Group]         `orm:"group_ids,inverse=privilege_id" label:"Groups"`
}

// Group is a set of users with the same rights. A member of a group is a
// member of the groups it implies, without being written there.
type Group struct {
	orm.Record   `orm:"res.groups" label:"Access Groups" order:"privilege_id, sequence, name, id" search:"full_name"`
	Name         string               `orm:"name,translate,required" label:"Name"`
	UserIDs      orm.Many[User]       `orm:"user_ids,rel=res_groups_users_rel:gid:uid" label:"Users" help:"Users explicitly in this group"`
	AllUserIDs   orm.Many[User]       `orm:"all_user_ids" label:"Users and implied users"`
	AllUserCount orm.Deferred[int]    `orm:"all_users_count" label:"# Users" help:"Number of users having this group (implicitly or explicitly)"`
	AccessIDs    orm.Many[Access]     `orm:"model_access,inverse=group_id,copy" label:"Access Controls"`
	RuleGroups   orm.Many[Rule]       `orm:"rule_groups,rel=rule_group_rel:group_id:rule_group_id" label:"Rules"`
	MenuAccess   orm.Many[Menu]       `orm:"menu_access,rel=ir_ui_menu_group_rel:gid:menu_id" label:"Access Menu"`
	ViewAccess   orm.Many[View]       `orm:"view_access,rel=ir_ui_view_group_rel:group_id:view_id" label:"Views"`
	Comment      string               `orm:"comment,text,translate" label:"Comment"`
	PrivilegeID  orm.Ref[Privilege]   `orm:"privilege_id,index" label:"Privilege"`
	Sequence     int                  `orm:"sequence" label:"Sequence"`
	FullName     orm.Deferred[string] `orm:"full_name" label:"Group Name"`
	Share        bool                 `orm:"share" label:"Share Group" help:"Group made to share data with people who are not internal users"`
	ImpliedIDs   orm.Many[Group]      `orm:"implied_ids,rel=res_groups_implied_rel:gid:hid" label:"Implied Groups" help:"Users of this group are implicitly part of these groups"`
	AllImplied   orm.Many[Group]      `orm:"all_implied_ids" label:"Transitively Implied Groups"`
	ImpliedBy    orm.Many[Group]      `orm:"implied_by_ids,rel=res_groups_implied_rel:hid:gid" label:"Implying Groups"`
	AllImpliedBy orm.Many[Group]      `orm:"all_implied_by_ids" label:"Transitively Implying Groups"`
	APIKeyDays   float64              `orm:"api_key_duration" label:"API Keys maximum duration days" help:"The longest life, in days, of an API key made by a member of this group; 0 sets no limit"`
	DisplayName  orm.Deferred[string] `orm:"display_name"`
}

func defineGroups(r *orm.Registry) {
	p := orm.Define[Privilege](r)
	p.Check("name_not_empty", "name IS NOT NULL", "A privilege needs a name.")

	g := orm.Define[Group](r)
	g.Compute("full_name", groupFullNames, "name", "privilege_id.name")
	g.Compute("display_name", func(env *orm.Env, gs []*Group) error {
		err := groupFullNames(env, gs)
		for _, g := range gs {
			g.DisplayName.Set(g.FullName.Get())
			if env.Flag("short_display_name", false) {
				g.DisplayName.Set(g.Name)
			}
		}
		return err
	}, "name", "privilege_id.name")
	g.SearchBy("full_name", searchGroupName)
	g.Compute("all_implied_ids, all_implied_by_ids", transitiveGroups, "implied_ids.implied_ids", "implied_by_ids.implied_by_ids")
	g.SearchBy("all_implied_ids", searchTransitive("gid", "hid"))
	g.SearchBy("all_implied_by_ids", searchTransitive("hid", "gid"))
	g.Compute("all_user_ids, all_users_count", groupMembers, "all_implied_by_ids.user_ids")
	g.SearchBy("all_user_ids", func(_ *orm.Env, op string, value any) (orm.Domain, error) {
		return orm.Leaf("all_implied_by_ids.user_ids", op, value), nil
	})
	g.Inverse("all_user_ids", func(env *orm.Env, gs []*Group) error {
		for _, g := range gs {
			if err := env.Model("res.groups").Browse(g.ID).Write(orm.Values{"user_ids": []orm.Command{orm.SetIDs(g.AllUserIDs.IDs()...)}}); err != nil {
				return err
			}
		}
		return nil
	})
	g.Check("check_api_key_duration", "api_key_duration >= 0", "The api key duration cannot be a negative value.")
	g.Unique("name_uniq", "privilege_id, name", "The name of the group must be unique within a group privilege!")
	g.Constrain("implied_ids", func(env *orm.Env, gs []*Group) error { return groupsAcyclic(env, orm.IDs(env, gs)) })
	g.Constrain("implied_ids, user_ids", func(env *orm.Env, gs []*Group) error {
		all, err := env.Sudo().WithContext(map[string]any{"active_test": false}).Model("res.users").Search(orm.Leaf("all_group_ids", "in", orm.IDs(env, gs)), orm.SearchOptions{})
		if err != nil {
			return err
		}
		us, err := orm.Read[User](env.Sudo(), all.IDs)
		if err != nil {
			return err
		}
		return oneUserType(env, us)
	})
	g.OnCopyData(MarkCopies)
	g.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error {
			if name, ok := vals["name"].(string); ok && strings.HasPrefix(name, "-") {
				return orm.UserErrorf(`The name of the group can not start with "-"`)
			}
			return super(rs, vals)
		}
	})
}

// closure is the SQL of what is reached from some groups: pairs of a group and
// one it implies (from gid to hid), or is implied by, itself included.
func closure(from, to string) string {
	return `WITH RECURSIVE t(at, id) AS (SELECT g, g FROM unnest(?::bigint[]) AS g
		UNION SELECT t.at, r.` + to + ` FROM t JOIN res_groups_implied_rel r ON r.` + from + ` = t.id)`
}

// reached are the groups that are reached from each of some.
func reached(env *orm.Env, from, to string, groups []int64) (map[int64][]int64, error) {
	// SQL: recursive.
	rows, err := orm.Rows[[2]int64](env, orm.SQL(closure(from, to)+` SELECT t.at, t.id FROM t JOIN res_groups g ON g.id = t.id ORDER BY t.at, g.name, t.id`, groups).
		Reads("res.groups", "name", "implied_ids"))
	if err != nil {
		return nil, err
	}
	of := map[int64][]int64{}
	for _, r := range rows {
		of[r[0]] = append(of[r[0]], r[1])
	}
	return of, nil
}

func transitiveGroups(env *orm.Env, gs []*Group) error {
	down, err := reached(env, "gid", "hid", orm.IDs(env, gs))
	if err != nil {
		return err
	}
	up, err := reached(env, "hid", "gid", orm.IDs(env, gs))
	if err != nil {
		return err
	}
	for _, g := range gs {
		g.AllImplied.Set(down[g.ID]...)
		g.AllImpliedBy.Set(up[g.ID]...)
	}
	return nil
}

// searchTransitive finds the groups from which some of those asked for are
// reached.
func searchTransitive(from, to string) func(env *orm.Env, op string, value any) (orm.Domain, error) {
	return func(env *orm.Env, op string, value any) (orm.Domain, error) {
		// every group is reached from itself: none is without any
		asked, found, err := namedGroups(env, op, value)
		if err != nil {
			return nil, err
		}
		if asked {
			of, err := reached(env, to, from, found)
			if err != nil {
				return nil, err
			}
			found = nil
			for _, ids := range of {
				found = append(found, ids...)
			}
		}
		if op == "!=" || strings.HasPrefix(op, "not ") {
			return orm.Leaf("id", "not in", found), nil
		}
		return orm.Leaf("id", "in", found), nil
	}
}

// namedGroups are the groups that a condition on a list of groups asks for.
// asked is false for a condition on whether there is any, for which found is
// what must not, or must, be among them.
func namedGroups(env *orm.Env, op string, value any) (asked bool, found []int64, err error) {
	positive := strings.TrimPrefix(op, "not ")
	if op == "!=" {
		positive = "="
	}
	field := "id"
	switch x := value.(type) {
	case nil:
		return false, nil, nil
	case bool:
		if !x {
			return false, nil, nil
		}
	case string:
		field = "display_name"
	case []any:
		if len(x) > 0 {
			if _, ok := x[0].(string); ok {
				field = "display_name"
			}
		}
	}
	groups, err := env.Sudo().Model("res.groups").Search(orm.Leaf(field, positive, value), orm.SearchOptions{})
	return true, groups.IDs, err
}

// groupMembers are the users of groups, by themselves or by implication.
func groupMembers(env *orm.Env, gs []*Group) error {
	type member struct {
		At, ID int64
		Active bool
	}
	// SQL: recursive.
	rows, err := orm.Rows[member](env, orm.SQL(closure("hid", "gid")+` SELECT DISTINCT t.at, u.id, COALESCE(u.active, false) AS active FROM t JOIN res_groups_users_rel r ON r.gid = t.id JOIN res_users u ON u.id = r.uid
		ORDER BY t.at, u.id`, orm.IDs(env, gs)).Reads("res.groups", "implied_ids").Reads("res.users", "group_ids", "active"))
	if err != nil {
		return err
	}
	all, active := map[int64][]int64{}, map[int64][]int64{}
	for _, r := range rows {
		all[r.At] = append(all[r.At], r.ID)
		if r.Active {
			active[r.At] = append(active[r.At], r.ID)
		}
	}
	shown := active
	if !env.Flag("active_test", true) {
		shown = all
	}
	for _, g := range gs {
		g.AllUserIDs.Set(shown[g.ID]...)
	}
	err = orm.KeepReadable(env, "res.users", active)
	for _, g := range gs {
		g.AllUserCount.Set(len(active[g.ID]))
	}
	return err
}

func groupFullNames(_ *orm.Env, gs []*Group) error {
	for _, g := range gs {
		g.FullName.Set(g.Name)
		if g.PrivilegeID.IsSet() {
			g.FullName.Set(g.PrivilegeID.Rec().Name + " / " + g.Name)
		}
	}
	return nil
}

func searchGroupName(_ *orm.Env, op string, value any) (orm.Domain, error) {
	if text, ok := value.(string); ok {
		if privilege, name, found := strings.Cut(text, "/"); found && (op == "=" || strings.HasSuffix(op, "like")) {
			whole := orm.Leaf("name", op, text) // "Role / User" is the name of one
			parts := orm.And(orm.Leaf("name", op, strings.TrimSpace(name)), orm.Leaf("privilege_id.name", op, strings.TrimSpace(privilege)))
			return orm.Or(whole, parts), nil
		}
	}
	if op == "!=" || strings.HasPrefix(op, "not ") {
		return orm.And(orm.Leaf("name", op, value), orm.Leaf("privilege_id.name", op, value)), nil
	}
	return orm.Or(orm.Leaf("name", op, value), orm.Leaf("privilege_id.name", op, value)), nil
}

// groupsAcyclic refuses a group that implies itself.
func groupsAcyclic(env *orm.Env, ids []int64) error {
	// SQL: recursive.
	n, err := orm.Row[int](env, orm.SQL(`WITH RECURSIVE up(start, at) AS (
			SELECT gid, hid FROM res_groups_implied_rel WHERE gid = ANY(?)
			UNION SELECT up.start, r.hid FROM res_groups_implied_rel r JOIN up ON up.at = r.gid)
		SELECT count(*) FROM up WHERE start = at`, ids).Reads("res.groups", "implied_ids"))
	if err != nil {
		return err
	}
	if n > 0 {
		return orm.ValidationErrorf("A group cannot imply itself, directly or through other groups.")
	}
	return nil
}
