package base // want package:"models base.thread, res.partner"

import (
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
)

// Thread is a mixin.
type Thread struct {
	orm.Mixin `orm:"base.thread"`
	Messages  int `orm:"message_count"`
}

// Partner is a contact.
type Partner struct {
	orm.Record `orm:"res.partner"`
	Thread
	Name   string            `orm:"name"`
	Parent orm.Ref[Partner]  `orm:"parent_id"`
	Kids   orm.Many[Partner] `orm:"child_ids,inverse=parent_id"`
	Owner  int64             `orm:"owner_id,many2one=res.owner"`
}

func Addon() module.Addon { return module.Addon{Name: "base", Define: define} }

func define(r *orm.Registry) {
	t := orm.DefineMixin[Thread](r)
	t.Compute("message_count", nil, "active") // of the models that take the mixin
	d := orm.Define[Partner](r)
	d.Constrain("name, parnt_id", nil) // want `res.partner has no field "parnt_id"; did you mean "parent_id"\?`
}

func use(env *orm.Env, partners []*Partner) {
	orm.Save(env, partners, "name", "nmae")                  // want `Partner has no field for "nmae"; did you mean "name"\?`
	orm.Load(env, partners, "parent_id.child_ids.parent")    // want `Partner has no field for "parent"`
	orm.Load(env, partners, "parent_id.child_ids.parent_id") // and all is well
	orm.Leaf("owner_id.whatever", "=", 1)                    // a model that is not seen
	orm.Leaf("nobody_has_this", "=", 1)                      // want `no model has a field "nobody_has_this"`
}
