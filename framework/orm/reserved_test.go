package orm_test

import (
	"testing"
	"testing/fstest"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

// A file whose code and grade are reserved to a group, and a note on it that shows
// the grade.
type (
	reservedFile struct {
		orm.Record `orm:"reserved.file" label:"File"`
		Name       string `orm:"name,required"`
		Code       string `orm:"code,default=new" groups:"base.group_erp_manager"`
		Level      int    `orm:"level" groups:"base.group_erp_manager"`
		Grade      string `orm:"grade,store" groups:"base.group_erp_manager"`
	}
	reservedNote struct {
		orm.Record `orm:"reserved.note" label:"Note"`
		Name       string                `orm:"name"`
		File       orm.Ref[reservedFile] `orm:"file_id"`
		Grade      string                `orm:"grade,related=file_id.grade"`
		Open       string                `orm:"code,related=file_id.code" groups:"base.group_user"`
	}
)

func reserved() module.Addon {
	return module.Addon{Name: "reserved", Version: "19.0.1.0.0", Depends: []string{"base"}, Data: []string{"ir.model.access.csv"},
		FS: fstest.MapFS{"ir.model.access.csv": {Data: []byte("id,name,model_id:id,group_id:id,perm_read,perm_write,perm_create,perm_unlink\n" +
			"file,file,model_reserved_file,base.group_user,1,1,1,1\nnote,note,model_reserved_note,base.group_user,1,1,1,1\n")}},
		Define: func(r *orm.Registry) {
			f := orm.Define[reservedFile](r)
			f.Compute("grade", func(_ *orm.Env, fs []*reservedFile) error {
				for _, f := range fs {
					f.Grade = "graded " + f.Name
				}
				return nil
			}, "name")
			f.OnDefaultGet(func(super orm.DefaultFunc) orm.DefaultFunc {
				return func(rs orm.Records, fields []string) (orm.Values, error) {
					vals, err := super(rs, fields)
					if err == nil {
						vals["level"] = 7
					}
					return vals, err
				}
			})
			orm.Define[reservedNote](r)
		}}
}

// What the program makes of fields that a user may not see is stored with his
// records and not told to him; he himself gets nothing into them.
func TestReservedFieldsInValuesOfOthers(t *testing.T) {
	t.Parallel()
	env := ormtest.New(t, base.Addon(), reserved())
	group, err := env.Ref("base.group_user")
	if err != nil {
		t.Fatal(err)
	}
	clerk, err := env.Model("res.users").Create(orm.Values{"name": "Clerk", "login": "clerk", "group_ids": group.IDs})
	if err != nil {
		t.Fatal(err)
	}
	field, err := env.Model("ir.model.fields").Search(orm.And(orm.Leaf("model", "=", "reserved.file"), orm.Leaf("name", "=", "code")), orm.SearchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// A default of his own for a field that was not reserved when he chose it.
	if _, err := env.Model("ir.default").Create(orm.Values{"field_id": field.ID(), "user_id": clerk.ID(), "json_value": `"his"`}); err != nil {
		t.Fatal(err)
	}
	his := env.WithUser(clerk.ID()).NoSudo()

	told, err := his.WithContext(map[string]any{"default_code": "smuggled"}).Model("reserved.file").DefaultGet("name", "code", "level", "grade")
	if err != nil || len(told) != 0 {
		t.Errorf("default_get tells %v, %v", told, err)
	}
	file, err := his.WithContext(map[string]any{"default_code": "smuggled", "default_level": 9}).Model("reserved.file").Create(orm.Values{"name": "A"})
	if err != nil {
		t.Fatal(err)
	}
	stored := func(code, grade string) {
		t.Helper()
		rows, err := file.In(env).Read("code", "level", "grade")
		if err != nil {
			t.Fatal(err)
		}
		if r := rows[0]; r["code"] != code || r["level"] != int64(7) || r["grade"] != grade {
			t.Errorf("stored: %v", r)
		}
	}
	stored("new", "graded A")
	if err := file.Write(orm.Values{"name": "B"}); err != nil {
		t.Fatal(err)
	}
	stored("new", "graded B")

	note, err := his.Model("reserved.note").Create(orm.Values{"name": "N", "file_id": file.ID()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := note.Read("grade"); !orm.IsCode(err, orm.CodeAccess) {
		t.Errorf("a related field gives away a reserved one: %v", err)
	}
	if _, err := note.Search(orm.Leaf("grade", "=like", "g%"), orm.SearchOptions{}); !orm.IsCode(err, orm.CodeAccess) {
		t.Errorf("a search gives away a reserved field: %v", err)
	}
	all, err := note.Read()
	if err != nil {
		t.Fatal(err)
	}
	if all[0].Has("grade") || all[0]["code"] != "new" {
		t.Errorf("read of all fields: %v; one with groups of its own is for those", all[0])
	}
}
