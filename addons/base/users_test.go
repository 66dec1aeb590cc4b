package base_test

import (
	"testing"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// Users change their own password with the old one, and of their companies the
// current one, but not to one that is not theirs.
func TestOwnUser(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	group := must[orm.Records](t)(env.Ref("base.group_user"))
	other := must[orm.Records](t)(env.Model("res.company").Create(orm.Values{"name": "Other"}))
	third := must[orm.Records](t)(env.Model("res.company").Create(orm.Values{"name": "Third"}))
	user := must[orm.Records](t)(env.Model("res.users").Create(orm.Values{"name": "Ada", "login": "ada", "password": "first", "group_ids": group.IDs,
		"company_id": int64(1), "company_ids": []int64{1, other.ID()}}))
	mine := env.WithUser(user.ID()).NoSudo()
	for _, c := range []struct{ company, want int64 }{{other.ID(), other.ID()}, {third.ID(), other.ID()}, {1, 1}} {
		if err := user.In(mine).Write(orm.Values{"company_id": c.company, "tz": "UTC"}); err != nil {
			t.Fatal(err)
		}
		if got := must[any](t)(user.Value("company_id")); got != c.want {
			t.Errorf("after a change to company %d: %v, want %d", c.company, got, c.want)
		}
	}
	if err := user.In(mine).Write(orm.Values{"login": "root"}); !orm.IsCode(err, orm.CodeAccess) {
		t.Errorf("a new login: %v", err)
	}
	change := func(args ...any) error {
		_, err := mine.Model("res.users").Call("change_password", orm.Args{Pos: args})
		return err
	}
	for _, c := range []struct {
		args []any
		want orm.Code
	}{{[]any{"wrong", "second"}, orm.CodeDenied}, {[]any{"wrong", " "}, orm.CodeDenied}, {[]any{"", "second"}, orm.CodeDenied}, {[]any{"first", "  "}, orm.CodeUser},
		{[]any{"first"}, orm.CodeType}, {[]any{"first", "second", "third"}, orm.CodeType}} {
		if err := change(c.args...); !orm.IsCode(err, c.want) {
			t.Errorf("change_password%v: %v, want a %s", c.args, err, c.want)
		}
	}
	if err := change("first", " second "); err != nil {
		t.Fatal(err)
	}
	if err := base.CheckPassword(env, user.ID(), "second"); err != nil {
		t.Errorf("the new password: %v", err)
	}
	if err := base.CheckPassword(env, user.ID(), "first"); !orm.IsCode(err, orm.CodeDenied) {
		t.Errorf("the old password: %v", err)
	}
}

// A context that names companies the user has not, in whatever form, is refused.
func TestCompaniesOfTheContext(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	group := must[orm.Records](t)(env.Ref("base.group_user"))
	user := must[orm.Records](t)(env.Model("res.users").Create(orm.Values{"name": "Ada", "login": "ada", "group_ids": group.IDs}))
	for _, v := range []any{nil, false, "", []any{}, []any{int64(1)}, int64(1)} {
		if err := env.WithUser(user.ID()).NoSudo().WithContext(map[string]any{"allowed_company_ids": v}).CheckCompanies(); err != nil {
			t.Errorf("%v: %v", v, err)
		}
	}
	for _, v := range []any{"x", []any{"x"}, []any{int64(-1)}, []any{int64(1), int64(99)}, int64(99), map[string]any{"a": 1}} {
		if err := env.WithUser(user.ID()).NoSudo().WithContext(map[string]any{"allowed_company_ids": v}).CheckCompanies(); !orm.IsCode(err, orm.CodeAccess) {
			t.Errorf("%v: %v", v, err)
		}
	}
}
