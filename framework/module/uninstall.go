package module

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/expr"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/schema"
)

// Removal is what an uninstallation takes away.
type Removal struct {
	Addons  []string // in the order of uninstalling
	Models  []string // that no addon defines any more
	Tables  []string // theirs, and those of many2many fields
	Columns []string // of other models, as table.column
	Records int      // created by the addons' data files, in tables that stay
}

// Lines tells people what goes.
func (r *Removal) Lines() []string {
	var out []string
	for _, part := range []struct {
		what string
		list []string
	}{{"addons", r.Addons}, {"models", r.Models}, {"tables with all their rows", r.Tables}, {"columns of other models", r.Columns}} {
		if len(part.list) > 0 {
			out = append(out, part.what+": "+strings.Join(part.list, ", "))
		}
	}
	return append(out, fmt.Sprintf("records of other models: %d", r.Records))
}

// PlanUninstall says what [Uninstall] would remove. It refuses an addon that is
// not installed, one that others depend on, unless they may be taken along, and
// the one that holds the framework's own models.
func PlanUninstall(ctx context.Context, db *orm.DB, addons []Addon, names []string, opt Options) (*Removal, error) {
	in, err := newInstaller(ctx, db, addons, nil, opt)
	if err != nil {
		return nil, err
	}
	p, err := in.plan(names)
	if err != nil {
		return nil, err
	}
	err = derive(db, p.before).View(ctx, orm.System(), func(env *orm.Env) error {
		ids, err := in.index(env)
		if err == nil {
			p.out.Records = len(p.records(ids))
		}
		return err
	})
	return &p.out, err
}

// Uninstall removes addons with their data: the records of their data files,
// the tables of their models, and the columns they added to other models. It
// is one transaction. See [PlanUninstall] for what it refuses and to show
// beforehand what goes. The result is as that of [Install].
func Uninstall(ctx context.Context, db *orm.DB, addons []Addon, names []string, opt Options) (*orm.DB, error) {
	out := db
	err := locked(ctx, db, func() error {
		in, err := newInstaller(ctx, db, addons, nil, opt)
		if err != nil {
			return err
		}
		p, err := in.plan(names)
		if err != nil {
			return err
		}
		defer in.tell(ctx)
		if err := derive(db, p.before).Run(ctx, orm.System(), func(env *orm.Env) error { return in.uninstall(env, p) }); err != nil {
			return fmt.Errorf("uninstalling %s: %w", strings.Join(names, ", "), err)
		}
		in.news = true
		out = derive(db, p.after)
		in.log.Info("addons uninstalled", "addons", p.out.Addons, "models", len(p.out.Models), "columns", len(p.out.Columns))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

type removalPlan struct {
	out           Removal
	gone          map[string]bool
	rest          []Addon
	before, after *orm.Registry
	drops         []string // statements
}

func (in *installer) plan(names []string) (*removalPlan, error) {
	p := &removalPlan{gone: map[string]bool{}}
	var problems Problems
	for _, n := range names {
		if _, ok := in.status[n]; !ok {
			problems = append(problems, place{addon: n}.problem("is not installed%s", expr.DidYouMean(n, in.installedNames())))
		}
		p.gone[n] = true
	}
	for _, a := range in.goal {
		if _, ok := in.status[a.Name]; !ok || p.gone[a.Name] {
			continue
		}
		for _, d := range a.Depends {
			if p.gone[d] && in.opt.Dependents {
				p.gone[a.Name] = true
				break
			}
			if p.gone[d] {
				problems = append(problems, place{addon: d}.problem("cannot be uninstalled while %s depends on it; uninstall %s too", a.Name, a.Name))
			}
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	present, err := exactly(in.known, in.installedNames())
	if err != nil {
		return nil, err
	}
	for _, a := range present {
		if p.gone[a.Name] {
			p.out.Addons = append([]string{a.Name}, p.out.Addons...)
		} else {
			p.rest = append(p.rest, a)
		}
	}
	if p.before, err = buildOrdered(present); err != nil {
		return nil, err
	}
	if m, ok := p.before.Model("ir.module.module"); ok && p.gone[m.Addon] {
		return nil, place{addon: m.Addon}.errorf("holds the framework's own models and cannot be uninstalled; drop the database instead")
	}
	if p.after, err = buildOrdered(p.rest); err != nil {
		return nil, err
	}
	p.compare()
	return p, nil
}

// compare finds the tables, columns and constraints that no longer belong to
// anybody.
func (p *removalPlan) compare() {
	tables := map[string]bool{}
	for _, m := range p.after.Models() {
		tables[m.Table] = true
		for _, f := range m.Fields {
			if f.Kind == orm.Many2many {
				tables[f.RelTable] = true
			}
		}
	}
	dropped := map[string]bool{}
	dropTable := func(name, kind string) {
		if name != "" && !tables[name] && !dropped[name] {
			dropped[name] = true
			p.out.Tables = append(p.out.Tables, name)
			p.drops = append(p.drops, "DROP "+kind+" IF EXISTS "+quoteIdent(name)+" CASCADE")
		}
	}
	for _, m := range p.before.Models() {
		rest, stays := p.after.Model(m.Name)
		if !stays {
			p.out.Models = append(p.out.Models, m.Name)
		}
		for _, name := range m.FieldNames() {
			f := m.Fields[name]
			switch {
			case f.Kind == orm.Many2many && f.Stored && f.Model == m && !f.Inherited():
				dropTable(f.RelTable, "TABLE")
			case stays && !m.Abstract && m.Query == "" && stored(f) && !stored(rest.Fields[name]):
				p.out.Columns = append(p.out.Columns, m.Table+"."+name)
				p.drops = append(p.drops, "ALTER TABLE "+quoteIdent(m.Table)+" DROP COLUMN IF EXISTS "+quoteIdent(name)+" CASCADE")
			}
		}
		if m.Abstract {
			continue
		}
		if !stays {
			kind := "TABLE"
			if m.Query != "" {
				kind = "VIEW"
			}
			dropTable(m.Table, kind)
			continue
		}
		for _, c := range m.SQL {
			if !slices.ContainsFunc(rest.SQL, func(o orm.SQLConstraint) bool { return o.Name == c.Name }) {
				p.drops = append(p.drops, "ALTER TABLE "+quoteIdent(m.Table)+" DROP CONSTRAINT IF EXISTS "+quoteIdent(schema.Ident(c.Name)))
			}
		}
	}
	slices.Sort(p.out.Tables)
	// Views that stay may read what goes; they are made anew without it.
	var drop, create []string
	for _, m := range p.after.Models() {
		if m.Query != "" {
			drop = append([]string{"DROP VIEW IF EXISTS " + quoteIdent(m.Table) + " CASCADE"}, drop...)
			create = append(create, schema.View{Name: m.Table, Query: m.Query}.Statements()...)
		}
	}
	p.drops = slices.Concat(drop, p.drops, create)
}

// stored reports whether a field has a column of its own.
func stored(f *orm.Field) bool {
	return f != nil && f.Stored && !f.X2many() && f.Kind != orm.BinaryKind && !f.Inherited()
}

// records lists the external ids whose records have to be deleted one by one,
// the latest first; those of models that go entirely need not be.
func (p *removalPlan) records(ids *idIndex) []*extID {
	var out []*extID
	for _, x := range ids.byName {
		if p.gone[x.module] && !mirrors(x.model) && !slices.Contains(p.out.Models, x.model) {
			out = append(out, x)
		}
	}
	slices.SortFunc(out, func(a, b *extID) int { return int(b.row - a.row) })
	return out
}

func (in *installer) uninstall(env *orm.Env, p *removalPlan) error {
	ids, err := in.index(env)
	if err != nil {
		return err
	}
	if _, err := in.remove(env, p.records(ids), ids, "of an addon that is uninstalled"); err != nil {
		return err
	}
	if att, ok := p.after.Model("ir.attachment"); ok && att.Fields["res_model"] != nil {
		rs, err := env.Model("ir.attachment").Search(orm.Leaf("res_model", "in", anyTexts(p.out.Models)), orm.SearchOptions{})
		if err == nil {
			err = rs.Unlink()
		}
		if err != nil {
			return fmt.Errorf("deleting the attachments of models that go: %w", err)
		}
	}
	if err := env.Flush(); err != nil {
		return err
	}
	for _, sql := range p.drops {
		if _, err := env.Exec(orm.Script(sql)); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	names := slices.Sorted(maps.Keys(p.gone))
	if _, err := env.Exec(orm.SQL("DELETE FROM ir_model_data WHERE module = ANY(?) OR model = ANY(?)", names, p.out.Models).Writes("ir.model.data")); err != nil {
		return err
	}
	for full, x := range ids.byName {
		if p.gone[x.module] || slices.Contains(p.out.Models, x.model) {
			delete(ids.byName, full)
		}
	}
	in.mirror.ids, in.mirror.last, in.mirror.prune = ids, map[string]string{}, true
	if err := in.mirror.run(env, p.after, p.rest); err != nil {
		return err
	}
	_, err = env.Exec(orm.SQL("UPDATE ir_module_module SET state = 'uninstalled', latest_version = NULL WHERE name = ANY(?)", names).
		Writes("ir.module.module", "state", "latest_version"))
	return err
}

func anyTexts(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}
