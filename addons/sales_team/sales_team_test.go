package sales_team_test

import (
	"testing"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/addons/sales_team"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

func addons() []module.Addon {
	return []module.Addon{base.Addon(), mail.Addon(), sales_team.Addon()}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestEveryNameExists(t *testing.T) {
	t.Parallel()
	for _, p := range module.Check(addons()) {
		t.Error(p)
	}
}

func TestTeamOfAUser(t *testing.T) {
	t.Parallel()
	env := ormtest.New(t, addons()...)
	ref := func(xmlid string) int64 { t.Helper(); return must[orm.Records](t)(env.Ref(xmlid)).ID() }
	create := func(model string, vals orm.Values) int64 {
		t.Helper()
		return must[orm.Records](t)(env.Model(model).Create(vals)).ID()
	}
	main, other := ref("base.main_company"), create("res.company", orm.Values{"name": "Other"})
	user := func(login string) int64 {
		t.Helper()
		return create("res.users", orm.Values{"name": login, "login": login, "company_id": main, "company_ids": []orm.Command{orm.SetIDs(main, other)}})
	}
	leader, member, stranger := user("leader"), user("member"), user("stranger")
	common := ref("sales_team.team_sales_department")
	own := create("crm.team", orm.Values{"name": "Own", "company_id": main, "user_id": leader, "sequence": 20, "member_ids": []orm.Command{orm.SetIDs(member)}})
	create("crm.team", orm.Values{"name": "Elsewhere", "company_id": other, "user_id": leader, "sequence": 1})
	for _, tc := range []struct {
		name          string
		user, company int64
		want          int64
	}{
		{"leader", leader, main, own}, {"member", member, main, own}, {"nobody's member", stranger, main, common}, {"no user", 0, main, common}, {"member elsewhere", member, other, common},
	} {
		got := must[int64](t)(sales_team.TeamOf(env, tc.user, tc.company))
		if tc.name == "member elsewhere" {
			if got == own {
				t.Errorf("%s: a team of another company", tc.name)
			}
			continue
		}
		if got != tc.want {
			t.Errorf("%s: team %d, want %d", tc.name, got, tc.want)
		}
	}
}

func TestRights(t *testing.T) {
	t.Parallel()
	env := ormtest.New(t, addons()...)
	main := must[orm.Records](t)(env.Ref("base.main_company")).ID()
	as := func(login, group string) *orm.Env {
		t.Helper()
		g := must[orm.Records](t)(env.Ref(group))
		u := must[orm.Records](t)(env.Model("res.users").Create(orm.Values{"name": login, "login": login, "company_id": main, "company_ids": []orm.Command{orm.SetIDs(main)}, "group_ids": []orm.Command{orm.SetIDs(g.ID())}}))
		return env.WithUser(u.ID()).NoSudo()
	}
	for login, tc := range map[string]struct {
		group string
		may   bool
	}{"manager": {"sales_team.group_sale_manager", true}, "salesman": {"sales_team.group_sale_salesman_all_leads", false}, "employee": {"base.group_user", false}} {
		u := as(login, tc.group)
		if _, err := u.Model("crm.team").Search(nil, orm.SearchOptions{}); err != nil {
			t.Errorf("%s cannot see teams: %v", login, err)
		}
		err := u.Savepoint(func(env *orm.Env) error {
			_, err := env.Model("crm.team").Create(orm.Values{"name": "New"})
			return err
		})
		if tc.may && err != nil || !tc.may && !orm.IsCode(err, orm.CodeAccess) {
			t.Errorf("%s makes a team: %v", login, err)
		}
	}
}
