package security

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/framework/importexport"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/rpc"
)

// A safe is a record with a conversation, files and a field for few; a wizard
// works on it.
type (
	safe struct {
		orm.Record `orm:"safe.box" label:"Safe"`
		mail.Thread
		mail.ActivityMixin
		Name    string                   `orm:"name,required" label:"Name"`
		Owner   orm.Ref[base.Partner]    `orm:"owner_id" label:"Owner"`
		Company orm.Ref[base.Company]    `orm:"company_id" label:"Company"`
		Code    string                   `orm:"code" label:"Code" groups:"base.group_system"`
		Plan    orm.Deferred[orm.Binary] `orm:"plan" label:"Plan"`
		Key     orm.Deferred[orm.Binary] `orm:"key_file" label:"Key" groups:"base.group_system"`
		Mood    orm.Deferred[string]     `orm:"mood" label:"Mood"`
	}
	opening struct {
		orm.Record `orm:"safe.opening,transient" label:"Opening"`
		Name       string               `orm:"name" label:"Name"`
		Safe       orm.Ref[safe]        `orm:"safe_id" label:"Safe"`
		Steps      orm.Many[openingRow] `orm:"step_ids,inverse=opening_id" label:"Steps"`
	}
	openingRow struct {
		orm.Record `orm:"safe.opening.step,transient" label:"Step"`
		Name       string           `orm:"name" label:"Name"`
		Opening    orm.Ref[opening] `orm:"opening_id,ondelete=cascade" label:"Opening"`
	}
)

var openSafe = orm.Method[opening]{Name: "action_open"}

func vault() module.Addon {
	return module.Addon{Name: "vault", Version: "19.0.1.0.0", Depends: []string{"base", "mail"}, Define: func(r *orm.Registry) {
		s := orm.Define[safe](r)
		s.Compute("mood", func(_ *orm.Env, ss []*safe) error {
			for _, s := range ss {
				s.Mood.Set("calm")
			}
			return nil
		}, "name")
		o := orm.Define[opening](r)
		orm.Implement(o, openSafe, func(_ *orm.Env, os []*opening, _ orm.Args) (any, error) { return os[0].Name, nil })
		orm.Define[openingRow](r)
	}}
}

// scene is a safe that is open to the employees Ida and Jan, and one that is
// closed to all but administrators; Pia, from outside, may read the open one.
type scene struct {
	*testing.T
	env, ida, jan, pia *orm.Env
	open, closed       int64
}

func newScene(t *testing.T) *scene {
	t.Helper()
	t.Parallel()
	s := &scene{T: t, env: ormtest.New(t, base.Addon(), mail.Addon(), vault())}
	s.ida, s.jan, s.pia = s.user("ida", "base.group_user"), s.user("jan", "base.group_user"), s.user("pia", "base.group_portal")
	employees, outside := s.ref("base.group_user"), s.ref("base.group_portal")
	safes := s.model("safe.box")
	s.make("ir.model.access", orm.Values{"name": "employees", "model_id": safes, "group_id": employees, "perm_read": true, "perm_write": true, "perm_create": true, "perm_unlink": true})
	s.make("ir.model.access", orm.Values{"name": "outside", "model_id": safes, "group_id": outside, "perm_read": true})
	s.make("ir.rule", orm.Values{"name": "closed ones", "model_id": safes, "domain_force": "[('name', '!=', 'Closed')]", "groups": []orm.Command{orm.Link(employees), orm.Link(outside)}})
	for _, name := range []string{"safe.opening", "safe.opening.step"} {
		s.make("ir.model.access", orm.Values{"name": name, "model_id": s.model(name), "group_id": employees, "perm_read": true, "perm_write": true, "perm_create": true, "perm_unlink": true})
	}
	quiet := map[string]any{"tracking_disable": true}
	make := func(name string) int64 {
		made, err := s.env.WithContext(quiet).Model("safe.box").Create(orm.Values{"name": name, "code": "1234"})
		s.do(err)
		return made.ID()
	}
	s.open, s.closed = make("Open"), make("Closed")
	return s
}

func (s *scene) do(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *scene) make(model string, v orm.Values) int64 {
	s.Helper()
	made, err := s.env.Model(model).Create(v)
	s.do(err)
	return made.ID()
}

func (s *scene) ref(xmlid string) int64 {
	s.Helper()
	rs, err := s.env.Ref(xmlid)
	s.do(err)
	return rs.ID()
}

func (s *scene) model(name string) int64 {
	s.Helper()
	rs, err := s.env.Model("ir.model").Search(orm.Leaf("model", "=", name), orm.SearchOptions{})
	s.do(err)
	return rs.ID()
}

func (s *scene) user(login, group string) *orm.Env {
	s.Helper()
	return s.env.WithUser(s.make("res.users", orm.Values{"name": strings.ToUpper(login[:1]) + login[1:], "login": login, "email": login + "@example.com",
		"group_ids": []orm.Command{orm.SetIDs(s.ref(group))}})).WithOnlyContext(nil)
}

// denied makes sure that an attempt fails for want of rights, and leaves nothing
// behind.
func (s *scene) denied(what string, env *orm.Env, try func(env *orm.Env) error) {
	s.Helper()
	if err := env.Savepoint(try); !orm.IsCode(err, orm.CodeAccess) {
		s.Errorf("%s: %v, an access error is expected", what, err)
	}
}

func (s *scene) equal(what string, got, want any) {
	s.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		s.Errorf("%s: %s, want %s", what, g, w)
	}
}

// approaches are the ways to come to a record. Each tells whether it leads there, to a
// record that has the field with the value.
var approaches = map[string]func(env *orm.Env, model string, id int64, field string) (bool, error){
	"read": func(env *orm.Env, model string, id int64, field string) (bool, error) {
		rows, err := env.Model(model).Browse(id).Read(field)
		return len(rows) == 1, err
	},
	"read over RPC": func(env *orm.Env, model string, id int64, field string) (bool, error) {
		rows, err := rpc.Call(env, model, "read", []any{[]any{id}, []any{field}}, nil)
		return fmt.Sprint(rows) != "[]", err
	},
	"web_read": func(env *orm.Env, model string, id int64, field string) (bool, error) {
		rows, err := rpc.Call(env, model, "web_read", []any{[]any{id}, map[string]any{field: map[string]any{}}}, nil)
		return fmt.Sprint(rows) != "[]", err
	},
	"search": func(env *orm.Env, model string, id int64, _ string) (bool, error) {
		found, err := env.Model(model).Search(orm.Leaf("id", "=", id), orm.SearchOptions{})
		return found.Len() == 1, err
	},
	"search with a window": func(env *orm.Env, model string, id int64, _ string) (bool, error) {
		found, err := env.Model(model).Search(orm.Leaf("id", ">=", id), orm.SearchOptions{Limit: 1, Order: "id"})
		return found.ID() == id, err
	},
	"count": func(env *orm.Env, model string, id int64, _ string) (bool, error) {
		n, err := env.Model(model).SearchCount(orm.Leaf("id", "=", id), 0)
		return n == 1, err
	},
	"group": func(env *orm.Env, model string, id int64, _ string) (bool, error) {
		groups, err := env.Model(model).ReadGroup(orm.Leaf("id", "=", id), nil, []string{"__count", "create_date:max"}, orm.GroupOptions{})
		return len(groups) == 1 && groups[0].Count == 1, err
	},
	"name": func(env *orm.Env, model string, id int64, _ string) (bool, error) {
		names, err := env.Model(model).Browse(id).DisplayNames()
		return len(names) == 1, err
	},
	"name_search": func(env *orm.Env, model string, id int64, _ string) (bool, error) {
		found, err := env.Model(model).NameSearch("", orm.Leaf("id", "=", id), "ilike", 10)
		return len(found) == 1, err
	},
	"export": func(env *orm.Env, model string, id int64, field string) (bool, error) {
		rows, err := importexport.Export(env.Model(model).Browse(id), []string{field})
		return len(rows) == 1, err
	},
	"copy data": func(env *orm.Env, model string, id int64, _ string) (bool, error) {
		v, err := env.Model(model).Browse(id).CopyData(nil)
		return v != nil, err
	},
	"check_access": func(env *orm.Env, model string, id int64, _ string) (bool, error) {
		err := env.Model(model).Browse(id).CheckAccess(orm.OpRead)
		return err == nil, err
	},
	"allowed": func(env *orm.Env, model string, id int64, _ string) (bool, error) {
		rs, err := env.Model(model).Browse(id).Allowed(orm.OpRead)
		return rs.Len() == 1, err
	},
	"metadata": func(env *orm.Env, model string, id int64, _ string) (bool, error) {
		rows, err := rpc.Call(env, model, "get_metadata", []any{[]any{id}}, nil)
		return fmt.Sprint(rows) != "[]", err
	},
}

// reaches compares every way with what is right.
func (s *scene) reaches(what string, env *orm.Env, model string, id int64, field string, want bool) {
	s.Helper()
	for name, way := range approaches {
		err := env.Savepoint(func(env *orm.Env) error {
			got, err := way(env, model, id, field)
			if err != nil && !orm.IsCode(err, orm.CodeAccess) {
				s.Errorf("%s, %s: %v", what, name, err)
			} else if got && err == nil != want {
				s.Errorf("%s, %s: %v, %v; right is %v", what, name, got, err, want)
			} else if !got && want {
				s.Errorf("%s, %s: not reached (%v)", what, name, err)
			}
			return nil
		})
		s.do(err)
	}
}

// What hangs on a document is to be read by who may read the document, by
// whatever way it is asked for.
func TestDocumentsGuardWhatHangsOnThem(t *testing.T) {
	s := newScene(t)
	comment := s.ref("mail.mt_comment")
	for _, doc := range []struct {
		id   int64
		seen bool
	}{{s.open, true}, {s.closed, false}} {
		of := func(model, kind string, more orm.Values) int64 {
			v := orm.Values{kind: "safe.box", "res_id": doc.id}
			for k, x := range more {
				v[k] = x
			}
			return s.make(model, v)
		}
		message := of("mail.message", "model", orm.Values{"body": "hush", "subtype_id": comment})
		file := of("ir.attachment", "res_model", orm.Values{"name": "a.txt", "raw": []byte("hush")})
		todo := of("mail.activity", "res_model", orm.Values{"res_model_id": s.model("safe.box"), "summary": "hush", "user_id": orm.SuperuserID})
		follows := of("mail.followers", "res_model", orm.Values{"partner_id": s.ref("base.partner_admin")})
		for _, r := range []struct {
			model string
			id    int64
			field string
		}{{"mail.message", message, "body"}, {"ir.attachment", file, "name"}, {"ir.attachment", file, "raw"}, {"mail.activity", todo, "summary"}, {"mail.followers", follows, "partner_id"}} {
			what := fmt.Sprintf("%s of safe %d", r.model, doc.id)
			s.reaches("an employee at "+what, s.ida, r.model, r.id, r.field, doc.seen)
			for _, op := range []orm.Op{orm.OpWrite, orm.OpUnlink} {
				err := s.ida.Model(r.model).Browse(r.id).CheckAccess(op)
				if doc.seen && r.model != "mail.message" && r.model != "mail.followers" {
					s.do(err)
				} else if !orm.IsCode(err, orm.CodeAccess) {
					s.Errorf("%s of %s: %v", op, what, err)
				}
			}
			if r.model != "mail.activity" && r.model != "mail.followers" {
				s.reaches("somebody from outside at "+what, s.pia, r.model, r.id, r.field, doc.seen)
			}
		}
		// By paths and by delegation.
		reply := s.make("mail.message", orm.Values{"body": "re", "parent_id": message, "author_id": s.ida.PartnerID()})
		n, err := s.ida.Model("mail.message").SearchCount(orm.And(orm.Leaf("id", "=", reply), orm.Leaf("parent_id.body", "ilike", "hush")), 0)
		s.do(err)
		s.equal("a path to the message", n == 1, doc.seen)
		sent := s.make("mail.mail", orm.Values{"mail_message_id": message, "body_html": "x"})
		if _, err := s.env.Exec(orm.SQL("UPDATE mail_mail SET create_uid = ? WHERE id = ?", s.ida.UID(), sent)); err != nil {
			t.Fatal(err)
		}
		s.make("ir.model.access", orm.Values{"name": "mails", "model_id": s.model("mail.mail"), "group_id": s.ref("base.group_user"), "perm_read": true})
		s.reaches("the mail that delegates to the message", s.ida, "mail.mail", sent, "body", doc.seen)
		// Nothing is hung on what one may not change.
		for _, v := range []orm.Values{
			{"model": "safe.box", "res_id": doc.id, "body": "forged", "author_id": s.ida.PartnerID()},
			{"model": "safe.box", "res_id": fmt.Sprint(doc.id), "body": "forged", "author_id": s.ida.PartnerID()},
		} {
			err := s.ida.Savepoint(func(env *orm.Env) error { _, err := env.Model("mail.message").Create(v); return err })
			if (err == nil) != doc.seen {
				s.Errorf("a message on safe %d: %v", doc.id, err)
			}
		}
		s.denied("a message by somebody from outside", s.pia, func(env *orm.Env) error {
			_, err := env.Model("mail.message").Create(orm.Values{"model": "safe.box", "res_id": doc.id, "body": "forged"})
			return err
		})
	}
	mine, err := s.ida.Model("mail.message").Create(orm.Values{"body": "x", "author_id": s.ida.PartnerID()})
	s.do(err)
	s.denied("moving one's message", s.ida, func(env *orm.Env) error {
		return mine.In(env).Write(orm.Values{"model": "safe.box", "res_id": s.closed})
	})
	s.denied("moving one's activity", s.ida, func(env *orm.Env) error {
		a, err := env.Model("mail.activity").Create(orm.Values{"res_model_id": s.model("safe.box"), "res_id": s.open})
		if err != nil {
			return err
		}
		return a.Write(orm.Values{"res_id": s.closed})
	})
	s.denied("giving one's message another author", s.ida, func(env *orm.Env) error {
		return mine.In(env).Write(orm.Values{"author_id": s.jan.PartnerID()})
	})
	s.denied("a message in another's name", s.ida, func(env *orm.Env) error {
		_, err := env.Model("mail.message").Create(orm.Values{"model": "safe.box", "res_id": s.open, "body": "x", "author_id": s.jan.PartnerID()})
		return err
	})
}

// Who follows a document does not read it for that, and learns no more of its
// other followers. What he follows is shown to him while he may read the document.
func TestFollowingOpensNoDocument(t *testing.T) {
	s := newScene(t)
	s.make("ir.model.access", orm.Values{"name": "followers", "model_id": s.model("mail.followers"), "group_id": s.ref("base.group_portal"), "perm_read": true, "perm_write": true})
	for _, doc := range []struct {
		id   int64
		seen bool
	}{{s.open, true}, {s.closed, false}} {
		of := func(partner int64) int64 {
			return s.make("mail.followers", orm.Values{"res_model": "safe.box", "res_id": doc.id, "partner_id": partner})
		}
		ida, pia, jan := of(s.ida.PartnerID()), of(s.pia.PartnerID()), of(s.jan.PartnerID())
		for _, who := range []struct {
			what string
			env  *orm.Env
			id   int64
			want bool
		}{
			{"an employee at his own following", s.ida, ida, doc.seen},
			{"an employee at that of another", s.ida, jan, doc.seen},
			{"somebody from outside at his own following", s.pia, pia, doc.seen},
			{"somebody from outside at that of another", s.pia, jan, false},
		} {
			s.reaches(fmt.Sprintf("%s of safe %d", who.what, doc.id), who.env, "mail.followers", who.id, "partner_id", who.want)
		}
	}
	lost := s.make("mail.followers", orm.Values{"res_model": "safe.gone", "res_id": 1, "partner_id": s.ida.PartnerID()})
	s.reaches("an employee at his following of a model that is gone", s.ida, "mail.followers", lost, "partner_id", false)
}

func TestInternalNotesAreForEmployees(t *testing.T) {
	s := newScene(t)
	note := func(v orm.Values) int64 {
		v["model"], v["res_id"], v["body"] = "safe.box", s.open, "hush"
		return s.make("mail.message", v)
	}
	for what, id := range map[string]int64{
		"a note":                             note(orm.Values{"subtype_id": s.ref("mail.mt_note")}),
		"a message for employees":            note(orm.Values{"subtype_id": s.ref("mail.mt_comment"), "is_internal": true}),
		"a message of no kind":               note(orm.Values{"subtype_id": false}),
		"a note that was sent to an address": note(orm.Values{"subtype_id": s.ref("mail.mt_note"), "partner_ids": []orm.Command{orm.Link(s.pia.PartnerID())}}),
		"a note by somebody from outside":    note(orm.Values{"subtype_id": s.ref("mail.mt_note"), "author_id": s.pia.PartnerID()}),
	} {
		s.reaches(what+" for somebody from outside", s.pia, "mail.message", id, "body", false)
		s.reaches(what+" for an employee", s.ida, "mail.message", id, "body", true)
	}
	count := func(env *orm.Env) any {
		rows, err := env.Model("safe.box").Browse(s.open).Read("message_count", "has_message")
		s.do(err)
		return fmt.Sprint(rows[0]["message_count"], rows[0]["has_message"])
	}
	s.equal("messages counted for somebody from outside", count(s.pia), "0 false")
	s.equal("messages counted for an employee", count(s.ida), "5 true")
	s.do(mail.Subscribe(s.env.Model("safe.box").Browse(s.open), []int64{s.pia.PartnerID(), s.ida.PartnerID()}))
	if n, err := s.pia.Model("mail.followers").SearchCount(nil, 0); !orm.IsCode(err, orm.CodeAccess) {
		s.Errorf("followers seen from outside: %d, %v", n, err)
	}
}

func TestFilesOfFieldsAndOfNobody(t *testing.T) {
	s := newScene(t)
	s.do(s.env.Model("safe.box").Browse(s.open).Write(orm.Values{"plan": []byte("plan"), "key_file": []byte("key")}))
	of := func(field string) int64 {
		rs, err := s.env.Model("ir.attachment").Search(orm.And(orm.Leaf("res_model", "=", "safe.box"), orm.Leaf("res_field", "=", field)), orm.SearchOptions{})
		s.do(err)
		return rs.ID()
	}
	s.reaches("the file of a field", s.ida, "ir.attachment", of("plan"), "raw", true)
	s.reaches("the file of a field for administrators", s.ida, "ir.attachment", of("key_file"), "raw", false)
	s.reaches("the file of a field that is gone", s.ida, "ir.attachment",
		s.make("ir.attachment", orm.Values{"name": "x", "raw": []byte("x"), "res_model": "safe.box", "res_id": s.open, "res_field": "gone"}), "raw", false)
	s.reaches("the file of a model that is gone", s.ida, "ir.attachment",
		s.make("ir.attachment", orm.Values{"name": "x", "raw": []byte("x"), "res_model": "gone.model", "res_id": s.open}), "raw", false)
	s.reaches("the file of a record that is gone", s.ida, "ir.attachment",
		s.make("ir.attachment", orm.Values{"name": "x", "raw": []byte("x"), "res_model": "safe.box", "res_id": s.closed + 1000}), "raw", false)
	alone, err := s.jan.Model("ir.attachment").Create(orm.Values{"name": "jan.txt", "raw": []byte("x")})
	s.do(err)
	s.reaches("another's file", s.ida, "ir.attachment", alone.ID(), "raw", false)
	s.reaches("one's own file", s.jan, "ir.attachment", alone.ID(), "raw", true)
	s.reaches("the administrator", s.env.WithUser(2), "ir.attachment", alone.ID(), "raw", true)
	s.do(s.env.Model("ir.attachment").Browse(alone.ID()).Write(orm.Values{"public": true}))
	s.reaches("a public file", s.pia, "ir.attachment", alone.ID(), "raw", true)
	s.denied("changing a public file", s.ida, func(env *orm.Env) error { return alone.In(env).Write(orm.Values{"name": "y"}) })
}

func TestCompaniesOfAContext(t *testing.T) {
	s := newScene(t)
	foreign := s.make("res.company", orm.Values{"name": "Foreign"})
	there := s.make("safe.box", orm.Values{"name": "There", "company_id": foreign})
	s.make("ir.rule", orm.Values{"name": "companies", "model_id": s.model("safe.box"), "domain_force": "[('company_id', 'in', company_ids + [False])]"})
	keys := map[string]any{"allowed_company_ids": []any{s.ida.Company(), foreign}}
	for what, try := range map[string]func(env *orm.Env) error{
		"read":   func(env *orm.Env) error { _, err := env.Model("safe.box").Browse(there).Read("name"); return err },
		"search": func(env *orm.Env) error { _, err := env.Model("safe.box").Search(nil, orm.SearchOptions{}); return err },
		"count":  func(env *orm.Env) error { _, err := env.Model("safe.box").SearchCount(nil, 0); return err },
		"group": func(env *orm.Env) error {
			_, err := env.Model("safe.box").ReadGroup(nil, []string{"company_id"}, nil, orm.GroupOptions{})
			return err
		},
		"name":     func(env *orm.Env) error { _, err := env.Model("safe.box").NameSearch("", nil, "", 0); return err },
		"create":   func(env *orm.Env) error { _, err := env.Model("safe.box").Create(orm.Values{"name": "x"}); return err },
		"write":    func(env *orm.Env) error { return env.Model("safe.box").Browse(s.open).Write(orm.Values{"name": "x"}) },
		"unlink":   func(env *orm.Env) error { return env.Model("safe.box").Browse(s.open).Unlink() },
		"defaults": func(env *orm.Env) error { _, err := env.Model("safe.box").DefaultGet("company_id"); return err },
		"all rights": func(env *orm.Env) error {
			_, err := env.Sudo().Model("safe.box").Search(nil, orm.SearchOptions{})
			return err
		},
		"switching off all rights": func(env *orm.Env) error {
			_, err := env.Sudo().WithContext(map[string]any{"x": 1}).NoSudo().Model("safe.box").Search(nil, orm.SearchOptions{})
			return err
		},
	} {
		s.denied("another's company in a context: "+what, s.ida.WithContext(keys), try)
	}
	nested := map[string]any{"owner_id": map[string]any{"fields": map[string]any{"name": map[string]any{}}, "context": keys}}
	s.do(s.env.Model("safe.box").Browse(s.open).Write(orm.Values{"owner_id": s.ida.PartnerID()}))
	s.denied("in a nested specification", s.ida, func(env *orm.Env) error {
		_, err := rpc.Call(env, "safe.box", "web_read", []any{[]any{s.open}, nested}, nil)
		return err
	})
	s.denied("in a nested specification of a search", s.ida, func(env *orm.Env) error {
		_, err := rpc.Call(env, "safe.box", "web_search_read", []any{[]any{}, nested}, nil)
		return err
	})
	s.denied("in the context of a call", s.ida, func(env *orm.Env) error {
		_, err := rpc.Call(env, "safe.box", "search", []any{[]any{}}, map[string]any{"context": keys})
		return err
	})
	for _, v := range []any{[]any{"x"}, "nonsense", []any{99999}} {
		s.denied(fmt.Sprintf("the companies %v", v), s.ida.WithContext(map[string]any{"allowed_company_ids": v}), func(env *orm.Env) error {
			_, err := env.Model("safe.box").SearchCount(nil, 0)
			return err
		})
	}
	if got := s.ida.WithContext(keys).Companies(); len(got) > 0 {
		t.Errorf("companies of a context that is refused: %v", got)
	}
	// The program may work for any company; its choice is no client's to widen.
	n, err := s.ida.WithCompany(foreign).Model("safe.box").SearchCount(orm.Leaf("id", "=", there), 0)
	s.do(err)
	s.equal("the company the program has chosen", n, 1)
	// Of another user's companies, those that one has oneself remain.
	s.do(s.env.Model("res.users").Browse(s.jan.UID()).Write(orm.Values{"company_ids": []orm.Command{orm.Link(foreign)}}))
	as := s.jan.WithContext(keys)
	s.equal("a user of both companies", len(as.Companies()), 2)
	s.equal("another user in that context", as.WithUser(s.ida.UID()).Companies(), []int64{s.ida.Company()})
	s.equal("with a chosen company", as.WithCompany(foreign).WithUser(s.ida.UID()).Companies(), []int64{s.ida.Company()})
}

// A session goes on with the companies its user still has.
func TestSessionLosesCompanies(t *testing.T) {
	t.Parallel()
	db := ormtest.DB(t, base.Addon(), mail.Addon(), vault())
	run := func(u orm.User, fn func(env *orm.Env) error) {
		t.Helper()
		if err := db.Run(t.Context(), u, fn); err != nil {
			t.Fatal(err)
		}
	}
	var uid, main, second int64
	run(orm.System(), func(env *orm.Env) error {
		c, err := env.Model("res.company").Create(orm.Values{"name": "Second"})
		if err != nil {
			return err
		}
		main, second = env.Company(), c.ID()
		group, err := env.Ref("base.group_user")
		if err != nil {
			return err
		}
		u, err := env.Model("res.users").Create(orm.Values{"name": "Ida", "login": "ida", "company_id": main, "company_ids": []int64{main, second}, "group_ids": []int64{group.ID()}})
		uid = u.ID()
		return err
	})
	session := orm.User{ID: uid, Context: map[string]any{"allowed_company_ids": []any{float64(second), float64(main)}}}
	seen := func(want ...int64) {
		t.Helper()
		run(session, func(env *orm.Env) error {
			_, err := env.Model("res.partner").SearchCount(nil, 0)
			if got := env.Companies(); !slices.Equal(got, want) {
				t.Errorf("companies %v, want %v", got, want)
			}
			if key := fmt.Sprint(env.Keys()["allowed_company_ids"], env.Key("allowed_company_ids")); key != fmt.Sprint(want, want) {
				t.Errorf("the context names %s", key)
			}
			return err
		})
	}
	seen(second, main)
	run(orm.System(), func(env *orm.Env) error {
		return env.Model("res.users").Browse(uid).Write(orm.Values{"company_ids": []int64{main}})
	})
	seen(main)
}

func TestWizardsAreTheirMakers(t *testing.T) {
	s := newScene(t)
	made, err := s.jan.Model("safe.opening").Create(orm.Values{"name": "hush", "step_ids": []orm.Command{orm.CreateLine(orm.Values{"name": "hush"})}})
	s.do(err)
	id := made.ID()
	step, err := s.env.Model("safe.opening.step").Search(orm.Leaf("opening_id", "=", id), orm.SearchOptions{})
	s.do(err)
	for what, env := range map[string]*orm.Env{"another employee": s.ida, "the administrator": s.env.WithUser(2)} {
		s.reaches(what+" at a wizard", env, "safe.opening", id, "name", false)
		s.reaches(what+" at its lines", env, "safe.opening.step", step.ID(), "name", false)
	}
	s.reaches("its maker", s.jan, "safe.opening", id, "name", true)
	s.denied("writing another's wizard", s.ida, func(env *orm.Env) error { return made.In(env).Write(orm.Values{"name": "x"}) })
	s.denied("deleting it", s.ida, func(env *orm.Env) error { return made.In(env).Unlink() })
	s.denied("copying it", s.ida, func(env *orm.Env) error { _, err := made.In(env).Copy(nil); return err })
	s.denied("using it", s.ida, func(env *orm.Env) error {
		_, err := rpc.Call(env, "safe.opening", "action_open", []any{[]any{id}}, nil)
		return err
	})
	own, err := s.ida.Model("safe.opening.step").Create(orm.Values{"name": "mine", "opening_id": id})
	if err == nil {
		n, err := s.ida.Model("safe.opening.step").SearchCount(orm.And(orm.Leaf("id", "=", own.ID()), orm.Leaf("opening_id.name", "=", "hush")), 0)
		s.do(err)
		s.equal("a path to it", n, 0)
		s.denied("a nested specification to it", s.ida, func(env *orm.Env) error {
			_, err := rpc.Call(env, "safe.opening.step", "web_read", []any{[]any{own.ID()}, map[string]any{"opening_id": map[string]any{"fields": map[string]any{"name": map[string]any{}}}}}, nil)
			return err
		})
	}
	s.denied("trying values on it", s.ida, func(env *orm.Env) error {
		_, err := rpc.Call(env, "safe.opening", "onchange", []any{[]any{id}, map[string]any{"name": "x"}, []any{"name"}, map[string]any{"name": map[string]any{}}}, nil)
		return err
	})
}

// A rule that no search can look at is refused, and where it is in the database
// already, nothing passes it.
func TestRulesThatCannotBeSearched(t *testing.T) {
	s := newScene(t)
	for _, domain := range []string{"[('mood', '=', 'calm')]", "['!', ('mood', '=', 'calm')]", "[('owner_id.tz_offset', '=', '+0000')]", "[('plan', '=', 'x')]"} {
		err := s.env.Savepoint(func(env *orm.Env) error {
			_, err := env.Model("ir.rule").Create(orm.Values{"name": "by mood", "model_id": s.model("safe.box"), "domain_force": domain})
			return err
		})
		if !orm.IsCode(err, orm.CodeValidation) || !strings.Contains(err.Error(), "by mood") || !strings.ContainsAny(err.Error(), "mood tz_offset plan") {
			t.Errorf("a rule %s: %v", domain, err)
		}
	}
	rule := s.make("ir.rule", orm.Values{"name": "by mood", "model_id": s.model("safe.box"), "domain_force": "[('name', '!=', 'x')]"})
	for _, domain := range []string{"[('mood', '=', 'calm')]", "['!', ('mood', '=', 'calm')]"} {
		if _, err := s.env.Exec(orm.SQL("UPDATE ir_rule SET domain_force = ? WHERE id = ?", domain, rule)); err != nil {
			t.Fatal(err)
		}
		s.do(s.env.Model("ir.rule").Browse(rule).Write(orm.Values{"perm_unlink": false})) // makes the rules be read anew
		s.reaches("past a rule "+domain, s.ida, "safe.box", s.open, "name", false)
	}
}

func TestDefaultsTellNoNames(t *testing.T) {
	s := newScene(t)
	hidden := s.make("res.partner", orm.Values{"name": "Hidden"})
	s.make("ir.rule", orm.Values{"name": "hidden", "model_id": s.model("res.partner"), "domain_force": "[('name', '!=', 'Hidden')]", "groups": []orm.Command{orm.Link(s.ref("base.group_user"))}})
	spec := map[string]any{"owner_id": map[string]any{"fields": map[string]any{"display_name": map[string]any{}}}}
	keys := map[string]any{"default_owner_id": hidden}
	s.denied("a default in the context of a new form", s.ida.WithContext(keys), func(env *orm.Env) error {
		_, err := rpc.Call(env, "safe.box", "onchange", []any{[]any{}, map[string]any{}, []any{}, spec}, nil)
		return err
	})
	s.denied("default_get", s.ida.WithContext(keys), func(env *orm.Env) error {
		_, err := rpc.Call(env, "safe.box", "default_get", []any{[]any{"owner_id"}}, nil)
		return err
	})
	s.denied("the values of a form", s.ida, func(env *orm.Env) error {
		_, err := rpc.Call(env, "safe.box", "onchange", []any{[]any{}, map[string]any{"owner_id": hidden}, []any{"owner_id"}, spec}, nil)
		return err
	})
	field, err := s.env.Model("ir.model.fields").Search(orm.And(orm.Leaf("model", "=", "safe.box"), orm.Leaf("name", "=", "owner_id")), orm.SearchOptions{})
	s.do(err)
	_, err = s.ida.Model("ir.default").Create(orm.Values{"field_id": field.ID(), "user_id": s.ida.UID(), "json_value": fmt.Sprint(hidden)})
	s.do(err)
	v, err := s.ida.Model("safe.box").DefaultGet("owner_id")
	s.do(err)
	s.equal("a default that one has stored", v["owner_id"], nil)
	ok, err := s.ida.WithContext(map[string]any{"default_owner_id": s.jan.PartnerID()}).Model("safe.box").DefaultGet("owner_id")
	s.do(err)
	s.equal("a default one may see", ok["owner_id"], s.jan.PartnerID())
}

func TestExportsLeaveOutFieldsOfOthers(t *testing.T) {
	s := newScene(t)
	made, err := s.jan.Model("safe.opening").Create(orm.Values{"name": "x", "safe_id": s.open})
	s.do(err)
	for _, path := range []string{"safe_id/code", "safe_id/message_ids/tracking_value_ids", "safe_id/message_ids/tracking_value_ids/id"} {
		s.denied("exporting "+path, s.jan, func(env *orm.Env) error { _, err := importexport.Export(made.In(env), []string{path}); return err })
	}
	rows, err := importexport.Export(made, []string{"safe_id/name"})
	s.do(err)
	s.equal("what may be exported", rows, "[[Open]]")
}

func TestNumbersTellOfNothingHidden(t *testing.T) {
	s := newScene(t)
	n := func(env *orm.Env) any {
		rows, err := env.Model("ir.model").Browse(s.model("safe.box")).Read("count")
		s.do(err)
		return rows[0]["count"]
	}
	s.equal("safes counted for an employee", n(s.ida), 1)
	s.equal("safes counted for the system", n(s.env), 2)
	a := s.make("res.partner", orm.Values{"name": "A", "vat": "BE0477472701"})
	s.make("res.partner", orm.Values{"name": "Hidden", "vat": "BE0477472701"})
	twin := func() any {
		rows, err := s.ida.Model("res.partner").Browse(a).Read("same_vat_partner_id")
		s.do(err)
		return rows[0]["same_vat_partner_id"] != nil
	}
	s.equal("a twin", twin(), true)
	s.make("ir.rule", orm.Values{"name": "hidden", "model_id": s.model("res.partner"), "domain_force": "[('name', '!=', 'Hidden')]", "groups": []orm.Command{orm.Link(s.ref("base.group_user"))}})
	s.equal("a hidden twin", twin(), false)
	// Who has logged in, and when, is nothing for people from outside.
	_, err := s.ida.Sudo().Model("res.users.log").Create(orm.Values{})
	s.do(err)
	rows, err := s.jan.Model("res.users").Browse(s.ida.UID()).Read("state")
	s.do(err)
	s.equal("a login for an employee", rows[0]["state"], "active")
	s.denied("logins counted from outside", s.pia, func(env *orm.Env) error {
		_, err := env.Model("res.users.log").SearchCount(nil, 0)
		return err
	})
	s.denied("the login dates of an employee", s.pia, func(env *orm.Env) error {
		_, err := env.Model("res.users").Browse(s.ida.UID()).Read("login_date")
		return err
	})
}
