package security

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

// What a form shows before it is saved is computed in memory: of no model does it
// write anything, be it new or the form of a stored record; and where nothing has
// been changed, it is what is stored.
func TestFormsWriteNothing(t *testing.T) {
	t.Parallel()
	db := ormtest.DB(t, allAddons()...)
	doTrade(t, db)
	for _, m := range db.Registry.Models() {
		name := m.Name
		if m.Abstract || m.Query != "" {
			continue
		}
		err := db.View(t.Context(), orm.System(), func(env *orm.Env) error {
			if _, err := env.Exec(orm.SQL("SET TRANSACTION READ ONLY").NoModels()); err != nil {
				return err
			}
			env = env.WithUser(2).Sudo()
			blank, err := env.Model(name).New(nil)
			if err != nil {
				return fmt.Errorf("a new form: %w", err)
			}
			if _, err := blank.Read(); err != nil {
				return fmt.Errorf("reading a new form: %w", err)
			}
			found, err := env.WithContext(map[string]any{"active_test": false}).Model(name).Search(nil, orm.SearchOptions{Limit: 3, Order: "id desc"})
			if err != nil {
				return err
			}
			for _, id := range found.IDs {
				if err := agrees(t, found.Browse(id)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// setByHand are models whose records of the test have computed values that were set by
// hand, which typing what they follow from finds anew.
var setByHand = map[string]string{"sale.order.line": "prices and taxes follow from product and quantity"}

// agrees compares a record with a form of it in which everything was typed again.
func agrees(t *testing.T, rs orm.Records) error {
	rows, err := rs.Read()
	if err != nil {
		return err
	}
	typed := orm.Values{}
	for name, v := range rows[0] {
		f := rs.Model.Fields[name]
		if !f.X2many() && f.Stored && !f.Computed() && f.Writable() && f.Kind != orm.BinaryKind && f.Kind != orm.SecretKind {
			typed[name] = v
		}
	}
	form, err := rs.New(nil)
	if err != nil {
		return err
	}
	if err := form.Assign(typed); err != nil {
		return fmt.Errorf("typing again what there is: %w", err)
	}
	shown, err := form.Read()
	if err != nil {
		return fmt.Errorf("reading the form of a record: %w", err)
	}
	for _, name := range rows[0].Names() {
		f := rs.Model.Fields[name]
		was, is := fmt.Sprint(rows[0][name]), fmt.Sprint(shown[0][name])
		if f.X2many() {
			was, is = ids(rs.Env.Model(f.Comodel), rows[0][name]), ids(rs.Env.Model(f.Comodel), shown[0][name])
		} else if f.Kind == orm.Many2one {
			id, _ := shown[0][name].(int64)
			was, is = fmt.Sprint(rs.Env.Model(f.Comodel).Browse(orm.Values{name: rows[0][name]}.ID(name)).Origin()), fmt.Sprint(rs.Env.Model(f.Comodel).Browse(id).Origin())
		}
		if name != "id" && was != is && setByHand[rs.Model.Name] == "" {
			t.Errorf("%s: %s is %.80s, in its form %.80s", rs, name, was, is)
		}
	}
	return nil
}

// ids are the stored records that a list stands for, in the order of their ids.
func ids(co orm.Records, v any) string {
	list, _ := v.([]int64)
	var out []string
	for _, id := range list {
		out = append(out, fmt.Sprint(co.Browse(id).Origin()))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}
