package mail_test

import (
	"fmt"
	"testing"

	"fusion/addons/base"
	"fusion/addons/mail"
	"fusion/framework/orm"
	"fusion/framework/ormtest"
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
