package base

import (
	"strings"

	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
)

// Module is the record of an addon the program knows; the framework keeps the
// list and the state in step with the manifests.
type Module struct {
	orm.Record       `orm:"ir.module.module" label:"Module" order:"application desc, sequence, name" rec:"shortdesc" search:"name,shortdesc,summary"`
	Name             string                     `orm:"name,required" label:"Technical Name"`
	CategoryID       orm.Ref[ModuleCategory]    `orm:"category_id,index" label:"Category"`
	ShortDesc        string                     `orm:"shortdesc,translate" label:"Module Name"`
	Summary          string                     `orm:"summary,translate" label:"Summary"`
	Description      string                     `orm:"description,text,translate" label:"Description"`
	Author           string                     `orm:"author" label:"Author"`
	Website          string                     `orm:"website" label:"Website"`
	InstalledVersion string                     `orm:"installed_version" label:"Latest Version"`
	LatestVersion    string                     `orm:"latest_version" label:"Installed Version"`
	Sequence         int                        `orm:"sequence,default=100" label:"Sequence"`
	AutoInstall      bool                       `orm:"auto_install" label:"Automatic Installation"`
	State            string                     `orm:"state,default=uninstallable,index" selection:"uninstallable:Uninstallable,uninstalled:Not Installed,installed:Installed,to upgrade:To be upgraded,to remove:To be removed,to install:To be installed" label:"Status"`
	Demo             bool                       `orm:"demo" label:"Demo Data"`
	License          string                     `orm:"license,default=LGPL-3" label:"License"`
	Application      bool                       `orm:"application" label:"Application"`
	Icon             string                     `orm:"icon" label:"Icon URL"`
	DependIDs        orm.Many[ModuleDependency] `orm:"dependencies_id,inverse=module_id" label:"Dependencies"`
	CategoryName     string                     `orm:"category_name" label:"Category name in the manifest"`
	LastError        string                     `orm:"last_error,text,readonly" label:"Last Problem" help:"Why the last change that was asked for did not happen."`
}

// ModuleDependency is one addon another needs.
type ModuleDependency struct {
	orm.Record `orm:"ir.module.module.dependency" label:"Module dependency" order:"id"`
	Name       string          `orm:"name,index" label:"Name"`
	ModuleID   orm.Ref[Module] `orm:"module_id,index,ondelete=cascade" label:"Module"`
}

// ModuleUninstall asks before an addon and its data go.
type ModuleUninstall struct {
	orm.Record `orm:"base.module.uninstall,transient" label:"Module Uninstall" rec:"module_id"`
	ModuleID   orm.Ref[Module] `orm:"module_id,required,ondelete=cascade" label:"Module"`
	Impact     string          `orm:"impact,text,readonly" label:"What is removed"`
}

// The buttons of the Apps page. Installing, upgrading and uninstalling happen as
// soon as the transaction has committed; requests wait meanwhile. The plain ones
// only mark what is to be done at the next start.
var (
	ModuleInstall       = moduleButton("button_install")
	ModuleInstallNow    = moduleButton("button_immediate_install")
	ModuleUpgrade       = moduleButton("button_upgrade")
	ModuleUpgradeNow    = moduleButton("button_immediate_upgrade")
	ModuleRemove        = moduleButton("button_uninstall")
	ModuleRemoveNow     = moduleButton("button_immediate_uninstall")
	ModuleRemoveWizard  = moduleButton("button_uninstall_wizard")
	ModuleInstallCancel = moduleButton("button_install_cancel")
	ModuleUpgradeCancel = moduleButton("button_upgrade_cancel")
	ModuleRemoveCancel  = moduleButton("button_uninstall_cancel")
	// UpdateModuleList enters the addons of the program into the list of modules, and
	// answers how many entries changed and how many are new.
	UpdateModuleList      = orm.ModelMethod[Module]{Name: "update_list", Groups: []string{"base.group_system"}}
	ModuleUninstallAction = orm.Method[ModuleUninstall]{Name: "action_uninstall", Groups: []string{"base.group_system"}}
)

func moduleButton(name string) orm.Method[Module] {
	return orm.Method[Module]{Name: name, Groups: []string{"base.group_system"}}
}

func defineModules(r *orm.Registry) {
	orm.Define[ModuleCategory](r)
	m := orm.Define[Module](r)
	m.Unique("name_uniq", "name", "The name of the module must be unique!")
	orm.ImplementModel(m, UpdateModuleList, func(env *orm.Env, _ orm.Args) (any, error) {
		updated, added, err := module.UpdateList(env.Sudo())
		return []int{updated, added}, err
	})
	orm.Define[ModuleDependency](r)
	for _, b := range []struct {
		method orm.Method[Module]
		mark   func(*orm.Env, []*Module) error
		now    bool
	}{
		{ModuleInstall, markInstall, false}, {ModuleInstallNow, markInstall, true},
		{ModuleUpgrade, markUpgrade, false}, {ModuleUpgradeNow, markUpgrade, true},
		{ModuleRemove, markRemoval, false}, {ModuleRemoveNow, markRemoval, true},
		{ModuleInstallCancel, unmark("to install", "uninstalled"), false},
		{ModuleUpgradeCancel, unmark("to upgrade", "installed"), false},
		{ModuleRemoveCancel, unmark("to remove", "installed"), false},
	} {
		orm.Implement(m, b.method, func(env *orm.Env, ms []*Module, _ orm.Args) (any, error) {
			if err := b.mark(env, ms); err != nil {
				return nil, err
			}
			if b.now {
				if err := module.Ask(env); err != nil {
					return nil, err
				}
			}
			return map[string]any{"type": "ir.actions.client", "tag": "reload"}, nil
		})
	}
	orm.Implement(m, ModuleRemoveWizard, func(env *orm.Env, ms []*Module, _ orm.Args) (any, error) {
		if len(ms) != 1 {
			return nil, orm.UserErrorf("Uninstall one app after another.")
		}
		plan, err := planRemoval(env, ms)
		if err != nil {
			return nil, err
		}
		w := &ModuleUninstall{ModuleID: orm.RefTo[Module](ms[0].ID), Impact: strings.Join(plan.Lines(), "\n")}
		if err := orm.Create(env, w); err != nil {
			return nil, err
		}
		return map[string]any{"type": "ir.actions.act_window", "name": "Uninstall " + ms[0].ShortDesc, "res_model": "base.module.uninstall",
			"res_id": w.ID, "view_mode": "form", "views": []any{[]any{false, "form"}}, "target": "new"}, nil
	})
	u := orm.Define[ModuleUninstall](r)
	orm.Implement(u, ModuleUninstallAction, func(env *orm.Env, ws []*ModuleUninstall, _ orm.Args) (any, error) {
		var ids []int64
		for _, w := range ws {
			ids = append(ids, w.ModuleID.ID)
		}
		return env.Model("ir.module.module").Browse(ids...).Do(ModuleRemoveNow.Name, orm.Args{})
	})
}

// namesOf are the technical names of modules.
func namesOf(ms []*Module) []string {
	var names []string
	for _, m := range ms {
		names = append(names, m.Name)
	}
	return names
}

func markInstall(env *orm.Env, ms []*Module) error {
	known := module.Known(env.DB())
	for _, m := range ms {
		if m.State != ModuleUninstalled && m.State != ModuleUninstallable && m.State != ModuleToInstall {
			return orm.UserErrorf("%s is installed already.", m.ShortDesc)
		}
	}
	if _, err := module.Closure(known, nil, namesOf(ms)); err != nil {
		return orm.UserErrorf("%v", err)
	}
	return setStates(env, namesOf(ms), "to install")
}

func markUpgrade(env *orm.Env, ms []*Module) error {
	for _, m := range ms {
		if m.State != ModuleInstalled && m.State != ModuleToUpgrade {
			return orm.UserErrorf("%s is not installed, so it cannot be upgraded.", m.ShortDesc)
		}
	}
	return setStates(env, namesOf(ms), "to upgrade")
}

// markRemoval marks modules with all that depend on them.
func markRemoval(env *orm.Env, ms []*Module) error {
	plan, err := planRemoval(env, ms)
	if err != nil {
		return err
	}
	return setStates(env, plan.Addons, "to remove")
}

func planRemoval(env *orm.Env, ms []*Module) (*module.Removal, error) {
	plan, err := module.PlanUninstall(env, env.DB(), module.Known(env.DB()), namesOf(ms), module.Options{Dependents: true})
	if err != nil {
		return nil, orm.UserErrorf("%v", err)
	}
	return plan, nil
}

func unmark(from, to string) func(*orm.Env, []*Module) error {
	return func(env *orm.Env, ms []*Module) error {
		var names []string
		for _, m := range ms {
			if m.State == from {
				names = append(names, m.Name)
			}
		}
		return setStates(env, names, to)
	}
}

func setStates(env *orm.Env, names []string, state string) error {
	var list []any
	for _, n := range names {
		list = append(list, n)
	}
	rs, err := env.Sudo().Model("ir.module.module").Search(orm.Leaf("name", "in", list), orm.SearchOptions{})
	if err != nil {
		return err
	}
	return rs.Write(orm.Values{"state": state, "last_error": false})
}
