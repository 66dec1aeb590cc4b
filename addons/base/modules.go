package base

import (
	"fusion/framework/orm"
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
}

// ModuleDependency is one addon another needs.
type ModuleDependency struct {
	orm.Record `orm:"ir.module.module.dependency" label:"Module dependency" order:"id"`
	Name       string          `orm:"name,index" label:"Name"`
	ModuleID   orm.Ref[Module] `orm:"module_id,index,ondelete=cascade" label:"Module"`
}

func defineModules(r *orm.Registry) {
	orm.Define[ModuleCategory](r)
	m := orm.Define[Module](r)
	m.Unique("name_uniq", "name", "The name of the module must be unique!")
	orm.Define[ModuleDependency](r)
}
