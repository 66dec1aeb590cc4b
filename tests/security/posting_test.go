package security

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
)

// Two boards that people may only read: on the first they may not post either,
// on the second they may.
type (
	lockedBoard struct {
		orm.Record `orm:"board.locked" label:"Locked Board"`
		mail.Thread
		mail.ActivityMixin
		Name string `orm:"name,required" label:"Name"`
	}
	openBoard struct {
		orm.Record `orm:"board.open" label:"Open Board"`
		mail.Thread
		mail.ActivityMixin
		Name string `orm:"name,required" label:"Name"`
	}
)

func boards() module.Addon {
	return module.Addon{Name: "board", Version: "19.0.1.0.0", Depends: []string{"base", "mail"}, Define: func(r *orm.Registry) {
		orm.Define[lockedBoard](r)
		orm.Define[openBoard](r).PostRight(orm.OpRead)
	}}
}

// partner is the contact of a user.
func (h *house) partner(login string) int64 {
	h.t.Helper()
	return number(h.t, h.rows("SELECT partner_id FROM res_users WHERE id = ?", h.ids[login])[0])
}

// page opens an address as a browser does.
func (v *visitor) page(path string) reply {
	v.h.t.Helper()
	r, err := http.NewRequestWithContext(v.h.t.Context(), http.MethodGet, v.h.url+path, nil)
	if err != nil {
		v.h.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	return v.do(r)
}

// Who may only read a record posts on it and plans activities where its model
// says so, and nowhere else; and he does so by every way, or by none.
func TestPostingTakesTheRightOfTheModel(t *testing.T) {
	t.Parallel()
	h := built(t, mail.Addon(), boards())
	const hush = "Hush"
	ids, hushed, models := map[string]int64{}, map[string]int64{}, map[string]int64{}
	h.run(func(env *orm.Env) error {
		for _, model := range []string{"board.locked", "board.open"} {
			m, err := env.Model("ir.model").Search(orm.Leaf("model", "=", model), orm.SearchOptions{})
			if err != nil {
				return err
			}
			models[model] = m.ID()
			for _, group := range []string{"base.group_user", "base.group_portal"} {
				g, err := env.Ref(group)
				if err != nil {
					return err
				}
				if _, err := env.Model("ir.model.access").Create(orm.Values{"name": group, "model_id": m.ID(), "group_id": g.ID(), "perm_read": true}); err != nil {
					return err
				}
			}
			if _, err := env.Model("ir.rule").Create(orm.Values{"name": "no hushed ones", "model_id": m.ID(), "domain_force": "[('name', '!=', '" + hush + "')]"}); err != nil {
				return err
			}
			if _, err := env.Model("ir.ui.view").Create(orm.Values{"name": model, "model": model, "type": "form", "arch": `<form><field name="name"/><chatter/></form>`}); err != nil {
				return err
			}
			for name, to := range map[string]map[string]int64{"Board": ids, hush: hushed} {
				made, err := env.Model(model).Create(orm.Values{"name": name})
				if err != nil {
					return err
				}
				to[model] = made.ID()
			}
		}
		return nil
	})
	v := h.from("127.0.0.1")
	ways := func(model string, id int64) map[string]func(login string) reply {
		return map[string]func(login string) reply{
			"message_post": func(login string) reply { return v.call(login, model, "message_post", []any{id}, "<p>hello</p>") },
			"mail.message": func(login string) reply {
				return v.call(login, "mail.message", "create", map[string]any{"model": model, "res_id": id, "body": "hello"})
			},
			"mail.message, by defaults": func(login string) reply {
				return v.service("object", "execute_kw", "house", h.ids[login], login+"-password", "mail.message", "create", []any{map[string]any{"body": "hello"}},
					map[string]any{"context": map[string]any{"default_model": model, "default_res_id": id}})
			},
			"message_notify": func(login string) reply {
				return v.service("object", "execute_kw", "house", h.ids[login], login+"-password", model, "message_notify", []any{[]any{id}},
					map[string]any{"body": "hello", "partner_ids": []any{h.partner(login)}})
			},
			"activity_schedule": func(login string) reply { return v.call(login, model, "activity_schedule", []any{id}) },
			"mail.activity": func(login string) reply {
				return v.call(login, "mail.activity", "create", map[string]any{"res_model_id": models[model], "res_id": id, "summary": "hello"})
			},
		}
	}
	count := func(model string) string {
		return strings.Join(h.rows("SELECT (SELECT count(*) FROM mail_message WHERE model = ?), (SELECT count(*) FROM mail_activity WHERE res_model = ?)", model, model), "")
	}
	for _, login := range []string{"clerk", "portal"} {
		for _, c := range []struct {
			model string
			id    int64
			may   bool
		}{{"board.locked", ids["board.locked"], false}, {"board.open", ids["board.open"], true}, {"board.locked", hushed["board.locked"], false}, {"board.open", hushed["board.open"], false}} {
			for way, try := range ways(c.model, c.id) {
				before := count(c.model)
				r := try(login)
				may := c.may && (login != "portal" || !strings.Contains(way, "activity")) // activities are of employees
				if posted := count(c.model) != before; posted != may || (r.failed == "") != may {
					t.Errorf("%s by %s on %s %d: %q, posted %v; right is %v", way, login, c.model, c.id, r.failed, posted, may)
				}
				if strings.Contains(r.failed, hush) {
					t.Errorf("%s by %s tells a name: %s", way, login, r.failed)
				}
			}
		}
	}
	// What others plan stays theirs, and reading gives no right to files.
	var planned, file int64
	h.run(func(env *orm.Env) error {
		a, err := env.Model("mail.activity").Create(orm.Values{"res_model_id": models["board.open"], "res_id": ids["board.open"], "user_id": int64(2)})
		if err != nil {
			return err
		}
		planned = a.ID()
		f, err := env.Model("ir.attachment").Create(orm.Values{"name": "a.txt", "raw": []byte("x"), "res_model": "board.open", "res_id": ids["board.open"]})
		file = f.ID()
		return err
	})
	for what, r := range map[string]reply{
		"dropping another's activity": v.call("clerk", "mail.activity", "unlink", []any{planned}),
		"changing another's activity": v.call("clerk", "mail.activity", "write", []any{planned}, map[string]any{"summary": "x"}),
		"deleting a file":             v.call("clerk", "ir.attachment", "unlink", []any{file}),
		"adding a file":               v.call("clerk", "ir.attachment", "create", map[string]any{"name": "b.txt", "raw": "x", "res_model": "board.open", "res_id": ids["board.open"]}),
		"making another follow":       v.call("clerk", "board.open", "message_subscribe", []any{ids["board.open"]}, []any{h.partner("victim")}),
	} {
		if !strings.Contains(r.failed, "AccessError") {
			t.Errorf("%s: %q", what, r.failed)
		}
	}
	// The page offers what works, and no more.
	if r := v.enter("clerk", "clerk-password"); r.status != http.StatusSeeOther {
		t.Fatalf("logging in: %d", r.status)
	}
	for model, may := range map[string]bool{"board.locked": false, "board.open": true} {
		at := fmt.Sprintf("/web/model/%s/%d", model, ids[model])
		page := v.page(at)
		if page.status != http.StatusOK || !strings.Contains(page.text, `id="chatter"`) {
			t.Fatalf("%s: %d", at, page.status)
		}
		for _, offer := range []string{at + "/message", at + "/activity"} {
			if strings.Contains(page.text, `action="`+offer) != may {
				t.Errorf("%s offered: %v", offer, !may)
			}
		}
		if strings.Contains(page.text, "attach-file") || strings.Contains(page.text, `name="remove"`) {
			t.Errorf("the page of %s offers to change its files", model)
		}
		before := count(model)
		v.send(at+"/message", "multipart/form-data; boundary=cut", strings.ReplaceAll("--cut\nContent-Disposition: form-data; name=\"body\"\n\nhello\n"+
			"--cut\nContent-Disposition: form-data; name=\"file\"; filename=\"new.txt\"\nContent-Type: text/plain\n\ntext\n--cut--\n", "\n", "\r\n"), "Accept", "text/html")
		if posted := count(model) != before; posted != may {
			t.Errorf("posted at the page of %s: %v", model, posted)
		}
		if files := h.rows("SELECT res_id FROM ir_attachment WHERE name = 'new.txt' AND res_model = ?", model); may != (fmt.Sprint(files) == fmt.Sprintf("[%d]", ids[model])) {
			t.Errorf("files posted on %s: %v", model, files)
		}
	}
}
