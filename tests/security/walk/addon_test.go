package walk

import (
	"fmt"
	"strings"
	"testing/fstest"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/report"
	"fusionsoft.ca/fusion/standard"
)

// The addon walk has fields of every kind and relations of every kind between
// models whose record rules are made at random. Every way there is to read is
// tried on it and on the models of the program beside it.
type (
	walkPlace struct {
		orm.Record `orm:"walk.place" label:"Place" order:"name, id"`
		Name       string                `orm:"name,required,translate" label:"Name"`
		Note       string                `orm:"note" label:"Note"`
		Safe       string                `orm:"safe" label:"cnry900001z" groups:"walk.group_b"`
		Level      int                   `orm:"level" label:"Level"`
		Company    orm.Ref[base.Company] `orm:"company_id" label:"Company"`
		Docs       orm.Many[walkDoc]     `orm:"doc_ids,inverse=place_id" label:"Documents"`
		Count      orm.Deferred[int]     `orm:"doc_count" label:"Number of Documents"`
	}
	walkTag struct {
		orm.Record `orm:"walk.tag" label:"Tag" order:"id"`
		Name       string `orm:"name,required" label:"Name"`
		Level      int    `orm:"level" label:"Level"`
	}
	walkDoc struct {
		orm.Record `orm:"walk.doc" label:"Document" order:"id"`
		mail.Thread
		mail.ActivityMixin
		Name     string                   `orm:"name,required,tracking" label:"Name"`
		Title    string                   `orm:"title,translate" label:"Title"`
		Text     string                   `orm:"text,text" label:"Text"`
		Body     string                   `orm:"body,html" label:"Body"`
		Local    string                   `orm:"local,company_dependent" label:"Local"`
		Safe     string                   `orm:"safe,tracking" label:"cnry900002z" groups:"walk.group_b"`
		Chip     orm.Secret               `orm:"chip" label:"Chip" groups:"walk.group_b"`
		File     orm.Deferred[orm.Binary] `orm:"file" label:"File"`
		FileName string                   `orm:"file_name" label:"File Name"`
		Key      orm.Deferred[orm.Binary] `orm:"key_file" label:"Key" groups:"walk.group_b"`
		Photo    orm.Deferred[orm.Binary] `orm:"photo,image" label:"Photo"`
		State    string                   `orm:"state,default=new,tracking" selection:"new:New,done:Done" label:"Status"`
		Level    int                      `orm:"level" label:"Level"`
		Amount   decimal.Decimal          `orm:"amount,digits=2,aggregator=sum" label:"Amount"`
		Cost     decimal.Decimal          `orm:"cost,digits=2,aggregator=sum" label:"cnry900003z" groups:"walk.group_b"`
		Day      orm.Date                 `orm:"day" label:"Day"`
		Facts    orm.JSON                 `orm:"facts" label:"Facts"`
		User     orm.Ref[base.User]       `orm:"user_id" label:"Responsible"`
		Company  orm.Ref[base.Company]    `orm:"company_id" label:"Company"`
		Partner  orm.Ref[base.Partner]    `orm:"partner_id" label:"Partner"`
		Place    orm.Ref[walkPlace]       `orm:"place_id" label:"Place"`
		Hidden   orm.Ref[walkPlace]       `orm:"hidden_place_id" label:"cnry900004z" groups:"walk.group_b"`
		Parent   orm.Ref[walkDoc]         `orm:"parent_id,ondelete=cascade" label:"Parent"`
		Children orm.Many[walkDoc]        `orm:"child_ids,inverse=parent_id" label:"Children"`
		Tags     orm.Many[walkTag]        `orm:"tag_ids" label:"Tags"`
		Ref      string                   `orm:"ref,reference" selection:"walk.place:Place,walk.tag:Tag" label:"Reference"`
		PlaceNt  string                   `orm:"place_note,related=place_id.note" label:"Note of the Place"`
		PlaceSv  string                   `orm:"place_stored,related=place_id.note,store" label:"Kept Note of the Place"`
		Summary  orm.Deferred[string]     `orm:"summary" label:"Summary"`
		Total    decimal.Decimal          `orm:"total,digits=2,store,readonly,aggregator=sum" label:"Total"`
		Active   bool                     `orm:"active,default=true" label:"Active"`
		Parts    orm.Many[walkPart]       `orm:"part_ids,inverse=doc_id" label:"Parts"`
	}
	// walkPart delegates to a document, as a product does to its template.
	walkPart struct {
		orm.Record `orm:"walk.part" label:"Part" order:"id"`
		Doc        orm.Ref[walkDoc] `orm:"doc_id,required,delegate,ondelete=cascade" label:"Document"`
		Code       string           `orm:"code" label:"Code"`
	}
	// walkDesk is a wizard.
	walkDesk struct {
		orm.Record `orm:"walk.desk,transient" label:"Desk"`
		Remark     string            `orm:"remark" label:"Remark"`
		Doc        orm.Ref[walkDoc]  `orm:"doc_id" label:"Document"`
		Docs       orm.Many[walkDoc] `orm:"doc_ids" label:"Documents"`
	}
)

var (
	walkShow   = orm.Method[walkDoc]{Name: "action_show"}
	walkFail   = orm.Method[walkDoc]{Name: "action_fail"}
	walkPaper  = orm.Method[walkDoc]{Name: report.MethodOf("walk.report_doc")}
	walkAbout  = orm.ModelMethod[walkDoc]{Name: "about"}
	walkFinish = orm.Method[walkDesk]{Name: "action_finish"}
)

func defineWalk(r *orm.Registry) {
	p := orm.Define[walkPlace](r)
	p.Compute("doc_count", func(_ *orm.Env, ps []*walkPlace) error {
		for _, p := range ps {
			p.Count.Set(len(p.Docs.IDs()))
		}
		return nil
	}, "doc_ids")
	orm.Define[walkTag](r)
	d := orm.Define[walkDoc](r)
	d.Compute("summary", func(_ *orm.Env, ds []*walkDoc) error {
		for _, d := range ds {
			d.Summary.Set(d.Name + " / " + d.Text)
		}
		return nil
	}, "name", "text")
	d.Compute("total", func(_ *orm.Env, ds []*walkDoc) error {
		for _, d := range ds {
			d.Total = d.Amount.Add(d.Amount)
		}
		return nil
	}, "amount")
	orm.Implement(d, walkShow, func(env *orm.Env, ds []*walkDoc, _ orm.Args) (any, error) {
		return map[string]any{"type": "ir.actions.client", "tag": "display_notification", "params": map[string]any{"message": ds[0].Name}}, nil
	})
	orm.Implement(d, walkFail, func(_ *orm.Env, ds []*walkDoc, _ orm.Args) (any, error) {
		return nil, orm.UserErrorf("%s is not ready.", ds[0].Name)
	})
	orm.Implement(d, walkPaper, func(env *orm.Env, ds []*walkDoc, _ orm.Args) (any, error) {
		doc := report.New(report.Options{Title: "Documents", Created: env.Now()})
		doc.Part(report.Letterhead{})
		for _, d := range ds {
			doc.Text(d.Name + " " + d.Text)
		}
		return doc.Bytes()
	})
	orm.ImplementModel(d, walkAbout, func(env *orm.Env, _ orm.Args) (any, error) {
		found, err := env.Model("walk.doc").Search(nil, orm.SearchOptions{})
		if err != nil {
			return nil, err
		}
		return found.Read("name")
	})
	orm.Define[walkPart](r)
	w := orm.Define[walkDesk](r)
	orm.Implement(w, walkFinish, func(env *orm.Env, ws []*walkDesk, _ orm.Args) (any, error) {
		return map[string]any{"type": "ir.actions.act_window_close", "effect": map[string]any{"message": ws[0].Remark}}, nil
	})
}

const walkViews = `<odoo>
<record id="group_a" model="res.groups"><field name="name">A</field></record>
<record id="group_b" model="res.groups"><field name="name">B</field></record>
<record id="doc_list" model="ir.ui.view"><field name="name">list</field><field name="model">walk.doc</field><field name="arch" type="xml">
<list><header><button name="action_show" type="object" string="Show"/></header>
<field name="name"/><field name="title"/><field name="local"/><field name="safe"/><field name="amount" sum="Sum"/><field name="cost" sum="Costs"/><field name="total" sum="Total"/>
<field name="user_id"/><field name="company_id"/><field name="place_id"/><field name="parent_id"/><field name="tag_ids" widget="many2many_tags"/><field name="ref"/>
<field name="place_note"/><field name="place_stored"/><field name="summary"/><field name="activity_ids" widget="list_activity"/><field name="child_ids"/><field name="level" optional="hide"/>
<button name="action_fail" type="object" string="Fail"/></list></field></record>
<record id="doc_form" model="ir.ui.view"><field name="name">form</field><field name="model">walk.doc</field><field name="arch" type="xml">
<form><header><button name="action_show" type="object" string="Show"/><button name="action_fail" type="object" string="Fail"/><field name="state" widget="statusbar"/></header>
<sheet><field name="photo" widget="image"/><group><field name="name"/><field name="title"/><field name="text"/><field name="body"/><field name="local"/><field name="safe"/><field name="chip"/><field name="file" filename="file_name"/><field name="file_name"/>
<field name="key_file"/><field name="amount"/><field name="cost"/><field name="day"/><field name="facts"/><field name="user_id"/><field name="company_id"/><field name="partner_id"/><field name="place_id"/><field name="hidden_place_id"/>
<field name="parent_id"/><field name="ref"/><field name="place_note"/><field name="place_stored"/><field name="summary"/><field name="total"/><field name="tag_ids" widget="many2many_tags"/></group>
<notebook><page string="Children"><field name="child_ids"><list><field name="name"/><field name="safe"/><field name="place_id"/><field name="amount" sum="Sum"/></list></field></page>
<page string="Parts"><field name="part_ids"><list><field name="code"/><field name="text"/><field name="safe"/></list></field></page></notebook></sheet><chatter/></form></field></record>
<record id="doc_kanban" model="ir.ui.view"><field name="name">kanban</field><field name="model">walk.doc</field><field name="arch" type="xml">
<kanban default_group_by="place_id"><progressbar field="state" colors='{"new": "success", "done": "danger"}'/><templates><t t-name="card"><field name="name"/><field name="safe"/><field name="user_id"/><field name="tag_ids"/><field name="amount"/></t></templates></kanban></field></record>
<record id="doc_search" model="ir.ui.view"><field name="name">search</field><field name="model">walk.doc</field><field name="arch" type="xml">
<search><field name="name"/><field name="text"/><field name="safe"/><field name="place_id"/><field name="tag_ids"/><filter name="rich" string="Rich" domain="[('amount', '&gt;', 50)]"/><filter name="day" string="Day" date="day"/>
<filter name="by_place" string="Place" context="{'group_by': 'place_id'}"/><filter name="by_user" string="User" context="{'group_by': 'user_id'}"/></search></field></record>
<record id="place_form" model="ir.ui.view"><field name="name">form</field><field name="model">walk.place</field><field name="arch" type="xml">
<form><field name="name"/><field name="note"/><field name="safe"/><field name="level"/><field name="company_id"/><field name="doc_count"/><field name="doc_ids"/></form></field></record>
<record id="docs" model="ir.actions.act_window"><field name="name">Documents</field><field name="res_model">walk.doc</field><field name="view_mode">list,kanban,pivot,graph,form</field><field name="path">walk-docs</field></record>
<record id="places" model="ir.actions.act_window"><field name="name">Places</field><field name="res_model">walk.place</field><field name="view_mode">list,form</field></record>
<record id="parts" model="ir.actions.act_window"><field name="name">Parts</field><field name="res_model">walk.part</field><field name="view_mode">list,form</field></record>
<record id="desks" model="ir.actions.act_window"><field name="name">Desk</field><field name="res_model">walk.desk</field><field name="view_mode">form</field><field name="target">new</field></record>
<record id="show_all" model="ir.actions.server"><field name="name">Show all</field><field name="model_id" ref="model_walk_doc"/><field name="binding_model_id" ref="model_walk_doc"/><field name="state">code</field><field name="code">model.action_show()</field></record>
<record id="paper" model="ir.actions.report"><field name="name">Paper</field><field name="model">walk.doc</field><field name="report_name">walk.report_doc</field><field name="binding_model_id" ref="model_walk_doc"/></record>
<menuitem id="menu" name="Walk"><menuitem id="menu_docs" name="Documents" action="docs"/><menuitem id="menu_places" name="Places" action="places"/><menuitem id="menu_parts" name="Parts" action="parts"/></menuitem>
</odoo>`

func walkAddon() module.Addon {
	access := "id,name,model_id:id,group_id:id,perm_read,perm_write,perm_create,perm_unlink\n"
	for _, m := range []string{"place", "tag", "doc", "part", "desk"} {
		access += fmt.Sprintf("access_%[1]s,%[1]s,model_walk_%[1]s,base.group_user,1,1,1,1\n", m)
		access += fmt.Sprintf("access_%[1]s_portal,%[1]s,model_walk_%[1]s,base.group_portal,1,0,0,0\n", m)
	}
	access = strings.ReplaceAll(access, "access_tag_portal,tag,model_walk_tag,base.group_portal,1", "access_tag_portal,tag,model_walk_tag,base.group_portal,0")
	return module.Addon{Name: "walk", Version: "19.0.1.0.0", Depends: []string{"base", "mail"}, Data: []string{"views.xml", "ir.model.access.csv"},
		FS:     fstest.MapFS{"ir.model.access.csv": {Data: []byte(access)}, "views.xml": {Data: []byte(walkViews)}},
		Define: defineWalk}
}

// programAddons is every addon of the program, and the addon walk.
func programAddons() []module.Addon { return standard.Program(walkAddon()).Addons }
