package walk

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

// machinery are the models that no record is made of, with the reason. Every
// other model of the program has records with markers, or the walk fails.
func machinery() map[string]string {
	const program = "its records are the program's own: they say what it consists of"
	return map[string]string{
		"ir.model": program, "ir.model.fields": program, "ir.model.data": program, "ir.module.module": program, "ir.module.module.dependency": program, "ir.module.category": program,
		"ir.ui.view": program, "ir.actions.actions": program, "ir.actions.act_window": program, "ir.actions.act_window.view": program,
		"ir.actions.client": program, "ir.actions.report": program, "ir.actions.server": program, "ir.actions.act_url": program,
		"ir.model.access": "makeRules and the addon walk make them, with what they need", "ir.rule": "makeRules makes them, with domains that can be evaluated",
		"ir.default": "its values have to be JSON that fits a field", "ir.cron": "a marker is no name of a method",
		"res.users": "makeUsers makes them", "res.company": "fill makes them", "res.groups": "they would be rights of nobody", "res.lang": "a language needs a format of dates",
		"res.users.credential": "it holds hashes of passwords, which the users have",
		"ir.job":               "jobs are what River keeps", "decimal.precision": "the program reads it by name",
		"res.users.apikeys":      "keys are made in one's preferences; every browser of the walk makes one",
		"res.users.apikeys.show": "it shows a key once and is never stored",
		"stock.return.picking":   "a wizard of transfers that are done", "stock.return.picking.line": "a line of stock.return.picking",
		"account.payment.register": "a wizard of invoices that are posted",
	}
}

// filler makes records of any model.
type filler struct {
	w    *world
	env  *orm.Env
	pool map[string][]int64 // records of each model
}

// makeAll makes records of every model, those that need others after them.
func (w *world) makeAll(env *orm.Env) error {
	f := &filler{w: w, env: env.WithContext(map[string]any{"active_test": false, "tracking_disable": true}), pool: map[string][]int64{}}
	skip := machinery()
	var todo []*orm.Model
	for _, m := range env.Registry().Models() {
		if !m.Abstract && m.Query == "" && skip[m.Name] == "" && !strings.HasPrefix(m.Name, "walk.") {
			todo = append(todo, m)
		}
	}
	var failed map[string]error
	for range 4 {
		var later []*orm.Model
		failed = map[string]error{}
		for _, m := range todo {
			for range 2 {
				if err := f.make(m); err != nil {
					failed[m.Name] = err
					later = append(later, m)
					break
				}
			}
		}
		if todo = later; len(todo) == 0 {
			return nil
		}
	}
	for name, err := range failed {
		if found, e := f.env.Model(name).Search(nil, orm.SearchOptions{Limit: 1}); e == nil && found.Len() > 0 {
			continue // others have made some
		}
		w.t.Errorf("No record of %s can be made for the walk: %v. Teach the filler what such a record needs, or name the model in machinery with the reason.", name, err)
	}
	return nil
}

// make makes a record, with as much in it as the model accepts.
func (f *filler) make(m *orm.Model) error {
	var err error
	for _, ambition := range []int{2, 2, 1, 1, 1, 1, 0, 0, 0, 0} {
		var vals orm.Values
		if vals, err = f.values(m, ambition); err != nil {
			return err
		}
		env := f.env
		if m.Transient { // wizards are of users
			env = env.WithUser(f.w.some(f.w.users[:4])).Sudo()
		}
		err = env.Savepoint(func(env *orm.Env) error {
			made, err := env.Model(m.Name).Create(vals)
			if err == nil {
				f.pool[m.Name] = append(f.records(m.Name), made.IDs...)
			}
			return err
		})
		if err == nil {
			return nil
		}
	}
	return err
}

// records are those of a model, as far as the filler may use them.
func (f *filler) records(model string) []int64 {
	if known, ok := f.pool[model]; ok {
		return known
	}
	found, err := f.env.Model(model).Search(nil, orm.SearchOptions{Order: "id", Limit: 40})
	if err != nil {
		return nil
	}
	f.pool[model] = found.IDs
	return found.IDs
}

// values are markers for texts, and for everything else what fits.
func (f *filler) values(m *orm.Model, ambition int) (orm.Values, error) {
	vals := orm.Values{}
	for _, name := range m.FieldNames() {
		fd := m.Fields[name]
		if strings.HasPrefix(name, "create_") || strings.HasPrefix(name, "write_") || slices.Contains([]string{"id", "display_name", "active", "parent_path"}, name) ||
			fd.Computed() && !fd.Inherited() && !fd.Required || fd.Inherited() && ambition < 2 && !fd.Required {
			continue
		}
		if v, err := f.value(m, fd, ambition); err != nil {
			return nil, err
		} else if v != nil {
			vals[name] = v
		}
	}
	for name, v := range f.special(m.Name) {
		vals[name] = v
	}
	return vals, nil
}

func (f *filler) value(m *orm.Model, fd *orm.Field, ambition int) (any, error) {
	w := f.w
	wanted := fd.Required && fd.Default == nil || ambition == 2 && w.chance(2)
	switch fd.Kind {
	case orm.Char, orm.Text, orm.HTML, orm.SecretKind:
		switch {
		case fd.Size > 0 && fd.Size < 12 || fd.Computed() && !fd.Inherited() || ambition < 1 && !fd.Required:
			if fd.Required {
				return fmt.Sprint(w.rng.IntN(9))[:1], nil
			}
			return nil, nil
		case strings.Contains(fd.Name, "email") || strings.Contains(fd.Validate, "email"):
			return w.mark() + "@example.com", nil
		case strings.Contains(fd.Name, "url") || strings.Contains(fd.Validate, "url"):
			return "https://" + w.mark() + ".example.com", nil
		case fd.Kind == orm.HTML:
			return "<p>" + w.mark() + "</p>", nil
		}
		return w.mark(), nil
	case orm.Selection:
		if wanted && len(fd.Options) > 0 {
			return fd.Options[w.rng.IntN(len(fd.Options))].Value, nil
		}
	case orm.Many2one:
		if !wanted {
			return nil, nil
		}
		if fd.Comodel == "res.company" {
			return w.some(w.companies), nil
		}
		if id := w.some(f.records(fd.Comodel)); id != 0 {
			return id, nil
		}
		if fd.Required {
			return nil, fmt.Errorf("there is no %s for %s", fd.Comodel, fd.Name)
		}
	case orm.Many2many:
		if fd.Stored && !fd.Computed() && ambition == 2 && w.chance(3) {
			if id := w.some(f.records(fd.Comodel)); id != 0 {
				return []orm.Command{orm.SetIDs(id)}, nil
			}
		}
	case orm.Integer, orm.Float, orm.Monetary:
		if wanted {
			return 1 + w.rng.IntN(9), nil
		}
	case orm.DateKind:
		if wanted {
			return fmt.Sprintf("2026-%02d-%02d", 1+w.rng.IntN(12), 1+w.rng.IntN(28)), nil
		}
	case orm.DatetimeKind:
		if wanted {
			return fmt.Sprintf("2026-%02d-%02d 10:00:00", 1+w.rng.IntN(12), 1+w.rng.IntN(28)), nil
		}
	}
	return nil, nil
}

// special are values whose meaning their kind does not tell.
func (f *filler) special(model string) orm.Values {
	doc := f.w.some(f.w.docs)
	switch model {
	case "ir.attachment":
		return orm.Values{"res_model": "walk.doc", "res_id": doc, "res_field": false, "type": "binary", "store_fname": false, "db_datas": false, "url": false, "public": false}
	case "mail.message":
		return orm.Values{"model": "walk.doc", "res_id": doc}
	case "mail.mail":
		return orm.Values{"model": "walk.doc", "res_id": doc}
	case "mail.activity":
		return orm.Values{"res_model_id": f.w.docModel, "res_id": doc}
	case "product.product", "product.template":
		return orm.Values{"type": "consu", "is_storable": true, "company_id": orFalse(f.w.some([]int64{0, f.w.companies[0]}))}
	case "account.move.line":
		move := f.w.some(f.records("account.move"))
		company := f.of("account.move", move, "company_id")
		return orm.Values{"move_id": orFalse(move), "account_id": f.one("account.account", orm.Leaf("company_ids", "in", []any{company})), "display_type": "product"}
	case "account.fiscal.position.account", "account.fiscal.position.tax":
		position := f.w.some(f.records("account.fiscal.position"))
		company := f.of("account.fiscal.position", position, "company_id")
		vals := orm.Values{"position_id": orFalse(position)}
		for _, name := range []string{"account_src_id", "account_dest_id"} {
			vals[name] = f.one("account.account", orm.Leaf("company_ids", "in", []any{company}))
		}
		for _, name := range []string{"tax_src_id", "tax_dest_id"} {
			vals[name] = f.one("account.tax", orm.Leaf("company_id", "=", company))
		}
		maps.DeleteFunc(vals, func(name string, _ any) bool { return f.env.Model(model).Model.Fields[name] == nil })
		return vals
	case "stock.location":
		return orm.Values{"usage": "internal"}
	case "stock.move", "stock.move.line", "stock.quant", "stock.scrap":
		vals := orm.Values{}
		if model != "stock.quant" {
			vals["company_id"] = f.w.companies[0]
		}
		for _, name := range []string{"location_id", "location_dest_id"} {
			if f.env.Model(model).Model.Fields[name] != nil {
				vals[name] = f.one("stock.location", orm.And(orm.Leaf("company_id", "=", f.w.companies[0]), orm.Leaf("usage", "=", "internal")))
			}
		}
		vals["product_id"] = f.one("product.product", orm.Leaf("is_storable", "=", true))
		for _, name := range []string{"product_uom", "product_uom_id"} {
			if fd := f.env.Model(model).Model.Fields[name]; fd != nil && !fd.Readonly {
				vals[name] = f.of("product.product", vals["product_id"], "uom_id")
			}
		}
		if model == "stock.move.line" {
			vals["move_id"] = f.one("stock.move", orm.Leaf("company_id", "=", f.w.companies[0]))
			vals["product_id"] = f.of("stock.move", vals["move_id"], "product_id")
			vals["product_uom_id"] = f.of("stock.move", vals["move_id"], "product_uom")
		}
		return vals
	case "product.template.attribute.line":
		if value := f.w.some(f.records("product.attribute.value")); value != 0 {
			return orm.Values{"attribute_id": f.of("product.attribute.value", value, "attribute_id"), "value_ids": []orm.Command{orm.SetIDs(value)}}
		}
	}
	return nil
}

// one is a record of a model in a domain, 0 without any.
func (f *filler) one(model string, d orm.Domain) int64 {
	found, err := f.env.Model(model).Search(d, orm.SearchOptions{})
	if err != nil {
		f.w.t.Fatal(err)
	}
	return f.w.some(found.IDs)
}

// of is the value of a field of a record, nil without one.
func (f *filler) of(model string, id any, field string) any {
	n, _ := id.(int64)
	if n == 0 {
		return nil
	}
	v, err := f.env.Model(model).Browse(n).Value(field)
	if err != nil {
		f.w.t.Fatal(err)
	}
	return v
}
