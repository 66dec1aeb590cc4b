package security

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// An employee writes no mail by hand: what leaves is what he posts, under his own
// address, with files he may read, to people he may see.
func TestMailIsNoWayOut(t *testing.T) {
	t.Parallel()
	m := newMailroom(t)
	for _, login := range []string{"clerk", "seller", "customer"} {
		m.refused(login, "mail.mail", "create", []any{map[string]any{"email_to": "spy@evil.example", "subject": "x", "body_html": "x", "email_from": "ceo@shop.example"}}, nil)
		m.refused(login, "mail.mail", "process_email_queue", []any{}, nil)
	}
	seller, ann := m.people["seller"], []any{m.people["Ann"]}
	post := func(kw map[string]any) (any, error) {
		all := map[string]any{"body": "Hello", "message_type": "comment", "subtype_xmlid": "mail.mt_comment", "partner_ids": ann}
		for k, v := range kw {
			all[k] = v
		}
		return m.call("seller", "res.partner", "message_post", []any{ann}, all)
	}
	for what, kw := range map[string]map[string]any{
		"another sender":             {"email_from": "ceo@shop.example"},
		"another sender, own inside": {"email_from": `"seller@shop.example" <ceo@shop.example>`},
		"two senders":                {"email_from": "seller@shop.example, ceo@shop.example"},
		"a sender with a line":       {"email_from": "seller@shop.example\r\nBcc: spy@evil.example"},
		"another author":             {"author_id": m.people["clerk"]},
		"a hidden file":              {"attachment_ids": []any{m.files["Hidden"]}},
		"a hidden file, linked":      {"attachment_ids": []any{[]any{4, m.files["Hidden"], 0}}},
		"a hidden file, set":         {"attachment_ids": []any{[]any{6, 0, []any{m.files["Ann"], m.files["Hidden"]}}}},
		"a hidden partner":           {"partner_ids": []any{m.people["Hidden"]}},
		"mail that came in":          {"message_type": "email"},
	} {
		before := m.rows("SELECT count(*) FROM mail_message")[0]
		if v, err := post(kw); err == nil {
			t.Errorf("%s: the answer is %v", what, v)
		} else if strings.Contains(err.Error(), "Hidden") {
			t.Errorf("%s: the error tells the name: %v", what, err)
		}
		if now := m.rows("SELECT count(*) FROM mail_message")[0]; now != before {
			t.Errorf("%s: %s messages, there were %s", what, now, before)
		}
	}
	if out := m.send(); len(out) != 0 {
		t.Fatalf("%d mails left: %v", len(out), out[0].head)
	}
	// Defaults of the context are no way round it.
	id := m.id(m.must("seller", "res.partner", "message_post", []any{ann}, map[string]any{"body": "Hello", "message_type": "comment", "subtype_xmlid": "mail.mt_comment", "partner_ids": ann,
		"subject": "One\r\nBcc: spy@evil.example",
		"context": map[string]any{"default_email_from": "ceo@shop.example", "default_author_id": m.people["clerk"], "default_attachment_ids": []any{m.files["Hidden"]},
			"default_email_to": "spy@evil.example", "default_email_cc": "spy@evil.example", "default_reply_to": "spy@evil.example", "default_recipient_ids": []any{m.people["Hidden"]},
			"default_date": "2001-01-01 00:00:00", "default_body_html": "forged", "default_message_id": "<forged@evil.example>"}}))
	if v, err := post(map[string]any{"author_id": itoa(m.people["clerk"]), "partner_ids": []any{}}); err == nil && m.rows("SELECT author_id FROM mail_message WHERE id = ?", m.id(v))[0] != itoa(seller) {
		t.Errorf("an author given as text is taken")
	}
	out := m.send()
	if len(out) != 1 || out[0].from != "seller@shop.example" || strings.Join(out[0].to, " ") != "ann@else.example" || strings.Contains(out[0].raw, "evil.example>") ||
		out[0].head.Get("Bcc") != "" || out[0].head.Get("Cc") != "" || out[0].head.Get("Reply-To") != "" || strings.Contains(out[0].raw, "file of Hidden") {
		t.Fatalf("%d mails left; the first is from %s to %v:\n%s", len(out), out[0].from, out[0].to, out[0].raw)
	}
	if got := m.rows("SELECT author_id, email_from, date >= now() at time zone 'utc' - interval '1 day' FROM mail_message WHERE id = ?", id)[0]; got != fmt.Sprintf(`%d|"Seller" <seller@shop.example>|t`, seller) {
		t.Errorf("the message is stored as %s", got)
	}
	// Own files go out, under the company's address too.
	m.system(func(env *orm.Env) error {
		return env.Model("res.company").Browse(1).Write(orm.Values{"email": "info@shop.example"})
	})
	if _, err := post(map[string]any{"email_from": "INFO@shop.example", "attachment_ids": []any{m.files["Ann"]}}); err != nil {
		t.Fatal(err)
	}
	if out = m.send(); len(out) != 2 || out[1].from != "info@shop.example" || !strings.Contains(out[1].raw, "Ann.txt") {
		t.Fatalf("%d mails left; the last is from %s:\n%s", len(out), out[len(out)-1].from, out[len(out)-1].raw)
	}
	// A file that has become another's business meanwhile stays here.
	if _, err := post(map[string]any{"attachment_ids": []any{m.files["Ann"]}}); err != nil {
		t.Fatal(err)
	}
	m.system(func(env *orm.Env) error {
		return env.Model("ir.attachment").Browse(m.files["Ann"]).Write(orm.Values{"res_id": m.people["Hidden"]})
	})
	if out = m.send(); len(out) != 2 {
		t.Errorf("a file left that its sender may not read any more:\n%s", out[len(out)-1].raw)
	}
	if got := m.rows("SELECT state FROM mail_mail ORDER BY id DESC LIMIT 1")[0]; got != "exception" {
		t.Errorf("the mail is %s", got)
	}
	// Names of files and of people end no line of a header.
	m.system(func(env *orm.Env) error {
		return env.Model("res.partner").Browse(m.people["Ann"]).Write(orm.Values{"name": "Ann\r\nBcc: spy@evil.example"})
	})
	if _, err := post(map[string]any{"attachments": []any{[]any{"a.txt\r\nX-Evil: 1", "content"}}}); err != nil {
		t.Fatal(err)
	}
	out = m.send()
	last := out[len(out)-1]
	if len(out) != 3 || strings.Join(last.to, " ") != "ann@else.example" || last.head.Get("Bcc") != "" || strings.Contains(last.raw, "\nX-Evil") {
		t.Errorf("%d mails left; the last is\n%s", len(out), last.raw)
	}
}

// Nobody writes on what he may not change, nor in another's name, in whatever
// spelling and by whatever way.
func TestMessagesAreNotForged(t *testing.T) {
	t.Parallel()
	m := newMailroom(t)
	count := func() string { return m.rows("SELECT count(*) FROM mail_message")[0] }
	before := count()
	hiddenID, ann := m.people["Hidden"], m.people["Ann"]
	for _, ref := range []any{hiddenID, itoa(hiddenID), float64(hiddenID), []any{hiddenID, "x"}, "res.partner," + itoa(hiddenID)} {
		m.refused("seller", "mail.message", "create", []any{map[string]any{"model": "res.partner", "res_id": ref, "body": "x"}}, nil)
		m.refused("seller", "mail.message", "create", []any{map[string]any{"body": "x"}}, map[string]any{"context": map[string]any{"default_model": "res.partner", "default_res_id": ref}})
		m.refused("seller", "mail.message", "create", []any{map[string]any{"body": "x", "model": "res.partner"}}, map[string]any{"context": map[string]any{"default_res_id": ref}})
		m.refused("seller", "mail.activity", "create", []any{map[string]any{"res_model_id": m.id(m.must("seller", "ir.model", "search", []any{[]any{[]any{"model", "=", "res.partner"}}}, nil)), "res_id": ref}}, nil)
	}
	m.refused("seller", "res.partner", "message_post", []any{[]any{hiddenID}}, map[string]any{"body": "x"})
	m.refused("seller", "res.partner", "message_subscribe", []any{[]any{hiddenID}}, map[string]any{"partner_ids": []any{m.people["seller"]}})
	m.refused("seller", "res.partner", "message_subscribe", []any{[]any{ann}}, map[string]any{"partner_ids": []any{hiddenID}})
	m.refused("seller", "res.partner", "write", []any{[]any{ann}, map[string]any{"message_partner_ids": []any{[]any{4, hiddenID}}}}, nil)
	m.refused("seller", "res.partner", "activity_schedule", []any{[]any{hiddenID}}, map[string]any{"summary": "x"})
	// Who may only read a record writes nothing on it.
	m.refused("clerk", "res.partner", "message_post", []any{[]any{ann}}, map[string]any{"body": "x"})
	m.refused("clerk", "mail.message", "create", []any{map[string]any{"model": "res.partner", "res_id": ann, "body": "x"}}, nil)
	m.refused("clerk", "res.partner", "message_subscribe", []any{[]any{ann}}, map[string]any{"partner_ids": []any{m.people["seller"]}})
	// In another's name, or with what the system alone writes.
	tracked := []any{[]any{0, 0, map[string]any{"old_value_char": "a", "new_value_char": "b"}}}
	for field, value := range map[string]any{"author_id": m.people["clerk"], "email_from": "ceo@shop.example", "message_type": "email", "tracking_value_ids": tracked,
		"notified_partner_ids": []any{[]any{4, ann}}, "record_name": "Another", "message_id": "<x@y>", "reply_to": "spy@evil.example", "attachment_ids": []any{[]any{4, m.files["Hidden"]}},
		"partner_ids": []any{[]any{4, hiddenID}}, "parent_id": m.messageOf("Hidden")} {
		m.refused("seller", "mail.message", "create", []any{map[string]any{"model": "res.partner", "res_id": ann, "body": "x", field: value}}, nil)
	}
	if now := count(); now != before {
		t.Errorf("%s messages, there were %s", now, before)
	}
	// The time, the name of the record and who wrote it are what they are.
	id := m.id(m.must("seller", "mail.message", "create", []any{map[string]any{"model": "res.partner", "res_id": ann, "body": "x", "date": "2001-01-01 00:00:00", "create_uid": m.users["clerk"]}},
		map[string]any{"context": map[string]any{"default_record_name": "Another", "default_message_id": "<x@y>", "default_create_uid": m.users["clerk"]}}))
	if got := m.rows("SELECT record_name, create_uid, author_id, email_from, date > '2020-01-01', message_id <> '<x@y>' FROM mail_message WHERE id = ?", id)[0]; got !=
		fmt.Sprintf(`Ann|%d|%d|"Seller" <seller@shop.example>|t|t`, m.users["seller"], m.people["seller"]) {
		t.Errorf("the message is stored as %s", got)
	}
	// An own message stays where it is, and what others wrote stays as it is.
	for field, value := range map[string]any{"model": "res.users", "res_id": itoa(hiddenID), "author_id": m.people["clerk"], "email_from": "ceo@shop.example", "date": "2001-01-01 00:00:00",
		"message_type": "email", "parent_id": m.messageOf("Hidden"), "subtype_id": 1, "partner_ids": []any{[]any{4, hiddenID}}, "attachment_ids": []any{[]any{4, m.files["Hidden"]}}} {
		m.refused("seller", "mail.message", "write", []any{[]any{id}, map[string]any{field: value}}, nil)
	}
	m.must("seller", "mail.message", "write", []any{[]any{id}, map[string]any{"body": "y"}}, nil)
	m.refused("clerk", "mail.message", "write", []any{[]any{id}, map[string]any{"body": "z"}}, nil)
	m.refused("clerk", "mail.message", "unlink", []any{[]any{id}}, nil)
	m.must("seller", "res.partner", "write", []any{[]any{ann}, map[string]any{"phone": "+41 1"}}, nil)
	history := ormtest.Int(m.rows("SELECT mail_message_id FROM mail_tracking_value ORDER BY id DESC LIMIT 1")[0])
	m.refused("seller", "mail.message", "write", []any{[]any{history}, map[string]any{"body": "never happened"}}, nil)
	m.refused("seller", "mail.message", "unlink", []any{[]any{history}}, nil)
	m.refused("seller", "mail.tracking.value", "create", []any{map[string]any{"mail_message_id": id}}, nil)
	// Activities are left to who may see what they are about, and stay there.
	act := m.id(m.must("seller", "res.partner", "activity_schedule", []any{[]any{ann}}, map[string]any{"summary": "Call", "user_id": m.users["clerk"]}))
	m.refused("seller", "mail.activity", "write", []any{[]any{act}, map[string]any{"res_id": hiddenID}}, nil)
	m.refused("seller", "mail.activity", "write", []any{[]any{act}, map[string]any{"user_id": m.users["customer"]}}, nil)
	m.refused("seller", "mail.activity", "action_feedback", []any{[]any{act}}, map[string]any{"feedback": "x", "attachment_ids": []any{m.files["Hidden"]}})
	// To whom it was left may say that it is done, though he may only read the contact.
	m.must("clerk", "mail.activity", "action_feedback", []any{[]any{act}}, map[string]any{"feedback": "Called"})
	if got := m.rows("SELECT author_id FROM mail_message WHERE model = 'res.partner' AND res_id = ? ORDER BY id DESC LIMIT 1", ann)[0]; got != itoa(m.people["clerk"]) {
		t.Errorf("the feedback is by %s", got)
	}
	// Followers are changed by following.
	for _, login := range []string{"seller", "customer"} {
		m.refused(login, "mail.followers", "create", []any{map[string]any{"res_model": "res.partner", "res_id": hiddenID, "partner_id": m.people[login]}}, nil)
		if rows := m.rows("SELECT id FROM mail_followers ORDER BY id LIMIT 1"); len(rows) > 0 {
			m.refused(login, "mail.followers", "write", []any{[]any{ormtest.Int(rows[0])}, map[string]any{"res_id": hiddenID}}, nil)
		}
	}
	m.refused("customer", "mail.followers", "search_read", []any{[]any{}}, nil)
	// A preview names nothing hidden either.
	v, err := m.call("seller", "mail.activity", "onchange", []any{[]any{}, map[string]any{"res_model": "res.partner", "res_id": hiddenID}, []any{"res_id"},
		map[string]any{"res_name": map[string]any{}, "res_id": map[string]any{}, "res_model": map[string]any{}}}, nil)
	if strings.Contains(fmt.Sprint(v, err), "Hidden") {
		t.Errorf("the preview of an activity tells %v, %v", v, err)
	}
}

// messageOf is a message on a contact.
func (m *mailroom) messageOf(name string) int64 {
	m.t.Helper()
	rows := m.rows("SELECT id FROM mail_message WHERE model = 'res.partner' AND res_id = ? ORDER BY id LIMIT 1", m.people[name])
	if len(rows) == 0 {
		m.t.Fatalf("there is no message on %s", name)
	}
	return ormtest.Int(rows[0])
}

// What people enter is data: no value is looked through for expressions, ends a
// line of a header or adds a recipient, and templates are written by their
// editors only.
func TestValuesAreNoTemplates(t *testing.T) {
	t.Parallel()
	m := newMailroom(t)
	evil := `{{ object.user_id.login }}<t t-out="object.user_id.login"/><b>bold</b>`
	var template int64
	m.system(func(env *orm.Env) error {
		model, err := env.Model("ir.model").Search(orm.Leaf("model", "=", "res.partner"), orm.SearchOptions{})
		if err != nil {
			return err
		}
		made, err := env.Model("mail.template").Create(orm.Values{"name": "Welcome", "model_id": model.ID(), "subject": "Dear {{ object.name }}",
			"email_to": "{{ object.name }} <{{ object.email }}>", "email_from": "info@shop.example",
			"body_html": `<p><t t-out="object.name"/> <t t-out="object.function">{{ object.city or 'nowhere' }}</t> {{ object.street }}</p>`})
		template = made.ID()
		if err != nil {
			return err
		}
		if err := env.WithContext(map[string]any{"mail_auto_subscribe_no_notify": true}).Model("res.partner").Browse(m.people["Ann"]).Write(orm.Values{"user_id": m.users["clerk"]}); err != nil {
			return err
		}
		return env.Model("res.partner").Browse(m.people["Ann"]).Write(orm.Values{"name": evil, "street": evil})
	})
	m.must("seller", "mail.template", "send_mail", []any{[]any{template}, m.people["Ann"]}, nil)
	row := m.rows("SELECT m.subject, x.email_to, x.body_html FROM mail_mail x JOIN mail_message m ON m.id = x.mail_message_id ORDER BY x.id DESC LIMIT 1")[0]
	if strings.Contains(row, "clerk") || strings.Contains(row[strings.LastIndex(row, "|"):], "<b>bold") || !strings.Contains(row, "nowhere") || !strings.Contains(row, "Dear {{ object.user_id.login }}") || !strings.Contains(row, "&lt;b&gt;bold") {
		t.Errorf("the mail is %s", row)
	}
	for _, name := range []string{"x@evil.example, Ann", "x@evil.example", "x@evil.example, y@evil.example", "Ann\r\nBcc: x@evil.example", `Ann" <x@evil.example>, "y`} {
		m.system(func(env *orm.Env) error {
			return env.Model("res.partner").Browse(m.people["Ann"]).Write(orm.Values{"name": name})
		})
		m.must("seller", "mail.template", "send_mail", []any{[]any{template}, m.people["Ann"]}, nil)
	}
	out := m.send()
	for _, s := range out {
		if strings.Join(s.to, " ") != "ann@else.example" || s.head.Get("Bcc") != "" {
			t.Errorf("a mail left to %v:\n%s", s.to, s.raw)
		}
	}
	if len(out) != 6 {
		t.Errorf("%d mails left", len(out))
	}
	// Of a record he may not read nobody sends anything.
	m.refused("seller", "mail.template", "send_mail", []any{[]any{template}, m.people["Hidden"]}, nil)
	for _, login := range []string{"clerk", "seller", "customer"} {
		m.refused(login, "mail.template", "write", []any{[]any{template}, map[string]any{"body_html": "{{ object.name }}"}}, nil)
		m.refused(login, "mail.template", "create", []any{map[string]any{"name": "Own"}}, nil)
	}
	// A template's file must be its editor's to read; those uploaded for it are then
	// everybody's who may send it.
	m.system(func(env *orm.Env) error {
		g, err := env.Ref("mail.group_mail_template_editor")
		if err != nil {
			return err
		}
		return env.Model("res.users").Browse(m.users["seller"]).Write(orm.Values{"group_ids": []orm.Command{orm.Link(g.ID())}})
	})
	m.refused("seller", "mail.template", "write", []any{[]any{template}, map[string]any{"attachment_ids": []any{[]any{4, m.files["Hidden"]}}}}, nil)
	file := m.id(m.must("seller", "ir.attachment", "create", []any{map[string]any{"name": "terms.txt", "raw": "our terms"}}, nil))
	m.must("seller", "mail.template", "write", []any{[]any{template}, map[string]any{"attachment_ids": []any{[]any{4, file}}}}, nil)
	m.must("clerk", "mail.template", "send_mail", []any{[]any{template}, m.people["Ann"]}, nil)
	if out = m.send(); len(out) != 7 || !strings.Contains(out[6].raw, "terms.txt") {
		t.Errorf("%d mails left, the last without the file of its template", len(out))
	}
}
