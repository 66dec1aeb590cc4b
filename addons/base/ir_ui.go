package base

import (
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

// View is the XML of a view, or a change to the view it inherits from.
type View struct {
	orm.Record  `orm:"ir.ui.view" label:"View" order:"priority,name,id" search:"name,key"`
	Name        string                         `orm:"name,required" label:"View Name"`
	Model       string                         `orm:"model,index" label:"Model"`
	ModelID     orm.Deferred[orm.Ref[IrModel]] `orm:"model_id" label:"Model of the view"`
	Key         string                         `orm:"key,index" label:"Key"`
	Priority    int                            `orm:"priority,required,default=16" label:"Sequence"`
	Type        string                         `orm:"type" selection:"list:List,form:Form,graph:Graph,pivot:Pivot,calendar:Calendar,kanban:Kanban,search:Search,activity:Activity,qweb:QWeb" label:"View Type"`
	Arch        orm.Deferred[string]           `orm:"arch,text" label:"View Architecture"`
	ArchBase    orm.Deferred[string]           `orm:"arch_base,text" label:"Base View Architecture"`
	ArchDB      string                         `orm:"arch_db,text,translate" label:"Arch Blob"`
	ArchFS      string                         `orm:"arch_fs" label:"Arch Filename"`
	ArchUpdated bool                           `orm:"arch_updated" label:"Modified Architecture"`
	InheritID   orm.Ref[View]                  `orm:"inherit_id,index,ondelete=restrict" label:"Inherited View"`
	InheritKids orm.Many[View]                 `orm:"inherit_children_ids,inverse=inherit_id" label:"Views which inherit from this one"`
	XMLID       orm.Deferred[string]           `orm:"xml_id" label:"External ID"`
	Groups      orm.Many[Group]                `orm:"group_ids,rel=ir_ui_view_group_rel:view_id:group_id" label:"Groups"`
	Mode        string                         `orm:"mode,required,default=primary" selection:"primary:Base view,extension:Extension View" label:"View inheritance mode"`
	Active      bool                           `orm:"active,default=true" label:"Active"`
}

// Menu is an entry of the menu tree; a root is an application.
type Menu struct {
	orm.Record   `orm:"ir.ui.menu" label:"Menu" order:"sequence,id" search:"complete_name"`
	Name         string               `orm:"name,required,translate" label:"Menu"`
	Active       bool                 `orm:"active,default=true" label:"Active"`
	Sequence     int                  `orm:"sequence,default=10" label:"Sequence"`
	ChildIDs     orm.Many[Menu]       `orm:"child_id,inverse=parent_id" label:"Child IDs"`
	ParentID     orm.Ref[Menu]        `orm:"parent_id,index,ondelete=restrict" label:"Parent Menu"`
	ParentPath   string               `orm:"parent_path,index,nocopy" label:"Parent Path"`
	GroupsID     orm.Many[Group]      `orm:"group_ids,rel=ir_ui_menu_group_rel:menu_id:gid" label:"Groups" help:"If you have groups, the visibility of this menu will be based on these groups."`
	CompleteName orm.Deferred[string] `orm:"complete_name" label:"Full Path"`
	WebIcon      string               `orm:"web_icon" label:"Web Icon File"`
	Action       string               `orm:"action,reference" label:"Action"`
	DisplayName  orm.Deferred[string] `orm:"display_name"`
}

func defineUI(r *orm.Registry) {
	v := orm.Define[View](r)
	v.Compute("arch, arch_base", func(_ *orm.Env, vs []*View) error {
		for _, v := range vs {
			v.Arch.Set(v.ArchDB)
			v.ArchBase.Set(v.ArchDB)
		}
		return nil
	}, "arch_db")
	v.Inverse("arch", func(env *orm.Env, vs []*View) error {
		for _, v := range vs {
			v.ArchDB = v.Arch.Get()
		}
		return orm.Save(env, vs, "arch_db")
	})
	v.Inverse("arch_base", func(env *orm.Env, vs []*View) error {
		for _, v := range vs {
			v.ArchDB = v.ArchBase.Get()
		}
		return orm.Save(env, vs, "arch_db")
	})
	v.Compute("model_id", func(env *orm.Env, vs []*View) error {
		for _, v := range vs {
			found, err := env.Sudo().Model("ir.model").Search(orm.Leaf("model", "=", v.Model), orm.SearchOptions{Limit: 1})
			if err != nil {
				return err
			}
			v.ModelID.Set(orm.RefTo[IrModel](found.ID()))
		}
		return nil
	}, "model")
	v.Compute("xml_id", func(env *orm.Env, vs []*View) error {
		ids, err := externalIDs(env, "ir.ui.view", orm.IDs(env, vs))
		for _, v := range vs {
			v.XMLID.Set(ids[v.ID])
		}
		return err
	})
	v.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
			for i := range list {
				list[i] = completeView(list[i])
			}
			made, err := super(rs, list)
			if err != nil {
				return made, err
			}
			return made, inheritViewType(made)
		}
	})
	v.Check("inheritance_mode", "mode <> 'extension' OR inherit_id IS NOT NULL", "Invalid inheritance mode: if the mode is 'extension', the view must extend an other view")

	m := orm.Define[Menu](r)
	m.Compute("complete_name", func(env *orm.Env, ms []*Menu) error { return menuPaths(env, ms) }, "name", "parent_id.name")
	m.Compute("display_name", func(env *orm.Env, ms []*Menu) error {
		err := menuPaths(env, ms)
		for _, m := range ms {
			m.DisplayName.Set(m.CompleteName.Get())
		}
		return err
	}, "name", "parent_id.name")
	m.SearchBy("complete_name", func(_ *orm.Env, op string, value any) (orm.Domain, error) {
		return orm.Leaf("name", op, value), nil
	})
	m.Constrain("parent_id", func(env *orm.Env, ms []*Menu) error {
		ok, err := acyclic(env, "ir.ui.menu", "parent_id", orm.IDs(env, ms))
		if err == nil && !ok {
			return orm.ValidationErrorf("Error! You cannot create recursive menus.")
		}
		return err
	})
}

// completeView fills what a new view may leave out: the mode from inherit_id
// and the type from the root element.
func completeView(vals orm.Values) orm.Values {
	vals = vals.Clone()
	if vals["mode"] == nil && vals.ID("inherit_id") != 0 {
		vals["mode"] = "extension"
	}
	arch := vals.Text("arch")
	if arch == "" {
		arch = vals.Text("arch_base")
	}
	if arch == "" {
		arch = vals.Text("arch_db")
	}
	if vals.Text("type") == "" && vals.ID("inherit_id") == 0 {
		vals["type"] = rootElement(arch)
	}
	if vals.Text("name") == "" {
		vals["name"] = strings.TrimSpace(vals.Text("model") + " " + vals.Text("type"))
	}
	return vals
}

// rootElement names the first element of an XML text; "tree" is the old name
// of "list", and any other unknown root makes a template.
func rootElement(arch string) string {
	for {
		i := strings.IndexByte(arch, '<')
		if i < 0 || i+1 >= len(arch) {
			return "qweb"
		}
		arch = arch[i+1:]
		if arch[0] == '?' || arch[0] == '!' {
			continue
		}
		name := arch[:strings.IndexAny(arch+" ", " \t\r\n/>")]
		if name == "tree" {
			return "list"
		}
		if slices.Contains([]string{"list", "form", "graph", "pivot", "calendar", "kanban", "search", "activity"}, name) {
			return name
		}
		return "qweb"
	}
}

// inheritViewType gives views that extend another its type and model.
func inheritViewType(made orm.Records) error {
	vs, err := orm.Read[View](made.Env.Sudo(), made.IDs, "inherit_id")
	if err != nil {
		return err
	}
	for _, v := range vs {
		parent := v.InheritID.Rec()
		if parent == nil {
			continue
		}
		vals := orm.Values{}
		if v.Type == "" {
			vals["type"] = parent.Type
		}
		if v.Model == "" {
			vals["model"] = parent.Model
		}
		if err := made.Browse(v.ID).Write(vals); err != nil {
			return err
		}
	}
	return nil
}

func menuPaths(env *orm.Env, ms []*Menu) error {
	known := map[int64]*Menu{}
	for level := ms; len(level) > 0; {
		var up []int64
		for _, m := range level {
			known[m.ID] = m
			if m.ParentID.IsSet() && known[m.ParentID.ID] == nil {
				up = append(up, m.ParentID.ID)
			}
		}
		if len(up) == 0 {
			break
		}
		var err error
		if level, err = orm.Read[Menu](env.Sudo(), up); err != nil {
			return err
		}
	}
	for _, m := range ms {
		path := ""
		for at, n := m, 0; at != nil && n < 50; at, n = known[at.ParentID.ID], n+1 {
			path = "/" + at.Name + path
		}
		m.CompleteName.Set(strings.TrimPrefix(path, "/"))
	}
	return nil
}

// externalIDs finds the full external id of records, "" for those without.
func externalIDs(env *orm.Env, model string, ids []int64) (map[int64]string, error) {
	type named struct {
		ResID int64
		Name  string
	}
	// SQL: users see the external ids of what they see, and no other.
	rows, err := orm.Rows[named](env, orm.SQL(`SELECT res_id, module || '.' || name AS name FROM ir_model_data WHERE model = ? AND res_id = ANY(?) ORDER BY id DESC`, model, ids).Reads("ir.model.data"))
	out := map[int64]string{}
	for _, r := range rows {
		out[r.ResID] = r.Name
	}
	return out, err
}
