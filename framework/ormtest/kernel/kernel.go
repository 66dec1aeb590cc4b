// Package kernel is the least addon that others can be installed on: the
// models in which the framework keeps what it does, under Odoo's names. Tests
// of the framework use it where addons/base would be out of reach, since the
// framework may not import an addon.
package kernel

import (
	"testing/fstest"

	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
)

// Addon is the manifest. Its name is base, so that addons under test can depend
// on it as they do in earnest.
func Addon() module.Addon {
	return module.Addon{Name: "base", Title: "Kernel", Version: "19.0.1.0.0", Data: []string{"data/users.xml"},
		FS: fstest.MapFS{"data/users.xml": {Data: []byte(usersXML)}}, Define: define}
}

const usersXML = `<?xml version="1.0" encoding="utf-8"?>
<odoo>
	<record id="group_user" model="res.groups"><field name="name">User</field></record>
	<record id="user_root" model="res.users"><field name="login">__system__</field></record>
</odoo>`

type (
	Model struct {
		orm.Record `orm:"ir.model" order:"model" label:"Models"`
		Model      string `orm:"model" validate:"required"`
		Name       string `orm:"name"`
		State      string `orm:"state"`
		Transient  bool   `orm:"transient"`
	}
	Field struct {
		orm.Record  `orm:"ir.model.fields" label:"Fields"`
		Model       string         `orm:"model" validate:"required"`
		Name        string         `orm:"name" validate:"required"`
		ModelID     orm.Ref[Model] `orm:"model_id,ondelete=cascade" validate:"required"`
		Description string         `orm:"field_description,translate"`
		Type        string         `orm:"ttype"`
		Relation    string         `orm:"relation"`
		Store       bool           `orm:"store"`
	}
	ModelData struct {
		orm.Record `orm:"ir.model.data" label:"External Identifiers"`
		Module     string `orm:"module" validate:"required"`
		Name       string `orm:"name" validate:"required"`
		Model      string `orm:"model" validate:"required"`
		ResID      int64  `orm:"res_id,many2one_reference,model_field=model"`
		NoUpdate   bool   `orm:"noupdate"`
	}
	Module struct {
		orm.Record `orm:"ir.module.module" label:"Module"`
		Name       string `orm:"name" validate:"required"`
		ShortDesc  string `orm:"shortdesc"`
		State      string `orm:"state"`
		Latest     string `orm:"latest_version"`
		Demo       bool   `orm:"demo"`
	}
	Access struct {
		orm.Record `orm:"ir.model.access" label:"Access"`
		Name       string         `orm:"name" validate:"required"`
		ModelID    orm.Ref[Model] `orm:"model_id,ondelete=cascade" validate:"required"`
		GroupID    orm.Ref[Group] `orm:"group_id"`
		Read       bool           `orm:"perm_read"`
		Write      bool           `orm:"perm_write"`
		Create     bool           `orm:"perm_create"`
		Unlink     bool           `orm:"perm_unlink"`
		Active     bool           `orm:"active,default=true"`
	}
	Group struct {
		orm.Record `orm:"res.groups" label:"Group"`
		Name       string          `orm:"name" validate:"required"`
		Implied    orm.Many[Group] `orm:"implied_ids,rel=res_groups_implied_rel:gid:hid"`
		Users      orm.Many[User]  `orm:"user_ids,rel=res_groups_users_rel:gid:uid"`
	}
	User struct {
		orm.Record `orm:"res.users" rec:"login" label:"User"`
		Login      string          `orm:"login" validate:"required"`
		Groups     orm.Many[Group] `orm:"group_ids,rel=res_groups_users_rel:uid:gid"`
	}
	View struct {
		orm.Record `orm:"ir.ui.view" label:"View"`
		Name       string          `orm:"name" validate:"required"`
		Model      string          `orm:"model"`
		Type       string          `orm:"type"`
		Key        string          `orm:"key"`
		Mode       string          `orm:"mode"`
		Priority   int             `orm:"priority,default=16"`
		Arch       string          `orm:"arch,text"`
		InheritID  orm.Ref[View]   `orm:"inherit_id"`
		Groups     orm.Many[Group] `orm:"group_ids"`
		Active     bool            `orm:"active,default=true"`
	}
	ActWindow struct {
		orm.Record `orm:"ir.actions.act_window" label:"Action"`
		Name       string        `orm:"name" validate:"required"`
		ResModel   string        `orm:"res_model" validate:"required"`
		ViewMode   string        `orm:"view_mode,default=list"`
		Domain     string        `orm:"domain"`
		Context    string        `orm:"context"`
		ViewID     orm.Ref[View] `orm:"view_id"`
	}
	Menu struct {
		orm.Record `orm:"ir.ui.menu" label:"Menu"`
		Name       string          `orm:"name" validate:"required"`
		ParentID   orm.Ref[Menu]   `orm:"parent_id"`
		Action     string          `orm:"action,reference"`
		Sequence   int             `orm:"sequence,default=10"`
		WebIcon    string          `orm:"web_icon"`
		Groups     orm.Many[Group] `orm:"group_ids"`
		Active     bool            `orm:"active,default=true"`
	}
)

// policy names the models of users and groups, and regulates nothing.
type policy struct{ orm.OpenPolicy }

// Models are those of the addon.
func (policy) Models() orm.PolicyModels {
	return orm.PolicyModels{Users: "res.users", Groups: "res.groups"}
}

func define(r *orm.Registry) {
	r.SetPolicy(policy{})
	orm.Define[Model](r)
	orm.Define[Field](r)
	orm.Define[ModelData](r).Unique("name_uniq", "module, name", "An external id exists once.")
	orm.Define[Module](r)
	orm.Define[Access](r)
	orm.Define[Group](r)
	orm.Define[User](r)
	orm.Define[View](r)
	orm.Define[ActWindow](r)
	orm.Define[Menu](r)
}
