package mail_test

import (
	"fmt"
	"testing"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

func newEnv(t *testing.T) *orm.Env {
	t.Helper()
	env := ormtest.New(t, base.Addon(), mail.Addon())
	return env.WithUser(2)
}

func create(t *testing.T, env *orm.Env, model string, vals orm.Values) orm.Records {
	t.Helper()
	rs, err := env.Model(model).Create(vals)
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

func search(t *testing.T, env *orm.Env, model string, d orm.Domain, fields ...string) []orm.Values {
	t.Helper()
	rs, err := env.Model(model).Search(d, orm.SearchOptions{Order: "id"})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := rs.ReadWire(fields, true)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestCreationNote(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	p := create(t, env, "res.partner", orm.Values{"name": "Ann"})
	rows := search(t, env, "mail.message", orm.And(orm.Leaf("model", "=", "res.partner"), orm.Leaf("res_id", "=", p.ID())), "body", "message_type", "author_id", "record_name")
	if len(rows) != 1 || rows[0]["body"] != "<p>Contact created</p>" || rows[0]["message_type"] != "notification" || rows[0]["record_name"] != "Ann" {
		t.Fatalf("messages: %v", rows)
	}
}

// What the framework tells administrators reaches those who have an address.
func TestAdministratorsAreMailed(t *testing.T) {
	t.Parallel()
	env := newEnv(t).Sudo()
	if err := env.Model("res.users").Browse(2).Write(orm.Values{"email": "boss@shop.example"}); err != nil {
		t.Fatal(err)
	}
	if _, err := orm.InvokeModel(env, base.NotifyAdmin, "The cron <x> is off."); err != nil {
		t.Fatal(err)
	}
	rows := search(t, env, "mail.mail", nil, "body_html", "recipient_ids", "email_from", "state")
	admin, err := orm.Get[base.User](env, 2, "partner_id")
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1 || rows[0]["state"] != "outgoing" || rows[0]["body_html"] != "<p>The cron &lt;x&gt; is off.</p>" || fmt.Sprint(rows[0]["recipient_ids"]) != fmt.Sprint([]int64{admin.PartnerID.ID}) {
		t.Errorf("mails: %v", rows)
	}
}

// Who is made responsible follows the record and is told so; a change of an
// address is no such thing.
func TestTheResponsibleUserFollows(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	seller := create(t, env.Sudo(), "res.users", orm.Values{"name": "Sue", "login": "sue", "email": "sue@shop.example"})
	sue, err := orm.Get[base.User](env.Sudo(), seller.ID())
	if err != nil {
		t.Fatal(err)
	}
	p := create(t, env, "res.partner", orm.Values{"name": "Ann", "user_id": sue.ID})
	q := create(t, env, "res.partner", orm.Values{"name": "Bob", "user_id": 2})
	if err := q.Write(orm.Values{"user_id": sue.ID}); err != nil {
		t.Fatal(err)
	}
	if err := q.Write(orm.Values{"city": "Bern"}); err != nil {
		t.Fatal(err)
	}
	for _, rs := range []orm.Records{p, q} {
		of := orm.And(orm.Leaf("model", "=", "res.partner"), orm.Leaf("res_id", "=", rs.ID()))
		follows := search(t, env, "mail.followers", orm.And(orm.Leaf("res_model", "=", "res.partner"), orm.Leaf("res_id", "=", rs.ID()), orm.Leaf("partner_id", "=", sue.PartnerID.ID)))
		told := search(t, env.Sudo(), "mail.message", orm.And(of, orm.Leaf("message_type", "=", "user_notification")), "partner_ids", "body", "subject")
		if len(follows) != 1 || len(told) != 1 || fmt.Sprint(told[0]["partner_ids"]) != fmt.Sprint([]int64{sue.PartnerID.ID}) {
			t.Errorf("%d follows of Sue; she was told %v", len(follows), told)
		}
	}
	own, err := p.Value("message_ids")
	if ids, _ := own.([]int64); err != nil || len(ids) != 1 {
		t.Errorf("%v, the contact's own messages are %v", err, own)
	}
	if mails := search(t, env.Sudo(), "mail.mail", nil, "recipient_ids"); len(mails) != 2 {
		t.Errorf("%d mails wait", len(mails))
	}
	create(t, env.WithContext(map[string]any{"mail_auto_subscribe_no_notify": true}), "res.partner", orm.Values{"name": "Cid", "user_id": sue.ID})
	if mails := search(t, env.Sudo(), "mail.mail", nil); len(mails) != 2 {
		t.Errorf("%d mails wait", len(mails))
	}
}

func TestNotify(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	to := create(t, env, "res.partner", orm.Values{"name": "Sue", "email": "sue@shop.example"})
	p := create(t, env, "res.partner", orm.Values{"name": "Ann"})
	made, err := p.Call("message_notify", orm.Args{Kw: map[string]any{"body": "a < b", "subject": "Look", "partner_ids": []any{to.ID()}}})
	if err != nil {
		t.Fatal(err)
	}
	rows := search(t, env.Sudo(), "mail.message", orm.Leaf("id", "in", made), "body", "subject", "message_type", "partner_ids", "res_id")
	if len(rows) != 1 || rows[0]["body"] != "<p>a &lt; b</p>" || rows[0]["subject"] != "Look" || rows[0]["message_type"] != "user_notification" || fmt.Sprint(rows[0]["partner_ids"]) != fmt.Sprint(to.IDs) {
		t.Errorf("the notification is %v", rows)
	}
	if mails := search(t, env.Sudo(), "mail.mail", nil); len(mails) != 1 {
		t.Errorf("%d mails wait", len(mails))
	}
}

func TestNothingIsDueOnWhatIsArchived(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	p := create(t, env, "res.partner", orm.Values{"name": "Ann"})
	left := func() int {
		return len(search(t, env.WithContext(map[string]any{"active_test": false}), "mail.activity", orm.And(orm.Leaf("res_model", "=", "res.partner"), orm.Leaf("res_id", "=", p.ID()))))
	}
	id, err := mail.Schedule(p, "mail.mail_activity_data_todo", orm.Date{}, "Call back", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Call("activity_reschedule", orm.Args{Pos: []any{[]any{"mail.mail_activity_data_todo"}}, Kw: map[string]any{"date_deadline": "2031-02-03"}}); err != nil {
		t.Fatal(err)
	}
	if rows := search(t, env, "mail.activity", orm.Leaf("id", "=", id), "date_deadline"); fmt.Sprint(rows[0]["date_deadline"]) != "2031-02-03" {
		t.Errorf("rescheduled: %v", rows)
	}
	if err := p.Write(orm.Values{"city": "Bern"}); err != nil || left() != 1 {
		t.Errorf("%v, %d activities", err, left())
	}
	if err := p.Write(orm.Values{"active": false}); err != nil || left() != 0 {
		t.Errorf("%v, %d activities of an archived contact", err, left())
	}
	if _, err := env.Model("mail.activity").Create(orm.Values{"res_model_id": search(t, env, "ir.model", orm.Leaf("model", "=", "res.partner"))[0]["id"]}); !orm.IsCode(err, orm.CodeValidation) {
		t.Errorf("an activity about nothing: %v", err)
	}
}
