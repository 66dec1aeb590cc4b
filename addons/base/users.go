package base

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

// User is somebody who may log in. Name, e-mail, language and the like are
// those of the partner the user delegates to.
type User struct {
	orm.Record  `orm:"res.users" label:"User" order:"name, login" search:"name"`
	PartnerID   orm.Ref[Partner]           `orm:"partner_id,required,index,delegate,ondelete=restrict" label:"Related Partner" help:"Partner-related data of the user"`
	Login       string                     `orm:"login,required" label:"Login" help:"Used to log into the system"`
	Password    orm.Deferred[string]       `orm:"password,nocopy" label:"Password" help:"Keep empty if you don't want the user to be able to connect on the system."`
	NewPassword orm.Deferred[string]       `orm:"new_password" label:"Set Password"`
	Signature   string                     `orm:"signature,html" label:"Email Signature"`
	Active      bool                       `orm:"active,default=true" label:"Active"`
	ActionID    orm.Ref[Action]            `orm:"action_id" label:"Home Action" help:"If specified, this action will be opened at log on for this user, in addition to the standard menu."`
	GroupIDs    orm.Many[Group]            `orm:"group_ids,rel=res_groups_users_rel:uid:gid" label:"Groups" help:"Groups explicitly assigned to the user"`
	AllGroupIDs orm.Many[Group]            `orm:"all_group_ids" label:"Groups and implied groups"`
	LoginDate   orm.Deferred[orm.Datetime] `orm:"login_date" label:"Latest Login" groups:"base.group_erp_manager"`
	LogIDs      orm.Many[UserLog]          `orm:"log_ids,inverse=create_uid" label:"User log entries" groups:"base.group_erp_manager"`
	Share       bool                       `orm:"share,store,readonly" label:"Share User" help:"External user with limited access, created only for the purpose of sharing data."`
	TZOffset    orm.Deferred[string]       `orm:"tz_offset" label:"Timezone offset"`
	Companies   orm.Deferred[int]          `orm:"companies_count" label:"Number of Companies"`
	CompanyID   orm.Ref[Company]           `orm:"company_id,required,index,default=company" label:"Company" help:"The default company for this user."`
	CompanyIDs  orm.Many[Company]          `orm:"company_ids,rel=res_company_users_rel:user_id:cid" label:"Companies"`
	Name        string                     `orm:"name"`
	Email       string                     `orm:"email"`
	Lang        string                     `orm:"lang"`
	TZ          string                     `orm:"tz"`
	APIKeyIDs   orm.Many[APIKey]           `orm:"api_key_ids,inverse=user_id" label:"API Keys"`
	GroupCount  orm.Deferred[int]          `orm:"groups_count" label:"# Groups"`
	AccessCount orm.Deferred[int]          `orm:"accesses_count" label:"# Access Rights"`
	RuleCount   orm.Deferred[int]          `orm:"rules_count" label:"# Record Rules"`
}

// UserLog remembers that a user logged in.
type UserLog struct {
	orm.Record `orm:"res.users.log" label:"Users Log" order:"id desc"`
	CreateUID  orm.Ref[User] `orm:"create_uid"`
	CreateDate orm.Datetime  `orm:"create_date"`
	Address    string        `orm:"address,readonly" label:"Address" groups:"."`
}

// Methods of users that clients call.
var (
	HasGroup       = orm.Method[User]{Name: "has_group"}
	ContextGet     = orm.ModelMethod[User]{Name: "context_get"}
	ChangePassword = orm.ModelMethod[User]{Name: "change_password"}
)

func defineUsers(r *orm.Registry) {
	orm.Define[UserLog](r).OnAccess(func(super orm.AccessFunc) orm.AccessFunc {
		return func(rs orm.Records, op orm.Op) (orm.Domain, error) {
			d, err := super(rs, op)
			if err != nil || op != orm.OpRead {
				return d, err
			}
			employee, err := rs.Env.InAnyGroup("base.group_user")
			if err != nil || employee {
				return d, err
			}
			return orm.And(d, orm.Leaf("create_uid", "=", rs.Env.UID())), nil
		}
	})
	u := orm.Define[User](r)
	u.Default("company_ids", func(env *orm.Env) (any, error) { return []int64{env.Company()}, nil })
	u.Compute("share", func(env *orm.Env, us []*User) error {
		internal, ok, err := env.FindRef("base.group_user")
		if err != nil {
			return err
		}
		var direct []int64
		for _, u := range us {
			direct = append(direct, u.GroupIDs.IDs()...)
		}
		of, err := reached(env, "gid", "hid", direct)
		for i, id := range orm.StoredIDs(env, us) {
			us[i].Share = id != orm.SuperuserID && !(ok && slices.ContainsFunc(us[i].GroupIDs.IDs(), func(g int64) bool { return slices.Contains(of[g], internal.ID()) }))
		}
		return err
	}, "group_ids.implied_ids.implied_ids.implied_ids.implied_ids.implied_ids.implied_ids") // as deep as groups are nested
	u.Compute("all_group_ids", func(env *orm.Env, us []*User) error {
		var direct []int64
		for _, u := range us {
			direct = append(direct, u.GroupIDs.IDs()...)
		}
		of, err := reached(env, "gid", "hid", direct)
		for _, u := range us {
			seen := map[int64]bool{}
			for _, g := range u.GroupIDs.IDs() {
				for _, id := range of[g] {
					seen[id] = true
				}
			}
			u.AllGroupIDs.Set(slices.Sorted(maps.Keys(seen))...)
		}
		return err
	}, "group_ids.all_implied_ids")
	u.SearchBy("all_group_ids", func(env *orm.Env, op string, value any) (orm.Domain, error) {
		asked, found, err := namedGroups(env, op, value)
		if err != nil || !asked {
			return orm.Leaf("group_ids", op, value), err
		}
		of, err := reached(env, "hid", "gid", found)
		var ids []int64
		for _, g := range of {
			ids = append(ids, g...)
		}
		if op == "!=" || strings.HasPrefix(op, "not ") {
			return orm.Leaf("group_ids", "not in", ids), err
		}
		return orm.Leaf("group_ids", "in", ids), err
	})
	u.Compute("login_date", loginDates, "log_ids.create_date")
	u.Compute("tz_offset", func(env *orm.Env, us []*User) error {
		for _, u := range us {
			u.TZOffset.Set(offset(env, u.TZ))
		}
		return nil
	}, "tz")
	u.Compute("companies_count", func(env *orm.Env, us []*User) error {
		n, err := env.Model("res.company").SearchCount(nil, 0)
		for _, u := range us {
			u.Companies.Set(int(n))
		}
		return err
	})
	u.Compute("groups_count, accesses_count, rules_count", userCounts, "group_ids.model_access", "group_ids.rule_groups")
	u.WriteOnly("password", func(env *orm.Env, us []*User) error {
		for _, u := range us {
			if u.ID == env.UID() && !env.Superuser() {
				return errOwnPassword()
			}
			if err := setPassword(env, u.ID, u.Password.Get()); err != nil {
				return err
			}
		}
		return nil
	})
	u.WriteOnly("new_password", func(env *orm.Env, us []*User) error {
		for _, u := range us {
			if u.NewPassword.Get() == "" {
				continue
			}
			if u.ID == env.UID() {
				return errOwnPassword()
			}
			if err := setPassword(env, u.ID, u.NewPassword.Get()); err != nil {
				return err
			}
		}
		return nil
	})
	u.Unique("login_key", "login", "You can not have two users with the same login!")
	u.Constrain("company_id, company_ids, active", companiesAllowed)
	u.Constrain("group_ids", oneUserType)
	u.SearchBy("display_name", func(env *orm.Env, op string, value any) (orm.Domain, error) {
		if login, _ := value.(string); login != "" && (op == "=" || op == "ilike") {
			// who is named by their login is meant, whatever others are called
			found, err := env.Model("res.users").Search(orm.Leaf("login", "=", login), orm.SearchOptions{})
			if err != nil || found.Len() > 0 {
				return orm.Leaf("id", "in", found.IDs), err
			}
		}
		return orm.Leaf("name", op, value), nil
	})
	u.OnCreate(createUsers)
	u.OnWrite(writeUsers)
	u.OnUnlink(unlinkUsers)
	u.OnCopyData(copyUsers)
	orm.Implement(u, HasGroup, func(env *orm.Env, recs []*User, args orm.Args) (any, error) {
		if err := args.Check("has_group", 1, "group_ext_id"); err != nil {
			return nil, err
		}
		name := args.String(0, "group_ext_id")
		if len(recs) == 0 {
			return env.InAnyGroup(name)
		}
		if recs[0].ID != env.UID() && !env.Superuser() {
			// People from outside learn nothing of what others may do.
			if internal, err := env.InAnyGroup("base.group_user"); err != nil || !internal {
				return nil, cmp.Or(err, orm.AccessErrorf("You can only ask for groups of your own."))
			}
		}
		return env.WithUser(recs[0].ID).InAnyGroup(name)
	})
	orm.Implement(u, AskForKey, askForKey)
	orm.ImplementModel(u, ContextGet, func(env *orm.Env, _ orm.Args) (any, error) { return UserContext(env) })
	orm.ImplementModel(u, ChangePassword, func(env *orm.Env, args orm.Args) (any, error) {
		if args.Get(1, "new_passwd") == nil || len(args.Pos) > 2 {
			return nil, &orm.Error{Code: orm.CodeType, Message: "change_password() takes the old and the new password"}
		}
		return true, ChangeOwnPassword(env, args.String(0, "old_passwd"), args.String(1, "new_passwd"))
	})
}

// errOwnPassword keeps a session that somebody left open, and an API key, from
// becoming a password.
func errOwnPassword() error {
	return orm.UserErrorf("Please use the change password wizard (in User Preferences or User menu) to change your own password.")
}

// UserContext is what a client starts its context with: language, time zone
// and user id.
func UserContext(env *orm.Env) (map[string]any, error) {
	u, err := orm.Get[User](env.Sudo(), env.UID())
	if err != nil {
		return nil, err
	}
	out := map[string]any{"lang": orm.DefaultLang, "tz": false, "uid": env.UID()}
	if u.Lang != "" {
		out["lang"] = u.Lang
	}
	if u.TZ != "" {
		out["tz"] = u.TZ
	}
	return out, nil
}

// membersOf tells which users are in a group, directly or by implication.
func membersOf(env *orm.Env, group int64, users []int64) (map[int64]bool, error) {
	// SQL: recursive.
	ids, err := orm.Rows[int64](env, orm.SQL(`WITH RECURSIVE g(id) AS (
			SELECT ?::bigint UNION SELECT r.gid FROM res_groups_implied_rel r JOIN g ON g.id = r.hid)
		SELECT DISTINCT r.uid FROM res_groups_users_rel r JOIN g ON g.id = r.gid WHERE r.uid = ANY(?)`, group, users).
		Reads("res.groups", "implied_ids").Reads("res.users", "group_ids"))
	out := make(map[int64]bool, len(ids))
	for _, id := range ids {
		out[id] = true
	}
	return out, err
}

// loginDates tells when users logged in, as far as the user may read it.
func loginDates(env *orm.Env, us []*User) error {
	for _, u := range us {
		u.LoginDate.Set(orm.Datetime{})
	}
	logs := env.Model("res.users.log")
	if ok, err := logs.HasAccess(orm.OpRead); err != nil || !ok {
		return err
	}
	groups, err := logs.ReadGroup(orm.Leaf("create_uid", "in", orm.IDs(env, us)), []string{"create_uid"}, []string{"create_date:max"}, orm.GroupOptions{})
	at := map[any]orm.Datetime{}
	for _, g := range groups {
		at[g.Keys[0]], _ = g.Values["create_date:max"].(orm.Datetime)
	}
	for _, u := range us {
		u.LoginDate.Set(at[u.ID])
	}
	return err
}

// userCounts tells administrators how much access users have been given.
func userCounts(env *orm.Env, us []*User) error {
	for _, u := range us {
		u.GroupCount.Set(0)
		u.AccessCount.Set(0)
		u.RuleCount.Set(0)
		// SQL: recursive.
		groups, err := orm.Rows[int64](env, orm.SQL(`WITH RECURSIVE g(id) AS (
				SELECT gid FROM res_groups_users_rel WHERE uid = ?
				UNION SELECT r.hid FROM res_groups_implied_rel r JOIN g ON g.id = r.gid)
			SELECT id FROM g`, u.ID).Reads("res.users", "group_ids").Reads("res.groups", "implied_ids"))
		if err != nil {
			return err
		}
		for _, c := range []struct {
			model, field string
			to           *orm.Deferred[int]
		}{{"res.groups", "id", &u.GroupCount}, {"ir.model.access", "group_id", &u.AccessCount}, {"ir.rule", "groups", &u.RuleCount}} {
			rs := env.Model(c.model)
			if ok, err := rs.HasAccess(orm.OpRead); err != nil {
				return err
			} else if !ok {
				continue
			}
			n, err := rs.SearchCount(orm.Leaf(c.field, "in", groups), 0)
			if err != nil {
				return err
			}
			c.to.Set(n)
		}
	}
	return nil
}

func companiesAllowed(env *orm.Env, us []*User) error {
	if err := orm.Load(env.Sudo(), us, "company_id", "company_ids"); err != nil {
		return err
	}
	for _, u := range us {
		if !u.Active {
			continue
		}
		ok := false
		for _, c := range u.CompanyIDs.IDs() {
			ok = ok || c == u.CompanyID.ID
		}
		if !ok {
			name := ""
			if c := u.CompanyID.Rec(); c != nil {
				name = c.Name
			}
			return orm.ValidationErrorf("Company %s is not in the allowed companies for user %s.", name, u.Login)
		}
	}
	return nil
}

// oneUserType keeps internal, portal and public users apart.
func oneUserType(env *orm.Env, us []*User) error {
	kinds := map[int64][]string{}
	for _, name := range []string{"base.group_user", "base.group_portal", "base.group_public"} {
		g, ok, err := env.FindRef(name)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		members, err := membersOf(env, g.ID(), orm.IDs(env, us))
		if err != nil || len(members) == 0 {
			if err != nil {
				return err
			}
			continue
		}
		names, err := g.In(env.Sudo()).DisplayNames()
		if err != nil {
			return err
		}
		for id := range members {
			kinds[id] = append(kinds[id], "'"+names[g.ID()]+"'")
		}
	}
	for _, u := range us {
		if len(kinds[u.ID]) > 1 {
			return orm.ValidationErrorf("User '%s' cannot be at the same time in exclusive groups %s.", u.Name, strings.Join(kinds[u.ID], ", "))
		}
	}
	return nil
}

func createUsers(super orm.CreateFunc) orm.CreateFunc {
	return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
		made, err := super(rs, list)
		if err != nil {
			return made, err
		}
		us, err := orm.Read[User](rs.Env.Sudo(), made.IDs, "partner_id")
		if err != nil {
			return made, err
		}
		for _, u := range us {
			p := u.PartnerID.Rec()
			if p.CompanyID.IsSet() && p.CompanyID.ID != u.CompanyID.ID {
				if err := rs.Env.Model("res.partner").Browse(p.ID).Write(orm.Values{"company_id": u.CompanyID.ID}); err != nil {
					return made, err
				}
			}
			if p.Active != u.Active {
				if err := rs.Env.Model("res.partner").Browse(p.ID).Write(orm.Values{"active": u.Active}); err != nil {
					return made, err
				}
			}
		}
		return made, nil
	}
}

func writeUsers(super orm.WriteFunc) orm.WriteFunc {
	return func(rs orm.Records, vals orm.Values) error {
		env := rs.Env
		if active, ok := vals["active"]; ok && !asBool(active) {
			for _, id := range rs.IDs {
				if id == env.UID() {
					return orm.UserErrorf("You cannot deactivate the user you're currently logged in as.")
				}
			}
		}
		if active, ok := vals["active"]; ok && asBool(active) {
			for _, id := range rs.IDs {
				if id == orm.SuperuserID {
					return orm.UserErrorf("You cannot activate the superuser.")
				}
			}
			partners, err := orm.Read[User](env.Sudo(), rs.IDs)
			if err != nil {
				return err
			}
			for _, u := range partners {
				if err := env.Model("res.partner").Browse(u.PartnerID.ID).Write(orm.Values{"active": true}); err != nil {
					return err
				}
			}
		}
		target, vals, err := forSelf(rs, vals)
		if err != nil {
			return err
		}
		if err := super(target, vals); err != nil {
			return err
		}
		if company := vals.ID("company_id"); company != 0 {
			us, err := orm.Read[User](env.Sudo(), rs.IDs, "partner_id")
			if err != nil {
				return err
			}
			for _, u := range us {
				if p := u.PartnerID.Rec(); p.CompanyID.IsSet() && p.CompanyID.ID != company {
					if err := target.Env.Model("res.partner").Browse(p.ID).Write(orm.Values{"company_id": company}); err != nil {
						return err
					}
				}
			}
		}
		return nil
	}
}

func unlinkUsers(super orm.UnlinkFunc) orm.UnlinkFunc {
	return func(rs orm.Records) error {
		for _, id := range rs.IDs {
			if id == orm.SuperuserID {
				return orm.UserErrorf("You can not remove the admin user as it is used internally for resources created by Odoo (updates, module installation, ...)")
			}
			if id == rs.Env.UID() {
				return orm.UserErrorf("You can not delete the user you are logged in as.")
			}
		}
		for _, name := range []string{"base.user_admin", "base.public_user", "base.template_portal_user_id", "base.default_user"} {
			u, ok, err := rs.Env.FindRef(name)
			if err != nil {
				return err
			}
			for _, id := range rs.IDs {
				if ok && id == u.ID() {
					return orm.UserErrorf("You cannot delete the user %s because it is required by the system. Archive it instead.", name)
				}
			}
		}
		return super(rs)
	}
}

func copyUsers(super orm.CopyDataFunc) orm.CopyDataFunc {
	return func(rs orm.Records, vals orm.Values) (orm.Values, error) {
		u, err := orm.Get[User](rs.Env, rs.ID())
		if err != nil {
			return nil, err
		}
		if !vals.Has("name", "partner_id") {
			vals["name"] = u.Name + " (copy)"
		}
		if !vals.Has("login") {
			vals["login"] = u.Login + " (copy)"
		}
		return super(rs, vals)
	}
}
