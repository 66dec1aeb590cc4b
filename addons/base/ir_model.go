package base

import (
	"fusionsoft.ca/fusion/framework/orm"
)

// IrModel is the record of a model, written by the framework from its registry
// at install and upgrade.
type IrModel struct {
	orm.Record `orm:"ir.model" label:"Models" order:"model" search:"name,model"`
	Name       string            `orm:"name,required,translate" label:"Model Description"`
	Model      string            `orm:"model,required" label:"Model"`
	Order      string            `orm:"order,required,default=id" label:"Order"`
	Info       string            `orm:"info,text" label:"Information"`
	FieldIDs   orm.Many[IrField] `orm:"field_id,inverse=model_id" label:"Fields"`
	State      string            `orm:"state,readonly,default=base" selection:"manual:Custom Object,base:Base Object" label:"Type"`
	AccessIDs  orm.Many[Access]  `orm:"access_ids,inverse=model_id" label:"Access"`
	RuleIDs    orm.Many[Rule]    `orm:"rule_ids,inverse=model_id" label:"Record Rules"`
	Abstract   bool              `orm:"abstract" label:"Abstract Model"`
	Transient  bool              `orm:"transient" label:"Transient Model"`
	Modules    string            `orm:"modules" label:"In Apps" help:"The addons that define or extend the model"`
	ViewIDs    orm.Many[View]    `orm:"view_ids" label:"Views"`
	Count      orm.Deferred[int] `orm:"count" label:"Count (Incl. Archived)"`
}

// IrField is the record of a field, written by the framework.
type IrField struct {
	orm.Record  `orm:"ir.model.fields" label:"Fields" order:"name, id" rec:"field_description" search:"name,field_description"`
	Name        string               `orm:"name,required,index,default=x_" label:"Field Name"`
	CompleteRef string               `orm:"complete_name,index" label:"Complete Name"`
	Model       string               `orm:"model,required,index" label:"Model Name"`
	Relation    string               `orm:"relation" label:"Related Model"`
	RelField    string               `orm:"relation_field" label:"Relation Field"`
	RelTable    string               `orm:"relation_table" label:"Relation Table"`
	Column1     string               `orm:"column1" label:"Column 1"`
	Column2     string               `orm:"column2" label:"Column 2"`
	ModelID     orm.Ref[IrModel]     `orm:"model_id,required,index,ondelete=cascade" label:"Model"`
	Label       string               `orm:"field_description,required,translate" label:"Field Label"`
	Help        string               `orm:"help,text,translate" label:"Field Help"`
	TType       string               `orm:"ttype,required" selection:"binary:binary,boolean:boolean,char:char,date:date,datetime:datetime,float:float,html:html,image:image,integer:integer,json:json,many2many:many2many,many2one:many2one,many2one_reference:many2one_reference,monetary:monetary,one2many:one2many,properties:properties,reference:reference,secret:secret,selection:selection,text:text" label:"Field Type"`
	Copied      bool                 `orm:"copied" label:"Copied"`
	Related     string               `orm:"related" label:"Related Field"`
	Required    bool                 `orm:"required" label:"Required"`
	Readonly    bool                 `orm:"readonly" label:"Readonly"`
	Index       bool                 `orm:"index" label:"Indexed"`
	Translate   bool                 `orm:"translate" label:"Translatable"`
	Size        int                  `orm:"size" label:"Size"`
	State       string               `orm:"state,required,readonly,default=base" selection:"manual:Custom Field,base:Base Field" label:"Type"`
	OnDelete    string               `orm:"on_delete" selection:"cascade:Cascade,set null:Set NULL,restrict:Restrict" label:"On Delete"`
	Domain      string               `orm:"domain,default=[]" label:"Domain"`
	Selectable  bool                 `orm:"selectable,default=true" label:"Selectable"`
	Modules     string               `orm:"modules" label:"In Apps"`
	Store       bool                 `orm:"store,default=true" label:"Stored"`
	Compute     string               `orm:"compute,text" label:"Compute"`
	Depends     string               `orm:"depends" label:"Dependencies"`
	Tracking    int                  `orm:"tracking" label:"Enable Ordered Tracking"`
	Groups      orm.Many[Group]      `orm:"groups,rel=ir_model_fields_group_rel:field_id:group_id" label:"Groups"`
	DisplayName orm.Deferred[string] `orm:"display_name"`
}

// ModelData is an external id: the name under which data files know a record.
// The system alone writes them: addons find their records and groups by them, so
// that who may give a name takes the place of what has it.
type ModelData struct {
	orm.Record   `orm:"ir.model.data" label:"Model Data" order:"module, model, name" search:"complete_name"`
	Name         string               `orm:"name,required" label:"External Identifier" help:"External Key/Identifier that can be used for data integration with third-party systems"`
	CompleteName orm.Deferred[string] `orm:"complete_name" label:"Complete ID"`
	Model        string               `orm:"model,required" label:"Model Name"`
	Module       string               `orm:"module,required,default=" label:"Module"`
	ResID        int64                `orm:"res_id,index" label:"Record ID" help:"ID of the target record in the database"`
	NoUpdate     bool                 `orm:"noupdate" label:"Non Updatable"`
	Reference    orm.Deferred[string] `orm:"reference" label:"Reference"`
	DisplayName  orm.Deferred[string] `orm:"display_name"`
	WriteDate    orm.Datetime         `orm:"write_date"`
}

// CheckReference finds the model and id of an external id, false for the id of
// a record the user may not see.
var CheckReference = orm.ModelMethod[ModelData]{Name: "check_object_reference"}

func checkReference(env *orm.Env, args orm.Args) (any, error) {
	found, err := env.Ref(args.String(0, "module") + "." + args.String(1, "xml_id"))
	if err != nil {
		return nil, err
	}
	seen, err := found.Search(orm.Leaf("id", "=", found.ID()), orm.SearchOptions{})
	if err != nil || seen.Len() > 0 {
		return []any{found.Model.Name, found.ID()}, err
	}
	if asBool(args.Get(2, "raise_on_access_error")) {
		return nil, orm.AccessErrorf("Not enough access rights on the external ID %s.%s", args.String(0, "module"), args.String(1, "xml_id"))
	}
	return []any{found.Model.Name, false}, nil
}

func defineModels(r *orm.Registry) {
	m := orm.Define[IrModel](r)
	m.Unique("obj_name_uniq", "model", "Each model must have a unique name.")
	m.Compute("view_ids", func(env *orm.Env, ms []*IrModel) error {
		for _, m := range ms {
			found, err := env.Model("ir.ui.view").Search(orm.Leaf("model", "=", m.Model), orm.SearchOptions{})
			if err != nil {
				return err
			}
			m.ViewIDs.Set(found.IDs...)
		}
		return nil
	}, "model")
	m.Compute("count", func(env *orm.Env, ms []*IrModel) error {
		for _, m := range ms {
			m.Count.Set(0)
			rs, err := env.WithContext(map[string]any{"active_test": false}).Lookup(m.Model)
			if err != nil || rs.Model.Abstract {
				continue // the model of an addon that is gone, or one without records
			}
			if ok, err := rs.HasAccess(orm.OpRead); err != nil {
				return err
			} else if !ok {
				continue
			}
			n, err := rs.SearchCount(nil, 0)
			if err != nil {
				return err
			}
			m.Count.Set(int(n))
		}
		return nil
	}, "model")
	f := orm.Define[IrField](r)
	f.Unique("name_unique", "model, name", "Field names must be unique per model.")
	f.Compute("display_name", func(env *orm.Env, fs []*IrField) error {
		hide := env.Flag("hide_model", false)
		for _, f := range fs {
			f.DisplayName.Set(f.Label)
			if !hide {
				f.DisplayName.Set(f.DisplayName.Get() + " (" + f.Model + ")")
			}
		}
		return nil
	}, "field_description", "model")
	d := orm.Define[ModelData](r)
	orm.ImplementModel(d, CheckReference, checkReference)
	d.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
			made, err := super(rs, list)
			if err != nil {
				return made, err
			}
			return made, checkMayName(made)
		}
	})
	d.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error {
			if err := checkMayName(rs); err != nil {
				return err
			}
			if err := super(rs, vals); err != nil {
				return err
			}
			return checkMayName(rs)
		}
	})
	d.OnUnlink(func(super orm.UnlinkFunc) orm.UnlinkFunc {
		return func(rs orm.Records) error {
			if err := checkMayName(rs); err != nil {
				return err
			}
			return super(rs)
		}
	})
	d.Unique("module_name_uniq_index", "module, name", "An external id can be used once only.")
	d.Compute("complete_name, reference", func(_ *orm.Env, ds []*ModelData) error {
		for _, d := range ds {
			d.CompleteName.Set(d.Name)
			if d.Module != "" {
				d.CompleteName.Set(d.Module + "." + d.Name)
			}
			d.Reference.Set(d.Model + "," + itoa(d.ResID))
		}
		return nil
	}, "module", "name", "model", "res_id")
	d.SearchBy("complete_name", func(_ *orm.Env, op string, value any) (orm.Domain, error) {
		text, _ := value.(string)
		for i := range len(text) {
			if text[i] == '.' {
				return orm.And(orm.Leaf("module", "=", text[:i]), orm.Leaf("name", op, text[i+1:])), nil
			}
		}
		return orm.Leaf("name", op, value), nil
	})
	d.Compute("display_name", func(_ *orm.Env, ds []*ModelData) error {
		for _, d := range ds {
			d.DisplayName.Set(d.Name)
			if d.Module != "" {
				d.DisplayName.Set(d.Module + "." + d.Name)
			}
		}
		return nil
	}, "module", "name")
}

// checkMayName refuses external ids to all but administrators, and those of addons to
// them as well: the loader alone gives these.
func checkMayName(rs orm.Records) error {
	if rs.Env.Superuser() {
		return nil
	}
	system, err := rs.Env.InAnyGroup("base.group_system")
	if err != nil {
		return err
	}
	if !system {
		return orm.AccessErrorf("External ids are given by apps, imports and administrators.")
	}
	ids, err := orm.Read[ModelData](rs.Env.Sudo(), rs.IDs)
	if err != nil {
		return err
	}
	var names []string
	for _, x := range ids {
		names = append(names, x.Module)
	}
	n, err := rs.Env.Sudo().Model("ir.module.module").SearchCount(orm.Leaf("name", "in", names), 1)
	if err == nil && n > 0 {
		err = orm.AccessErrorf("External ids in the name of an app are given by the app. Choose another module name, such as __import__.")
	}
	return err
}
