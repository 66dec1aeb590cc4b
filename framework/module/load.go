package module

import (
	"fmt"
	"io/fs"
	"strconv"

	"fusionsoft.ca/fusion/framework/orm"
)

// Load loads data files of a module into a database, as at its installation:
// every record they name is created or written. The module need not be an
// addon of the program; external ids without a module get its name. All files
// are looked through before anything is written, against the models of the
// database and what is in it; the error is a [Problems] with all mistakes.
//
// fsys holds the files, and what they name with file=.
func Load(env *orm.Env, addons []Addon, module string, fsys fs.FS, files []string) error {
	list, err := Installed(env, env.DB())
	if err != nil {
		return err
	}
	present, err := exactly(addons, statusNames(list))
	if err != nil {
		return err
	}
	ids, err := loadIndex(env)
	if err != nil {
		return err
	}
	own := Addon{Name: module, FS: fsys}
	parsed, problems := parseAll(Addon{Name: module, FS: fsys, Data: files}, false)
	more, err := checkLoad(env, present, own, parsed, ids)
	if err != nil {
		return err
	}
	if err := append(problems, more...).tidy().err(); err != nil {
		return err
	}
	l := newLoader(env, module, Init, ids)
	l.quoted = true
	for _, f := range parsed {
		if err := l.run(f); err != nil {
			return err
		}
	}
	return l.finish()
}

// checkLoad checks files that come after those of the installed addons.
func checkLoad(env *orm.Env, present []Addon, own Addon, parsed []*dataFile, ids *idIndex) (Problems, error) {
	files := map[string][]*dataFile{}
	inFiles := map[string]bool{}
	for _, a := range present {
		files[a.Name], _ = parseAll(a, true)
		for _, f := range files[a.Name] {
			for _, op := range f.ops {
				if r, ok := op.(*record); ok {
					inFiles[r.id] = true
				}
			}
		}
	}
	c := newChecker(env.Registry(), present)
	c.needs[own.Name] = map[string]bool{own.Name: true} // everything is there
	var views []*extID
	for _, full := range ids.names() {
		x := ids.byName[full]
		if c.needs[x.module] == nil {
			c.needs[x.module] = map[string]bool{x.module: true}
		}
		if inFiles[full] || x.model == "ir.model" || x.model == "ir.model.fields" {
			continue
		}
		c.define(full, x.model, place{addon: x.module})
		if x.model == "ir.ui.view" {
			views = append(views, x)
		}
	}
	for name := range c.needs {
		c.needs[own.Name][name] = true
	}
	if err := c.databaseViews(env, views, ids); err != nil {
		return nil, err
	}
	for _, a := range present {
		c.reflect(a)
		c.files(a, files[a.Name])
	}
	c.problems = nil // of the others
	c.files(own, parsed)
	return c.findings([]Addon{own}), nil
}

// databaseViews enters the views that no file of an addon describes.
func (c *dataChecker) databaseViews(env *orm.Env, views []*extID, ids *idIndex) error {
	if len(views) == 0 {
		return nil
	}
	byID := map[int64]string{}
	for full, x := range ids.byName {
		if x.model == "ir.ui.view" {
			byID[x.resID] = full
		}
	}
	var list []int64
	for _, x := range views {
		list = append(list, x.resID)
	}
	there, err := env.Model("ir.ui.view").Browse(list...).Exists()
	if err != nil {
		return err
	}
	rows, err := there.Read("id", "model", "type", "inherit_id", "priority", "mode", "arch")
	if err != nil {
		return err
	}
	for _, r := range rows {
		text := func(name string) string {
			s, _ := r[name].(string)
			return s
		}
		id, _ := r["id"].(int64)
		v := &checkedView{id: byID[id], model: text("model"), qweb: text("type") == "qweb", inherit: byID[idOf(r["inherit_id"])]}
		v.primary = text("mode") == "primary" || v.inherit == ""
		v.priority, _ = strconv.Atoi(fmt.Sprint(r["priority"]))
		c.storedView(v, text("arch"))
	}
	return nil
}
