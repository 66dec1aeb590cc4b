package security

import (
	"fmt"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/addons/product"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

// A task has somebody who is responsible for it, and reasons against changes of
// its own, which name it.
type task struct {
	orm.Record `orm:"desk.task" label:"Task"`
	mail.Thread
	Name string             `orm:"name,required" label:"Name"`
	User orm.Ref[base.User] `orm:"user_id,tracking" label:"Responsible" groups:"base.group_system"`
}

func desk() module.Addon {
	return module.Addon{Name: "desk", Version: "19.0.1.0.0", Depends: []string{"base", "mail"}, Define: func(r *orm.Registry) {
		d := orm.Define[task](r)
		d.OnWrite(func(orm.WriteFunc) orm.WriteFunc {
			return func(rs orm.Records, _ orm.Values) error {
				names, err := rs.In(rs.Env.Sudo()).DisplayNames()
				if err != nil {
					return err
				}
				return orm.UserErrorf("%s stays as it is.", names[rs.ID()])
			}
		})
		d.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
			return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
				if list[0]["name"] == "Taken" {
					return rs, orm.UserErrorf("There is such a task.")
				}
				return super(rs, list)
			}
		})
	}}
}

// What a model has against a change is told only to who may make it.
func TestRightsAreAskedBeforeReasons(t *testing.T) {
	t.Parallel()
	env := ormtest.New(t, base.Addon(), mail.Addon(), desk())
	s := &scene{T: t, env: env}
	ida := s.user("ida", "base.group_user")
	closed := s.make("desk.task", orm.Values{"name": "Closed"})
	open := s.make("desk.task", orm.Values{"name": "Open"})
	rights := s.make("ir.model.access", orm.Values{"name": "employees", "model_id": s.model("desk.task"), "group_id": s.ref("base.group_user"), "perm_read": true, "perm_write": true})
	s.make("ir.rule", orm.Values{"name": "open ones", "model_id": s.model("desk.task"), "domain_force": "[('name', '=', 'Open')]"})
	for id, told := range map[int64]bool{open: true, closed: false} {
		err := ida.Model("desk.task").Browse(id).Write(orm.Values{"name": "Mine"})
		if orm.IsCode(err, orm.CodeAccess) == told || strings.Contains(err.Error(), "stays as it is") != told {
			t.Errorf("task %d: %v", id, err)
		}
	}
	if _, err := ida.Model("desk.task").Create(orm.Values{"name": "Taken"}); !orm.IsCode(err, orm.CodeAccess) {
		t.Errorf("who may not create learns: %v", err)
	}
	s.do(env.Model("ir.model.access").Browse(rights).Write(orm.Values{"perm_create": true}))
	if _, err := ida.Model("desk.task").Create(orm.Values{"name": "Taken"}); !orm.IsCode(err, orm.CodeUser) {
		t.Errorf("who may create is told: %v", err)
	}
}

// Who is made responsible follows a record and is told of it. A default of the
// context that the user may not set makes nobody responsible.
func TestDefaultsOfTheContextAssignNobody(t *testing.T) {
	t.Parallel()
	env := ormtest.New(t, base.Addon(), mail.Addon(), desk())
	s := &scene{T: t, env: env}
	ida, jan := s.user("ida", "base.group_user"), s.user("jan", "base.group_user")
	s.make("ir.model.access", orm.Values{"name": "employees", "model_id": s.model("desk.task"), "group_id": s.ref("base.group_user"), "perm_read": true, "perm_write": true, "perm_create": true})
	follows := func(id int64) bool {
		n, err := env.Model("mail.followers").SearchCount(orm.And(orm.Leaf("res_model", "=", "desk.task"), orm.Leaf("res_id", "=", id), orm.Leaf("partner_id", "=", jan.PartnerID())), 0)
		s.do(err)
		return n > 0
	}
	keys := map[string]any{"default_user_id": jan.UID()}
	made, err := ida.WithContext(keys).Model("desk.task").Create(orm.Values{"name": "Spam"})
	s.do(err)
	if follows(made.ID()) {
		t.Error("a default that was not taken has made somebody follow")
	}
	made, err = env.WithContext(keys).Model("desk.task").Create(orm.Values{"name": "Work"})
	s.do(err)
	if !follows(made.ID()) {
		t.Error("who was made responsible by a default does not follow")
	}
	if made, err = env.Model("desk.task").Create(orm.Values{"name": "More", "user_id": jan.UID()}); err != nil || !follows(made.ID()) {
		t.Errorf("who was made responsible does not follow: %v", err)
	}
}

// People from outside ask for groups of their own only.
func TestOutsidersAskForTheirOwnGroups(t *testing.T) {
	s := newScene(t)
	ask := func(env *orm.Env, of int64) error {
		_, err := env.Model("res.users").Browse(of).Call(base.HasGroup.Name, orm.Args{Pos: []any{"base.group_system"}})
		return err
	}
	s.do(ask(s.pia, s.pia.UID()))
	s.do(ask(s.ida, s.jan.UID()))
	if err := s.env.Savepoint(func(*orm.Env) error { return ask(s.pia, s.ida.UID()) }); !orm.IsCode(err, orm.CodeAccess) {
		t.Errorf("somebody from outside asks for the groups of another: %v", err)
	}
}

// A filter stays with whom its owner could have made it for.
func TestFiltersGoToNobodyElse(t *testing.T) {
	s := newScene(t)
	filter := func(env *orm.Env) orm.Records {
		made, err := env.Model("ir.filters").Create(orm.Values{"name": "Mine", "model_id": "res.partner", "user_id": env.UID()})
		s.do(err)
		return made
	}
	s.denied("somebody from outside makes a filter everybody's", s.env, func(*orm.Env) error {
		return filter(s.pia).Write(orm.Values{"user_id": false})
	})
	s.denied("an employee gives a filter to another", s.env, func(*orm.Env) error {
		return filter(s.ida).Write(orm.Values{"user_id": s.jan.UID()})
	})
	s.do(filter(s.ida).Write(orm.Values{"user_id": false}))
}

// A list that comes along from another record, as those of a product from its
// template, holds what the user may read, as it does there.
func TestListsOfDelegatedRecordsAreFiltered(t *testing.T) {
	t.Parallel()
	env := ormtest.New(t, base.Addon(), mail.Addon(), uom.Addon(), product.Addon(), account.Addon())
	s := &scene{T: t, env: env}
	other := s.make("res.company", orm.Values{"name": "Elsewhere"})
	tax := func(name string, company int64) int64 {
		return s.make("account.tax", orm.Values{"name": name, "amount": 5, "type_tax_use": "sale", "company_id": company})
	}
	open, hidden := tax("Open", s.ref("base.main_company")), tax("Hidden", other)
	goods := env.Model("product.product").Browse(s.make("product.product", orm.Values{"name": "Goods", "taxes_id": []orm.Command{orm.SetIDs(open, hidden)}}))
	ida := s.user("ida", "account.group_account_invoice")
	for who, tc := range map[*orm.Env]string{env: fmt.Sprint([]int64{open, hidden}), ida: fmt.Sprint([]int64{open})} {
		for _, keys := range []map[string]any{nil, {"active_test": false}} {
			rs := goods.In(who.WithContext(keys))
			for range 2 { // from memory, too
				v, err := rs.Value("taxes_id")
				s.do(err)
				if got := fmt.Sprint(v); got != tc {
					t.Errorf("user %d reads the taxes %s, not %s", who.UID(), got, tc)
				}
			}
		}
	}
}
