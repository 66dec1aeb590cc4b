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
	orm.Record  `orm:"res.groups" label:"Access Groups" order:"name, id" search:"full_name"`
	Name        string                  `orm:"name,translate,required" label:"Name"`
	UserIDs     orm.Many[User]          `orm:"user_ids,rel=res_groups_users_rel:gid:uid" label:"Users"`
	AccessIDs   orm.Many[Access]        `orm:"model_access,inverse=group_id,copy" label:"Access Controls"`
	RuleGroups  orm.Many[Rule]          `orm:"rule_groups,rel=rule_group_rel:group_id:rule_group_id" label:"Rules"`
	MenuAccess  orm.Many[Menu]          `orm:"menu_access,rel=ir_ui_menu_group_rel:gid:menu_id" label:"Access Menu"`
	ViewAccess  orm.Many[View]          `orm:"view_access,rel=ir_ui_view_group_rel:group_id:view_id" label:"Views"`
	Comment     string                  `orm:"comment,text,translate" label:"Comment"`
	CategoryID  orm.Ref[ModuleCategory] `orm:"category_id,index" label:"Application"`
	PrivilegeID orm.Ref[Privilege]      `orm:"privilege_id,index" label:"Privilege"`
	Color       int                     `orm:"color" label:"Color Index"`
	FullName    string                  `orm:"full_name" label:"Group Name"`
	Share       bool                    `orm:"share" label:"Share Group" help:"Group made to share data with people who are not internal users"`
	ImpliedIDs  orm.Many[Group]         `orm:"implied_ids,rel=res_groups_implied_rel:gid:hid" label:"Inherits" help:"Users of this group are implicitly part of these groups"`
	ImpliedBy   orm.Many[Group]         `orm:"implied_by_ids,rel=res_groups_implied_rel:hid:gid" label:"Implying Groups"`
	APIKeyDays  float64                 `orm:"api_key_duration" label:"API Keys maximum duration days" help:"The longest life, in days, of an API key made by a member of this group; 0 sets no limit"`
	DisplayName string                  `orm:"display_name"`
}

func defineGroups(r *orm.Registry) {
	p := orm.Define[Privilege](r)
	p.Check("name_not_empty", "name IS NOT NULL", "A privilege needs a name.")

	g := orm.Define[Group](r)
	g.Compute("full_name", groupFullNames, "name", "category_id.name", "privilege_id.name")
	g.Compute("display_name", func(env *orm.Env, gs []*Group) error {
		err := groupFullNames(env, gs)
		for _, g := range gs {
			g.DisplayName = g.FullName
			if env.Flag("short_display_name", false) {
				g.DisplayName = g.Name
			}
		}
		return err
	}, "name", "category_id.name", "privilege_id.name")
	g.SearchBy("full_name", searchGroupName)
	g.Check("check_api_key_duration", "api_key_duration >= 0", "The api key duration cannot be a negative value.")
	g.Constrain("implied_ids", func(env *orm.Env, gs []*Group) error { return groupsAcyclic(env, orm.IDs(env, gs)) })
	g.OnCopy(MarkCopies)
	g.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error {
			if name, ok := vals["name"].(string); ok && strings.HasPrefix(name, "-") {
				return orm.UserErrorf(`The name of the group can not start with "-"`)
			}
			if err := super(rs, vals); err != nil {
				return err
			}
			return implyForMembers(rs, vals)
		}
	})
	g.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
			made, err := super(rs, list)
			for i := range list {
				if err == nil {
					err = implyForMembers(made.Browse(made.IDs[i]), list[i])
				}
			}
			return made, err
		}
	})
}

// implyForMembers enters the members of groups into the groups these imply,
// after a change of the members or of what is implied.
func implyForMembers(rs orm.Records, vals orm.Values) error {
	_, members := vals["user_ids"]
	_, implied := vals["implied_ids"]
	if !members && !implied {
		return nil
	}
	var users []int64
	err := rs.Env.Tx().NewRaw(`SELECT DISTINCT uid FROM res_groups_users_rel WHERE gid IN (?)`, bunIDs(rs.IDs)).Scan(rs.Env, &users)
	if err != nil {
		return err
	}
	return addImplied(rs.Env, users)
}

// addImplied enters users into all groups that those they are in imply.
func addImplied(env *orm.Env, users []int64) error {
	var rows []struct{ UID, GID int64 }
	err := env.Tx().NewRaw(`WITH RECURSIVE m(uid, gid) AS (
			SELECT uid, gid FROM res_groups_users_rel WHERE uid IN (?)
			UNION SELECT m.uid, r.hid FROM m JOIN res_groups_implied_rel r ON r.gid = m.gid)
		SELECT uid, gid FROM m EXCEPT SELECT uid, gid FROM res_groups_users_rel WHERE uid IN (?) ORDER BY uid, gid`,
		bunIDs(users), bunIDs(users)).Scan(env, &rows)
	if err != nil {
		return err
	}
	lacking := map[int64][]int64{}
	var order []int64
	for _, r := range rows {
		if lacking[r.UID] == nil {
			order = append(order, r.UID)
		}
		lacking[r.UID] = append(lacking[r.UID], r.GID)
	}
	sudo := env.Sudo().WithContext(map[string]any{"_implied_groups": true})
	for _, uid := range order {
		if err := sudo.Model("res.users").Browse(uid).Write(orm.Values{"group_ids": linkAll(lacking[uid])}); err != nil {
			return err
		}
	}
	return nil
}

func groupFullNames(_ *orm.Env, gs []*Group) error {
	for _, g := range gs {
		switch {
		case g.PrivilegeID.IsSet():
			g.FullName = g.PrivilegeID.Rec().Name + " / " + g.Name
		case g.CategoryID.IsSet():
			g.FullName = g.CategoryID.Rec().Name + " / " + g.Name
		default:
			g.FullName = g.Name
		}
	}
	return nil
}

func searchGroupName(_ *orm.Env, op string, value any) (orm.Domain, error) {
	if text, ok := value.(string); ok {
		if category, name, found := strings.Cut(text, "/"); found && (op == "=" || strings.HasSuffix(op, "like")) {
			category, name = strings.TrimSpace(category), strings.TrimSpace(name)
			return orm.And(orm.Leaf("name", op, name), orm.Or(orm.Leaf("category_id.name", op, category), orm.Leaf("privilege_id.name", op, category))), nil
		}
	}
	if op == "!=" || strings.HasPrefix(op, "not ") {
		return orm.And(orm.Leaf("name", op, value), orm.Leaf("category_id.name", op, value)), nil
	}
	return orm.Or(orm.Leaf("name", op, value), orm.Leaf("category_id.name", op, value)), nil
}

// groupsAcyclic refuses a group that implies itself.
func groupsAcyclic(env *orm.Env, ids []int64) error {
	var n int
	err := env.Tx().NewRaw(`WITH RECURSIVE up(start, at) AS (
			SELECT gid, hid FROM res_groups_implied_rel WHERE gid = ANY(ARRAY[?]::bigint[])
			UNION SELECT up.start, r.hid FROM res_groups_implied_rel r JOIN up ON up.at = r.gid)
		SELECT count(*) FROM up WHERE start = at`, bunIDs(ids)).Scan(env, &n)
	if err != nil {
		return err
	}
	if n > 0 {
		return orm.ValidationErrorf("A group cannot imply itself, directly or through other groups.")
	}
	return nil
}
