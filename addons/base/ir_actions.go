package base

import (
	"fusionsoft.ca/fusion/framework/orm"
)

// Action is any action, whatever its kind. The kinds have a table each; their
// records draw ids from one sequence, so that an id means one action, as
// clients of Odoo expect. This model is a view over the kinds, for reading.
type Action struct {
	orm.Record `orm:"ir.actions.actions" label:"Actions" order:"name, id"`
	Name       string `orm:"name" label:"Action Name"`
	Type       string `orm:"type" label:"Action Type"`
	Path       string `orm:"path" label:"Path to show in the URL"`
	Help       string `orm:"help,html" label:"Action Description"`
}

// ActWindow opens views of a model.
type ActWindow struct {
	orm.Record   `orm:"ir.actions.act_window" label:"Action Window" order:"name, id"`
	Name         string                  `orm:"name,required,translate" label:"Action Name"`
	Type         string                  `orm:"type,required,default=ir.actions.act_window" label:"Action Type"`
	Path         string                  `orm:"path" label:"Path to show in the URL"`
	Help         string                  `orm:"help,html,translate" label:"Action Description"`
	BindingModel orm.Ref[IrModel]        `orm:"binding_model_id,ondelete=cascade" label:"Binding Model"`
	BindingType  string                  `orm:"binding_type,required,default=action" selection:"action:Action,report:Report" label:"Binding Type"`
	BindingViews string                  `orm:"binding_view_types" label:"Binding View Types"`
	ViewID       orm.Ref[View]           `orm:"view_id" label:"View Ref."`
	Domain       string                  `orm:"domain" label:"Domain Value"`
	Context      string                  `orm:"context,required,default={}" label:"Context Value"`
	ResID        int64                   `orm:"res_id" label:"Record ID"`
	ResModel     string                  `orm:"res_model,required" label:"Destination Model"`
	Target       string                  `orm:"target,default=current" selection:"current:Current Window,new:New Window,fullscreen:Full Screen,main:Main action of Current Window" label:"Target Window"`
	ViewMode     string                  `orm:"view_mode,required" label:"View Mode"`
	MobileMode   string                  `orm:"mobile_view_mode,default=kanban" label:"Mobile View Mode"`
	Usage        string                  `orm:"usage" label:"Action Usage"`
	ViewIDs      orm.Many[ActWindowView] `orm:"view_ids,inverse=act_window_id" label:"No of Views"`
	Limit        int                     `orm:"limit,default=80" label:"Limit"`
	Groups       orm.Many[Group]         `orm:"group_ids,rel=ir_act_window_group_rel:act_id:gid" label:"Groups"`
	SearchViewID orm.Ref[View]           `orm:"search_view_id" label:"Search View Ref."`
	Filter       bool                    `orm:"filter" label:"Filter"`
	XMLID        orm.Deferred[string]    `orm:"xml_id" label:"External ID"`
}

// ActWindowView puts a certain view at a certain place of an action.
type ActWindowView struct {
	orm.Record  `orm:"ir.actions.act_window.view" label:"Action Window View" order:"sequence,id" rec:"view_id"`
	Sequence    int                `orm:"sequence" label:"Sequence"`
	ViewID      orm.Ref[View]      `orm:"view_id" label:"View"`
	ViewMode    string             `orm:"view_mode,required" selection:"list:List,form:Form,graph:Graph,pivot:Pivot,calendar:Calendar,kanban:Kanban,activity:Activity" label:"View Type"`
	ActWindowID orm.Ref[ActWindow] `orm:"act_window_id,index,ondelete=cascade" label:"Action"`
	Multi       bool               `orm:"multi" label:"On Multiple Doc."`
}

// ActServer runs code of an addon on the server. Code is an expression of the
// form `model.method()`, or `action = model.method()`.
type ActServer struct {
	orm.Record   `orm:"ir.actions.server" label:"Server Actions" order:"sequence,name,id"`
	Name         string              `orm:"name,required,translate" label:"Action Name"`
	Type         string              `orm:"type,required,default=ir.actions.server" label:"Action Type"`
	Path         string              `orm:"path" label:"Path to show in the URL"`
	Help         string              `orm:"help,html,translate" label:"Action Description"`
	BindingModel orm.Ref[IrModel]    `orm:"binding_model_id,ondelete=cascade" label:"Binding Model"`
	BindingType  string              `orm:"binding_type,required,default=action" selection:"action:Action,report:Report" label:"Binding Type"`
	BindingViews string              `orm:"binding_view_types" label:"Binding View Types"`
	Usage        string              `orm:"usage,required,default=ir_actions_server" selection:"ir_actions_server:Server Action,ir_cron:Scheduled Action" label:"Usage"`
	State        string              `orm:"state,required,default=code" selection:"object_write:Update Record,object_create:Create Record,code:Execute Code,multi:Multi Actions" label:"Type"`
	Sequence     int                 `orm:"sequence,default=5" label:"Sequence"`
	ModelID      orm.Ref[IrModel]    `orm:"model_id,required,index,ondelete=cascade" label:"Model"`
	ModelName    string              `orm:"model_name,related=model_id.model,store,readonly" label:"Model Name"`
	Code         string              `orm:"code,text" label:"Code" groups:"base.group_system"`
	ChildIDs     orm.Many[ActServer] `orm:"child_ids,rel=rel_server_actions:server_id:action_id" label:"Child Actions"`
	Groups       orm.Many[Group]     `orm:"group_ids,rel=ir_act_server_group_rel:act_id:gid" label:"Allowed Groups"`
}

// ActClient opens a page the client has registered under the tag.
type ActClient struct {
	orm.Record   `orm:"ir.actions.client" label:"Client Action" order:"name, id"`
	Name         string           `orm:"name,required,translate" label:"Action Name"`
	Type         string           `orm:"type,required,default=ir.actions.client" label:"Action Type"`
	Path         string           `orm:"path" label:"Path to show in the URL"`
	Help         string           `orm:"help,html,translate" label:"Action Description"`
	BindingModel orm.Ref[IrModel] `orm:"binding_model_id,ondelete=cascade" label:"Binding Model"`
	BindingType  string           `orm:"binding_type,required,default=action" selection:"action:Action,report:Report" label:"Binding Type"`
	BindingViews string           `orm:"binding_view_types" label:"Binding View Types"`
	Tag          string           `orm:"tag,required" label:"Client action tag"`
	Target       string           `orm:"target,default=current" selection:"current:Current Window,new:New Window,fullscreen:Full Screen,main:Main action of Current Window" label:"Target Window"`
	ResModel     string           `orm:"res_model" label:"Destination Model"`
	Context      string           `orm:"context,required,default={}" label:"Context Value"`
	Params       orm.JSON         `orm:"params" label:"Supplementary arguments"`
}

// ActURL sends the browser to an address.
type ActURL struct {
	orm.Record   `orm:"ir.actions.act_url" label:"Action URL" order:"name, id"`
	Name         string           `orm:"name,required,translate" label:"Action Name"`
	Type         string           `orm:"type,required,default=ir.actions.act_url" label:"Action Type"`
	Path         string           `orm:"path" label:"Path to show in the URL"`
	Help         string           `orm:"help,html,translate" label:"Action Description"`
	BindingModel orm.Ref[IrModel] `orm:"binding_model_id,ondelete=cascade" label:"Binding Model"`
	BindingType  string           `orm:"binding_type,required,default=action" selection:"action:Action,report:Report" label:"Binding Type"`
	BindingViews string           `orm:"binding_view_types" label:"Binding View Types"`
	URL          string           `orm:"url,text,required" label:"Action URL"`
	Target       string           `orm:"target,required,default=new" selection:"new:New Window,self:This Window,download:Download" label:"Action Target"`
}

// ActReport prints records. framework/report finds the method that makes the
// document by report_name.
type ActReport struct {
	orm.Record      `orm:"ir.actions.report" label:"Report Action" order:"name, id"`
	Name            string           `orm:"name,required,translate" label:"Action Name"`
	Type            string           `orm:"type,required,default=ir.actions.report" label:"Action Type"`
	Path            string           `orm:"path" label:"Path to show in the URL"`
	Help            string           `orm:"help,html,translate" label:"Action Description"`
	BindingModel    orm.Ref[IrModel] `orm:"binding_model_id,ondelete=cascade" label:"Binding Model"`
	BindingType     string           `orm:"binding_type,required,default=report" selection:"action:Action,report:Report" label:"Binding Type"`
	BindingViews    string           `orm:"binding_view_types" label:"Binding View Types"`
	Model           string           `orm:"model,required" label:"Model Name"`
	ReportType      string           `orm:"report_type,required,default=qweb-pdf" selection:"qweb-html:HTML,qweb-pdf:PDF,qweb-text:Text" label:"Report Type"`
	ReportName      string           `orm:"report_name,required" label:"Template Name"`
	ReportFile      string           `orm:"report_file" label:"Report File"`
	Groups          orm.Many[Group]  `orm:"group_ids,rel=res_groups_report_rel:uid:gid" label:"Groups"`
	Multi           bool             `orm:"multi" label:"On Multiple Doc."`
	PrintReportName string           `orm:"print_report_name,translate" label:"Printed Report Name"`
	AttachmentUse   bool             `orm:"attachment_use" label:"Reload from Attachment"`
	Attachment      string           `orm:"attachment" label:"Save as Attachment Prefix"`
	Domain          string           `orm:"domain" label:"Filter domain"`
}

// actionTables are the tables whose ids come from the common sequence.
var actionTables = [...]string{"ir_actions_act_window", "ir_actions_server", "ir_actions_client", "ir_actions_act_url", "ir_actions_report"}

func defineActions(r *orm.Registry) {
	sql := ""
	for i, table := range actionTables {
		if i > 0 {
			sql += " UNION ALL "
		}
		sql += "SELECT id, COALESCE(name->>'en_US', '') AS name, type, path, help->>'en_US' AS help FROM " + table
	}
	orm.Define[Action](r).Query(sql)
	w := orm.Define[ActWindow](r)
	w.Default("view_mode", func(*orm.Env) (any, error) { return "list,form", nil })
	w.Default("binding_view_types", listAndForm)
	w.Compute("xml_id", func(env *orm.Env, ws []*ActWindow) error {
		ids, err := externalIDs(env, "ir.actions.act_window", orm.IDs(env, ws))
		for _, w := range ws {
			w.XMLID.Set(ids[w.ID])
		}
		return err
	})
	w.Constrain("res_model", func(env *orm.Env, ws []*ActWindow) error {
		for _, w := range ws {
			if _, ok := env.Registry().Model(w.ResModel); !ok {
				return orm.ValidationErrorf("Invalid model name “%s” in action definition.", w.ResModel)
			}
		}
		return nil
	})
	w.OnCreate(commonIDs("ir_actions_act_window"))
	orm.Define[ActWindowView](r).Unique("unique_mode_per_action", "act_window_id, view_mode", "An action can have one view of each kind only.")
	s := orm.Define[ActServer](r)
	s.Default("binding_view_types", listAndForm)
	s.OnCreate(commonIDs("ir_actions_server"))
	c := orm.Define[ActClient](r)
	c.Default("binding_view_types", listAndForm)
	c.OnCreate(commonIDs("ir_actions_client"))
	u := orm.Define[ActURL](r)
	u.Default("binding_view_types", listAndForm)
	u.OnCreate(commonIDs("ir_actions_act_url"))
	p := orm.Define[ActReport](r)
	p.Default("binding_view_types", listAndForm)
	p.OnCreate(commonIDs("ir_actions_report"))
}

// listAndForm are the views an action is offered in, unless it says otherwise.
func listAndForm(*orm.Env) (any, error) { return "list,form", nil }

// commonIDs makes the next ids of a table of actions those of the sequence all
// kinds of action share. The lock keeps another transaction from taking the id
// between the two statements.
func commonIDs(table string) func(orm.CreateFunc) orm.CreateFunc {
	return func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
			var ids []int64
			for _, vals := range list {
				// SQL: a lock and sequences.
				for _, s := range []orm.Statement{
					orm.SQL("SELECT pg_advisory_xact_lock(hashtext('ir_actions_id_seq'))"),
					orm.SQL("CREATE SEQUENCE IF NOT EXISTS ir_actions_id_seq"),
					orm.SQL("SELECT setval(pg_get_serial_sequence(?, 'id'), nextval('ir_actions_id_seq'), false)", table),
				} {
					if _, err := rs.Env.Exec(s.NoModels()); err != nil {
						return rs, err
					}
				}
				made, err := super(rs, []orm.Values{vals})
				if err != nil {
					return rs, err
				}
				ids = append(ids, made.IDs...)
			}
			return rs.Browse(ids...), nil
		}
	}
}
