package base

import (
	"slices"

	"fusionsoft.ca/fusion/framework/expr"
	"fusionsoft.ca/fusion/framework/orm"
)

// Access grants a group (everybody, without one) operations on a model.
type Access struct {
	orm.Record `orm:"ir.model.access" label:"Model Access" order:"model_id,group_id,name,id"`
	Name       string           `orm:"name,required,index" label:"Name"`
	Active     bool             `orm:"active,default=true" label:"Active"`
	ModelID    orm.Ref[IrModel] `orm:"model_id,required,index,ondelete=cascade" label:"Model"`
	GroupID    orm.Ref[Group]   `orm:"group_id,index,ondelete=restrict" label:"Group"`
	PermRead   bool             `orm:"perm_read" label:"Read Access"`
	PermWrite  bool             `orm:"perm_write" label:"Write Access"`
	PermCreate bool             `orm:"perm_create" label:"Create Access"`
	PermUnlink bool             `orm:"perm_unlink" label:"Delete Access"`
}

// Rule restricts the records of a model by a domain evaluated for the user.
// Rules without group hold for everybody, all of them; of those with groups one
// that applies is enough.
type Rule struct {
	orm.Record  `orm:"ir.rule" label:"Record Rule" order:"model_id desc, id"`
	Name        string           `orm:"name" label:"Name"`
	Active      bool             `orm:"active,default=true" label:"Active" help:"If you uncheck the active field, it will disable the record rule without deleting it."`
	ModelID     orm.Ref[IrModel] `orm:"model_id,required,index,ondelete=cascade" label:"Model"`
	Groups      orm.Many[Group]  `orm:"groups,rel=rule_group_rel:rule_group_id:group_id" label:"Groups"`
	DomainForce string           `orm:"domain_force,text" label:"Domain"`
	PermRead    bool             `orm:"perm_read,default=true" label:"Read"`
	PermWrite   bool             `orm:"perm_write,default=true" label:"Write"`
	PermCreate  bool             `orm:"perm_create,default=true" label:"Create"`
	PermUnlink  bool             `orm:"perm_unlink,default=true" label:"Delete"`
	Global      bool             `orm:"global,store,readonly" label:"Global" help:"If no group is specified the rule is global and applied to everyone"`
}

// CheckAccess reports whether the caller's groups allow an operation on a model:
// model, mode = "read", raise_exception = true. Without the right it fails, or
// answers false if told to.
var CheckAccess = orm.ModelMethod[Access]{Name: "check"}

func checkAccess(env *orm.Env, args orm.Args) (any, error) {
	if err := args.Check("check", 1, "model", "mode", "raise_exception"); err != nil {
		return nil, err
	}
	op := orm.OpRead
	if mode := args.String(1, "mode"); mode != "" {
		op = orm.Op(mode)
	}
	rs, err := env.Lookup(args.String(0, "model"))
	if err != nil {
		return nil, err
	}
	if !slices.Contains([]orm.Op{orm.OpRead, orm.OpWrite, orm.OpCreate, orm.OpUnlink}, op) {
		return nil, orm.ValueErrorf("The mode is read, write, create or unlink, not %q.", op)
	}
	if allowed, err := rs.HasAccess(op); allowed || err != nil || args.Get(2, "raise_exception") == false {
		return allowed, err
	}
	return nil, rs.CheckAccess(op)
}

func defineAccess(r *orm.Registry) {
	orm.ImplementModel(orm.Define[Access](r), CheckAccess, checkAccess)
	u := orm.Define[Rule](r)
	u.Compute("global", func(env *orm.Env, us []*Rule) error {
		for _, u := range us {
			u.Global = len(u.Groups.IDs()) == 0
		}
		return nil
	}, "groups")
	u.Check("no_access_rights", "perm_read OR perm_write OR perm_create OR perm_unlink", "Rule must have at least one checked access right!")
	u.Constrain("active, domain_force, model_id", func(env *orm.Env, us []*Rule) error {
		if err := orm.Load(env.Sudo(), us, "model_id"); err != nil {
			return err
		}
		for _, u := range us {
			if !u.Active || u.DomainForce == "" {
				continue
			}
			if err := checkRule(env, u); err != nil {
				return err
			}
		}
		return nil
	})
	u.Constrain("model_id", func(env *orm.Env, us []*Rule) error {
		if err := orm.Load(env.Sudo(), us, "model_id"); err != nil {
			return err
		}
		for _, u := range us {
			if m := u.ModelID.Rec(); m != nil && m.Model == "ir.rule" {
				return orm.ValidationErrorf("Rules can not be applied on the Record Rules model.")
			}
		}
		return nil
	})
}

// checkRule evaluates a rule's domain with a user of which everything is known,
// to find mistakes before they lock people out.
func checkRule(env *orm.Env, u *Rule) error {
	user := ruleUser(1, 1, 1, []any{int64(1)}, "", func() (int64, error) { return 1, nil })
	domain, err := expr.Domain(u.DomainForce, map[string]any{"user": user, "uid": int64(1), "company_id": int64(1), "company_ids": []any{int64(1)}})
	if m := u.ModelID.Rec(); err == nil && m != nil {
		if _, installed := env.Registry().Model(m.Model); installed {
			err = env.Model(m.Model).CheckDomain(domain)
		}
	}
	if err != nil {
		return &orm.Error{Code: orm.CodeValidation, Message: "Invalid domain: " + err.Error() + " (record rule “" + u.Name + "”)", Fields: []string{"domain_force"}}
	}
	return nil
}
