package module_test

import (
	"testing/fstest"

	"fusion/framework/module"
	"fusion/framework/orm"
)

// kernel is the least an addon list needs: the models in which this package
// keeps what it does, with Odoo's names.
func kernel() module.Addon {
	return module.Addon{Name: "base", Title: "Kernel", Version: "19.0.1.0.0", Data: []string{"data/users.xml"},
		FS: fstest.MapFS{"data/users.xml": {Data: []byte(kernelXML)}}, Define: defineKernel}
}

const kernelXML = `<?xml version="1.0" encoding="utf-8"?>
<odoo>
	<record id="group_user" model="res.groups"><field name="name">User</field></record>
	<record id="user_root" model="res.users"><field name="login">__system__</field></record>
</odoo>`

type (
	irModel struct {
		orm.Record `orm:"ir.model" order:"model" label:"Models"`
		Model      string `orm:"model" validate:"required"`
		Name       string `orm:"name"`
		State      string `orm:"state"`
		Transient  bool   `orm:"transient"`
	}
	irModelFields struct {
		orm.Record  `orm:"ir.model.fields" label:"Fields"`
		Model       string           `orm:"model" validate:"required"`
		Name        string           `orm:"name" validate:"required"`
		ModelID     orm.Ref[irModel] `orm:"model_id,ondelete=cascade" validate:"required"`
		Description string           `orm:"field_description,translate"`
		Type        string           `orm:"ttype"`
		Relation    string           `orm:"relation"`
		Store       bool             `orm:"store"`
	}
	irModelData struct {
		orm.Record `orm:"ir.model.data" label:"External Identifiers"`
		Module     string `orm:"module" validate:"required"`
		Name       string `orm:"name" validate:"required"`
		Model      string `orm:"model" validate:"required"`
		ResID      int64  `orm:"res_id,many2one_reference,model_field=model"`
		NoUpdate   bool   `orm:"noupdate"`
	}
	irModule struct {
		orm.Record `orm:"ir.module.module" label:"Module"`
		Name       string `orm:"name" validate:"required"`
		ShortDesc  string `orm:"shortdesc"`
		State      string `orm:"state"`
		Latest     string `orm:"latest_version"`
		Demo       bool   `orm:"demo"`
	}
	access struct {
		orm.Record `orm:"ir.model.access" label:"Access"`
		Name       string           `orm:"name" validate:"required"`
		ModelID    orm.Ref[irModel] `orm:"model_id,ondelete=cascade" validate:"required"`
		GroupID    orm.Ref[group]   `orm:"group_id"`
		Read       bool             `orm:"perm_read"`
		Write      bool             `orm:"perm_write"`
		Create     bool             `orm:"perm_create"`
		Unlink     bool             `orm:"perm_unlink"`
		Active     bool             `orm:"active,default=true"`
	}
	group struct {
		orm.Record `orm:"res.groups" label:"Group"`
		Name       string          `orm:"name" validate:"required"`
		Implied    orm.Many[group] `orm:"implied_ids,rel=res_groups_implied_rel:gid:hid"`
		Users      orm.Many[user]  `orm:"user_ids,rel=res_groups_users_rel:gid:uid"`
	}
	user struct {
		orm.Record `orm:"res.users" rec:"login" label:"User"`
		Login      string          `orm:"login" validate:"required"`
		Groups     orm.Many[group] `orm:"group_ids,rel=res_groups_users_rel:uid:gid"`
	}
	uiView struct {
		orm.Record `orm:"ir.ui.view" label:"View"`
		Name       string          `orm:"name" validate:"required"`
		Model      string          `orm:"model"`
		Type       string          `orm:"type"`
		Key        string          `orm:"key"`
		Mode       string          `orm:"mode"`
		Priority   int             `orm:"priority,default=16"`
		Arch       string          `orm:"arch,text"`
		InheritID  orm.Ref[uiView] `orm:"inherit_id"`
		Groups     orm.Many[group] `orm:"group_ids"`
		Active     bool            `orm:"active,default=true"`
	}
	actWindow struct {
		orm.Record `orm:"ir.actions.act_window" label:"Action"`
		Name       string          `orm:"name" validate:"required"`
		ResModel   string          `orm:"res_model" validate:"required"`
		ViewMode   string          `orm:"view_mode,default=list"`
		Domain     string          `orm:"domain"`
		Context    string          `orm:"context"`
		ViewID     orm.Ref[uiView] `orm:"view_id"`
	}
	uiMenu struct {
		orm.Record `orm:"ir.ui.menu" label:"Menu"`
		Name       string          `orm:"name" validate:"required"`
		ParentID   orm.Ref[uiMenu] `orm:"parent_id"`
		Action     string          `orm:"action,reference"`
		Sequence   int             `orm:"sequence,default=10"`
		WebIcon    string          `orm:"web_icon"`
		Groups     orm.Many[group] `orm:"group_ids"`
		Active     bool            `orm:"active,default=true"`
	}
)

func defineKernel(r *orm.Registry) {
	orm.Define[irModel](r)
	orm.Define[irModelFields](r)
	orm.Define[irModelData](r).Unique("name_uniq", "module, name", "An external id exists once.")
	orm.Define[irModule](r)
	orm.Define[access](r)
	orm.Define[group](r)
	orm.Define[user](r)
	orm.Define[uiView](r)
	orm.Define[actWindow](r)
	orm.Define[uiMenu](r)
}
