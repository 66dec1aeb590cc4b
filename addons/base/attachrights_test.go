package base_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
)

// Who may not change a record may not hang files on it either, however the
// record's id is spelled and whichever half of the reference is written.
func TestFilesFollowTheRightsOfTheirRecord(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	create := func(model string, v orm.Values) orm.Records {
		return must[orm.Records](t)(env.Model(model).Create(v))
	}
	user := create("res.users", orm.Values{"name": "Ida", "login": "ida", "password": "a long password",
		"group_ids": []orm.Command{orm.Link(must[orm.Records](t)(env.Ref("base.group_user")).ID())}})
	closed := create("res.partner", orm.Values{"name": "Closed"})
	open := create("res.partner", orm.Values{"name": "Open"})
	model := must[orm.Records](t)(env.Model("ir.model").Search(orm.Leaf("model", "=", "res.partner"), orm.SearchOptions{}))
	create("ir.model.access", orm.Values{"name": "everybody", "model_id": model.ID(), "perm_read": true, "perm_write": true, "perm_create": true, "perm_unlink": true})
	create("ir.rule", orm.Values{"name": "not the closed one", "model_id": model.ID(), "domain_force": "[('name', '!=', 'Closed')]"})
	ida := env.WithUser(user.ID())
	files := ida.Model("ir.attachment")

	for _, id := range []any{closed.ID(), int(closed.ID()), float64(closed.ID()), json.Number(fmt.Sprint(closed.ID()))} {
		if _, err := files.Create(orm.Values{"name": "a.txt", "res_model": "res.partner", "res_id": id}); !orm.IsCode(err, orm.CodeAccess) {
			t.Errorf("a file for the closed record, its id a %T: %v", id, err)
		}
	}
	if _, err := ida.WithContext(map[string]any{"default_res_id": closed.ID()}).Model("ir.attachment").Create(orm.Values{"name": "a.txt", "res_model": "res.partner"}); !orm.IsCode(err, orm.CodeAccess) {
		t.Errorf("a file for the closed record, by a default: %v", err)
	}
	mine := must[orm.Records](t)(files.Create(orm.Values{"name": "b.txt", "res_model": "res.partner", "res_id": json.Number(fmt.Sprint(open.ID()))}))
	for _, v := range []orm.Values{{"res_id": closed.ID()}, {"res_model": "res.partner", "res_id": json.Number(fmt.Sprint(closed.ID()))}} {
		if err := ida.Savepoint(func(e *orm.Env) error { return mine.In(e).Write(v) }); !orm.IsCode(err, orm.CodeAccess) {
			t.Errorf("moving a file with %v: %v", v, err)
		}
	}
	if err := mine.Write(orm.Values{"name": "c.txt"}); err != nil {
		t.Errorf("renaming one's own file: %v", err)
	}
}
