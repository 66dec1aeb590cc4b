package web_test

import (
	"context"
	"errors"
	"testing/fstest"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
)

// The addon zoo has a model with a field of every kind, lines, stages, buttons
// that lead anywhere a button can, and a wizard.

type Animal struct {
	orm.Record `orm:"zoo.animal" label:"Animal" order:"name, id"`
	mail.Thread
	mail.ActivityMixin
	Name     string                         `orm:"name,required,tracking" label:"Name"`
	Species  string                         `orm:"species,required,default=lion,tracking" selection:"lion:Lion,bear:Bear,otter:Otter" label:"Species"`
	State    string                         `orm:"state,default=new,tracking" selection:"new:New,here:Here,gone:Gone" label:"Status"`
	Notes    string                         `orm:"notes,text" label:"Notes"`
	Story    string                         `orm:"story,html" label:"Story"`
	Legs     int                            `orm:"legs,default=4" label:"Legs"`
	Weight   decimal.Decimal                `orm:"weight,digits=3,aggregator=sum" label:"Weight"`
	Speed    float64                        `orm:"speed" label:"Speed"`
	Price    decimal.Decimal                `orm:"price,currency=currency_id,aggregator=sum" label:"Price"`
	Currency orm.Ref[base.Currency]         `orm:"currency_id" label:"Currency"`
	Tame     bool                           `orm:"tame" label:"Tame"`
	Born     orm.Date                       `orm:"born" label:"Born"`
	Fed      orm.Datetime                   `orm:"fed_at" label:"Fed at"`
	Country  orm.Ref[base.Country]          `orm:"country_id" label:"Country"`
	Parent   orm.Ref[Animal]                `orm:"parent_id" label:"Mother"`
	Tags     orm.Many[base.PartnerCategory] `orm:"tag_ids,rel=zoo_animal_tag_rel:animal_id:tag_id" label:"Tags"`
	Meals    orm.Many[Meal]                 `orm:"meal_ids,inverse=animal_id,copy" label:"Meals"`
	Friends  orm.Many[Animal]               `orm:"friend_ids,rel=zoo_friend_rel:a:b" label:"Friends"`
	Photo    orm.Deferred[orm.Binary]       `orm:"photo,image" label:"Photo"`
	Paper    orm.Deferred[orm.Binary]       `orm:"paper" label:"Papers"`
	PaperNam string                         `orm:"paper_name" label:"Name of the papers"`
	Chip     orm.Secret                     `orm:"chip" label:"Chip code"`
	Facts    orm.JSON                       `orm:"facts" label:"Facts"`
	Website  string                         `orm:"website" label:"Website"`
	Email    string                         `orm:"email" label:"Email"`
	Health   int                            `orm:"health,default=50" label:"Health"`
	Star     string                         `orm:"star,default=0" selection:"0:Plain,1:Nice,2:Great" label:"Star"`
	Vet      string                         `orm:"vet" label:"Vet's remark" groups:"base.group_system"`
	Total    decimal.Decimal                `orm:"total,digits=2,store,readonly" label:"Food a day"`
	Active   bool                           `orm:"active,default=true" label:"Active"`
}

type Meal struct {
	orm.Record `orm:"zoo.meal" label:"Meal" order:"id"`
	Animal     orm.Ref[Animal] `orm:"animal_id,required,ondelete=cascade" label:"Animal"`
	Food       string          `orm:"food,required" label:"Food"`
	Amount     decimal.Decimal `orm:"amount,digits=2,default=1" label:"Amount"`
	Cost       decimal.Decimal `orm:"cost,digits=2,store" label:"Cost"`
	Remark     string          `orm:"remark" label:"Remark"`
}

type Feed struct {
	orm.Record `orm:"zoo.feed,transient" label:"Feed animals"`
	Food       string            `orm:"food,required" label:"Food"`
	Day        orm.Date          `orm:"day,default=today" label:"Day"`
	Rows       orm.Many[FeedRow] `orm:"row_ids,inverse=feed_id" label:"Animals"`
}

type FeedRow struct {
	orm.Record `orm:"zoo.feed.row,transient" label:"Animal to feed"`
	Feed       orm.Ref[Feed]   `orm:"feed_id,required,ondelete=cascade" label:"Feed"`
	Animal     orm.Ref[Animal] `orm:"animal_id,required" label:"Animal"`
	Amount     decimal.Decimal `orm:"amount,digits=2" label:"Amount"`
}

var (
	arrive   = orm.Method[Animal]{Name: "action_arrive"}
	leave    = orm.Method[Animal]{Name: "action_leave"}
	roar     = orm.Method[Animal]{Name: "action_roar"}
	whistle  = orm.Method[Animal]{Name: "action_whistle", Waiting: "Whistling"}
	feed     = orm.Method[Animal]{Name: "action_feed"}
	meals    = orm.Method[Animal]{Name: "action_meals"}
	double   = orm.Method[Meal]{Name: "action_double"}
	feedDone = orm.Method[Feed]{Name: "action_done"}
)

func defineZoo(r *orm.Registry) {
	a := orm.Define[Animal](r)
	a.Compute("total", func(_ *orm.Env, as []*Animal) error {
		for _, a := range as {
			a.Total = decimal.Zero
			for _, m := range a.Meals.All() {
				a.Total = a.Total.Add(m.Cost)
			}
		}
		return nil
	}, "meal_ids.cost")
	a.Constrain("legs", func(_ *orm.Env, as []*Animal) error {
		for _, a := range as {
			if a.Legs < 0 {
				return &orm.Error{Code: orm.CodeValidation, Fields: []string{"legs"}, Message: "No animal has fewer than 0 legs."}
			}
		}
		return nil
	})
	orm.Implement(a, arrive, func(env *orm.Env, as []*Animal, _ orm.Args) (any, error) {
		for _, a := range as {
			a.State = "here"
		}
		return true, orm.Save(env, as, "state")
	})
	orm.Implement(a, leave, func(_ *orm.Env, as []*Animal, _ orm.Args) (any, error) {
		return nil, orm.UserErrorf("%s does not want to leave.", as[0].Name)
	})
	orm.Implement(a, roar, func(_ *orm.Env, as []*Animal, _ orm.Args) (any, error) {
		return map[string]any{"type": "ir.actions.client", "tag": "display_notification",
			"params": map[string]any{"title": "Roar", "message": as[0].Name + " roars <loudly>.", "type": "success"}}, nil
	})
	orm.Implement(a, whistle, func(env *orm.Env, as []*Animal, _ orm.Args) (any, error) {
		inUnit := env.DB().InUnit
		return env.CallOut(&orm.CallOut{
			Title: "Whistling",
			Do: func(ctx context.Context) error {
				if inUnit(ctx) {
					return errors.New("a unit of work is open")
				}
				if as[0].Legs < 8 {
					return orm.UserErrorf("%s does not hear.", as[0].Name)
				}
				return nil
			},
			Then: func(env *orm.Env) (any, error) {
				return map[string]any{"type": "ir.actions.client", "tag": "display_notification", "params": map[string]any{"message": as[0].Name + " comes.", "type": "success"}},
					orm.RecordsOf(env, as...).Write(orm.Values{"state": "here"})
			},
		})
	})
	orm.Implement(a, feed, func(env *orm.Env, as []*Animal, _ orm.Args) (any, error) {
		return map[string]any{"type": "ir.actions.act_window", "name": "Feed", "res_model": "zoo.feed", "view_mode": "form", "target": "new",
			"context": map[string]any{"active_ids": orm.IDs(env, as)}}, nil
	})
	orm.Implement(a, meals, func(env *orm.Env, as []*Animal, _ orm.Args) (any, error) {
		return map[string]any{"type": "ir.actions.act_window", "name": "Meals", "res_model": "zoo.meal", "view_mode": "list,form",
			"domain": []any{[]any{"animal_id", "in", orm.IDs(env, as)}}, "context": map[string]any{"default_animal_id": as[0].ID}}, nil
	})
	m := orm.Define[Meal](r)
	m.Compute("cost", func(_ *orm.Env, ms []*Meal) error {
		for _, m := range ms {
			m.Cost = m.Amount.Mul(decimal.NewFromInt(int64(len(m.Food))))
		}
		return nil
	}, "food", "amount")
	orm.Implement(m, double, func(env *orm.Env, ms []*Meal, _ orm.Args) (any, error) {
		for _, m := range ms {
			m.Amount = m.Amount.Add(m.Amount)
		}
		return nil, orm.Save(env, ms, "amount")
	})
	f := orm.Define[Feed](r)
	f.Default("row_ids", func(env *orm.Env) (any, error) {
		var rows []any
		ids, _ := env.Key("active_ids").([]any)
		for _, id := range ids {
			rows = append(rows, []any{int64(0), int64(0), map[string]any{"animal_id": id, "amount": 2.5}})
		}
		return rows, nil
	})
	orm.Implement(f, feedDone, func(env *orm.Env, fs []*Feed, _ orm.Args) (any, error) {
		if err := orm.Load(env, fs, "row_ids"); err != nil {
			return nil, err
		}
		for _, f := range fs {
			for _, row := range f.Rows.All() {
				if _, err := env.Model("zoo.meal").Create(orm.Values{"animal_id": row.Animal.ID, "food": f.Food, "amount": row.Amount}); err != nil {
					return nil, err
				}
			}
		}
		return map[string]any{"type": "ir.actions.act_window_close"}, nil
	})
	orm.Define[FeedRow](r)
}

const zooAccess = `id,name,model_id:id,group_id:id,perm_read,perm_write,perm_create,perm_unlink
a1,animal,model_zoo_animal,base.group_user,1,1,1,1
a2,meal,model_zoo_meal,base.group_user,1,1,1,1
a3,feed,model_zoo_feed,base.group_user,1,1,1,1
a4,row,model_zoo_feed_row,base.group_user,1,1,1,1
a5,animal portal,model_zoo_animal,base.group_portal,1,0,0,0
`

const zooViews = `<odoo>
<record id="animal_list" model="ir.ui.view"><field name="name">list</field><field name="model">zoo.animal</field><field name="arch" type="xml">
<list decoration-danger="state == 'gone'" decoration-muted="not active">
<field name="active" column_invisible="True"/>
<field name="name"/>
<field name="species" widget="badge" decoration-success="species == 'otter'"/>
<field name="state" optional="hide"/>
<field name="born"/>
<field name="currency_id" column_invisible="1"/>
<field name="price" sum="All prices"/>
<field name="weight" sum="All weights"/>
<field name="tag_ids" widget="many2many_tags"/>
<field name="health" widget="progressbar"/>
<field name="website" widget="url" optional="show"/>
<field name="vet"/>
<button name="action_arrive" type="object" string="Let in" invisible="state != 'new'"/><button name="action_leave" type="object" title="Let out" confirm="Sure?"/>
<header><button name="action_roar" type="object" string="Roar first"/></header>
</list></field></record>
<record id="meal_list" model="ir.ui.view"><field name="name">meals</field><field name="model">zoo.meal</field><field name="arch" type="xml">
<list editable="bottom"><field name="animal_id"/><field name="food"/><field name="amount"/><field name="cost" readonly="1"/></list></field></record>
<record id="all_meals" model="ir.actions.act_window"><field name="name">All meals</field><field name="res_model">zoo.meal</field><field name="view_mode">list</field></record>
<record id="animal_form" model="ir.ui.view"><field name="name">form</field><field name="model">zoo.animal</field><field name="arch" type="xml">
<form>
<header>
<button name="action_arrive" type="object" string="Arrive" class="oe_highlight" invisible="state != 'new'"/>
<button name="action_leave" type="object" string="Leave" confirm="Let it go?" invisible="state == 'new'"/>
<button name="action_roar" type="object" string="Roar"/>
<button name="action_whistle" type="object" string="Whistle"/>
<button name="action_feed" type="object" string="Feed"/>
<button name="action_roar" type="object" string="Secret roar" groups="base.group_system"/>
<field name="state" widget="statusbar" statusbar_visible="new,here"/>
</header>
<sheet>
<div name="button_box" class="oe_button_box"><button name="action_meals" type="object" class="oe_stat_button" icon="fa-cutlery"><field name="total" widget="statinfo" string="Food"/></button></div>
<field name="photo" widget="image" class="oe_avatar"/>
<div class="oe_title"><label for="name"/><h1><field name="name" placeholder="Name"/></h1></div>
<group>
<group string="Facts"><field name="species" widget="radio"/><field name="legs"/><field name="weight"/><field name="speed"/><field name="price"/><field name="currency_id"/><field name="tame"/><field name="vet"/></group>
<group string="More"><field name="born" required="species == 'bear'"/><field name="fed_at" readonly="state == 'gone'"/><field name="country_id" domain="[('code', 'in', ['BE', 'DE'])]"/><field name="parent_id" invisible="species != 'otter'"/><field name="tag_ids" widget="many2many_tags"/><field name="website" widget="url"/><field name="email" widget="email"/><field name="chip" widget="password"/><field name="star" widget="priority"/></group>
</group>
<notebook>
<page string="Meals" name="meals"><field name="meal_ids" context="{'default_remark': name}"><list editable="bottom"><field name="food"/><field name="amount"/><field name="cost" sum="Total"/><field name="remark" optional="hide"/><button name="action_double" type="object" string="Double"/></list></field></page>
<page string="Friends" name="friends"><field name="friend_ids"><list><field name="name"/><field name="species"/></list></field></page>
<page string="Papers" name="papers" invisible="species == 'bear'"><group><field name="paper" filename="paper_name"/><field name="paper_name"/></group><separator string="Text"/><field name="notes"/><field name="story"/><field name="facts"/></page>
</notebook>
</sheet>
<chatter/><div class="zoo_keeper"/>
</form></field></record>
<record id="animal_kanban" model="ir.ui.view"><field name="name">kanban</field><field name="model">zoo.animal</field><field name="arch" type="xml">
<kanban default_group_by="state"><field name="tame"/><templates><t t-name="card"><field name="name"/><field name="species" widget="badge"/><div t-if="record.tame.raw_value"><field name="country_id"/></div><field name="price"/></t></templates></kanban></field></record>
<record id="animal_search" model="ir.ui.view"><field name="name">search</field><field name="model">zoo.animal</field><field name="arch" type="xml">
<search><field name="name" filter_domain="['|', ('name', 'ilike', self), ('notes', 'ilike', self)]"/><field name="species"/><field name="country_id"/><field name="legs"/><field name="born"/><field name="tame"/>
<filter name="lions" string="Lions" domain="[('species', '=', 'lion')]"/><filter name="bears" string="Bears" domain="[('species', '=', 'bear')]"/>
<separator/><filter name="tame" string="Tame" domain="[('tame', '=', True)]"/><filter name="mine" string="Mine" domain="[('create_uid', '=', uid)]"/>
<separator/><filter name="born_in" string="Born" date="born"/>
<group><filter name="by_species" string="Species" context="{'group_by': 'species'}"/><filter name="by_month" string="Month" context="{'group_by': 'born:month'}"/></group></search></field></record>
<record id="feed_form" model="ir.ui.view"><field name="name">feed</field><field name="model">zoo.feed</field><field name="arch" type="xml">
<form string="Feed"><group><field name="food"/><field name="day"/></group><field name="row_ids"><list editable="bottom" create="false"><field name="animal_id" readonly="1"/><field name="amount"/></list></field>
<footer><button name="action_done" type="object" string="Feed them" class="btn-primary"/><button string="Never mind" special="cancel"/></footer></form></field></record>
<record id="animals" model="ir.actions.act_window"><field name="name">Animals</field><field name="res_model">zoo.animal</field><field name="view_mode">list,kanban,pivot,form</field><field name="path">animals</field></record>
<record id="my_lions" model="ir.actions.act_window"><field name="name">Lions</field><field name="res_model">zoo.animal</field><field name="view_mode">list,form</field><field name="context">{'search_default_lions': 1, 'search_default_by_species': 1, 'default_legs': 3}</field></record>
<record id="count" model="ir.actions.server"><field name="name">All arrive</field><field name="model_id" ref="model_zoo_animal"/><field name="binding_model_id" ref="model_zoo_animal"/><field name="state">code</field><field name="code">model.action_arrive()</field></record>
<record id="dashboard" model="ir.actions.client"><field name="name">Dashboard</field><field name="tag">zoo_dashboard</field></record>
<record id="feed_many" model="ir.actions.act_window"><field name="name">Feed</field><field name="res_model">zoo.feed</field><field name="view_mode">form</field><field name="target">new</field><field name="binding_model_id" ref="model_zoo_animal"/><field name="binding_view_types">list</field></record>
<menuitem id="menu_zoo" name="Zoo" sequence="1"><menuitem id="menu_animals" name="Animals" action="animals"/><menuitem id="menu_dash" name="Dashboard" action="dashboard"/></menuitem>
</odoo>`

func zoo() module.Addon {
	return module.Addon{Name: "zoo", Title: "Zoo", Version: "19.0.1.0.0", Depends: []string{"base", "mail"}, Application: true,
		FS:     fstest.MapFS{"access/ir.model.access.csv": {Data: []byte(zooAccess)}, "views.xml": {Data: []byte(zooViews)}},
		Data:   []string{"access/ir.model.access.csv", "views.xml"},
		Define: defineZoo}
}
