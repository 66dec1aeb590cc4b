package woocommerce

import (
	"strings"
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

// TestFailuresAreMailedByCause counts mails, not failures.
func TestFailuresAreMailedByCause(t *testing.T) {
	t.Parallel()
	env := start(t)
	admin, ok, err := env.FindRef("base.user_admin")
	if err != nil || !ok {
		t.Fatal(err)
	}
	if err := admin.Write(orm.Values{"email": "owner@shop.example"}); err != nil {
		t.Fatal(err)
	}
	inst := connect(t, env, "http://127.0.0.1:1", orm.Values{"notify_user_ids": []orm.Command{orm.SetIDs(admin.ID())}})
	fail := func(texts ...string) {
		for _, text := range texts {
			if err := logTo(env, inst, logEntry{Type: "order", State: LogFailed, Message: text}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := orm.InvokeModel(env, CronNotify); err != nil {
			t.Fatal(err)
		}
	}
	mails := func() [][]string {
		return must(ormtest.Texts(env, "SELECT m.email_to, g.subject, m.body_html FROM mail_mail m JOIN mail_message g ON g.id = m.mail_message_id ORDER BY m.id"))(t)
	}
	fail("Order 11 cannot be read.", "Order 12 cannot be read.", "The product “Chair” <b> is not mapped.")
	got := mails()
	if len(got) != 1 || got[0][0] != "owner@shop.example" || got[0][1] != "Shop: something could not be synced" {
		t.Fatalf("mails: %q", got)
	}
	for _, want := range []string{"Order 11 cannot be read. <em>(2 times)</em>", "The product “Chair” &lt;b&gt; is not mapped."} {
		if !strings.Contains(got[0][2], want) {
			t.Errorf("the mail lacks %q: %s", want, got[0][2])
		}
	}
	fail("Order 13 cannot be read.", "The product “Table” is not mapped.")
	if n := len(mails()); n != 2 { // “Chair” <b> was another text, the orders are no news
		t.Errorf("%d mails after known causes went on, want 2", n)
	}
	fail("Order 14 cannot be read.")
	if n := len(mails()); n != 2 {
		t.Errorf("%d mails after a known cause went on, want 2", n)
	}
	if err := orm.RecordsOf(env, inst).Write(orm.Values{"notify_on_failure": false}); err != nil {
		t.Fatal(err)
	}
	fail("The disk is full.")
	if n := len(mails()); n != 2 {
		t.Errorf("%d mails though nobody wants them", n)
	}
}
