package walk

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

func walkHome(b *browser) {
	b.rate = 1
	b.get("/web")
	b.get("/web", "apps", "1")
	b.get("/web/login", "redirect", "/web/model/walk.doc")
}

func walkProfile(b *browser) {
	b.rate = 1
	b.get("/web/profile")
	b.post("/web/profile/password", "old", "wrong", "new", "other password", "again", "other password")
	for _, key := range b.hidden("res.users.apikeys", 2) {
		b.post(fmt.Sprintf("/web/profile/keys/%d/remove", key))
	}
	b.post("/web/profile/keys", "name", "", "password", "wrong")
}

func walkCompany(b *browser) {
	b.rate = 1
	for _, c := range b.w.companies {
		if !contains(b.s.v.companies, c) {
			b.post("/web/company", "company", fmt.Sprint(c), "redirect", "/web/model/walk.doc")
			b.get("/web/model/walk.doc")
		}
	}
}

func contains(list []int64, id int64) bool {
	for _, x := range list {
		if x == id {
			return true
		}
	}
	return false
}

// walkActions opens every action there is, in every kind of view.
func walkActions(b *browser) {
	for _, id := range b.w.ref.ids["ir.actions.actions"] {
		kind, _ := b.w.ref.rows["ir.actions.actions"][id]["type"].(string)
		row := b.w.ref.rows[kind][id]
		model, _ := row["res_model"].(string)
		b.on(model)
		path := fmt.Sprintf("/web/action/%d", id)
		b.get(path)
		modes, _ := row["view_mode"].(string)
		for _, mode := range strings.Split(modes, ",") {
			b.get(path, "view", mode, "set", "1")
		}
		b.get(path, "view", "list", "edit", "1", "set", "1")
		if m, ok := b.w.ref.reg.Model(model); ok {
			b.list(path, m)
		}
	}
}

// walkLists opens a list of every model, searched, sorted and grouped in every
// way that the model has fields for.
func walkLists(b *browser) {
	for _, m := range b.models() {
		b.on(m.Name)
		b.list("/web/model/"+m.Name, m)
	}
}

func (b *browser) list(path string, m *orm.Model) {
	b.get(path)
	b.get(path, "show", "", "select", "all", "limit", "500", "set", "1", "ctx", `{"active_test": false}`)
	b.get(path, "domain", "[]", "name", "All", "modes", "list,kanban", "view", "kanban", "set", "1")
	b.get(path, "s", ":cnry", "q", "cnry", "in", "", "set", "1")
	for _, name := range m.FieldNames() {
		f := m.Fields[name]
		reserved := !b.w.ref.mayField(b.s.v, f)
		answers := []int{
			b.get(path, "g", name, "set", "1", "open", "0").Code,
			b.get(path, "sort", name+" desc", "set", "1", "show", name).Code,
			b.get(path, "c", name+":set:", "set", "1").Code,
			b.get(path, "cf", name, "co", "ilike", "cv", "c", "s", name+":c", "addg", name, "set", "1").Code,
			b.get(path, "domain", fmt.Sprintf(`[[%q,"!=",false]]`, name), "set", "1").Code,
		}
		if reserved && answers[4] == http.StatusOK && len(b.visible(m.Name, 1)) > 0 {
			if body := b.get(path, "domain", fmt.Sprintf(`[[%q,"!=",false]]`, name), "set", "1").Body.String(); strings.Contains(body, "/"+fmt.Sprint(b.visible(m.Name, 1)[0])+"?") {
				b.out.add("domain "+m.Name, fmt.Sprintf("%s: a domain on the reserved field %s.%s finds records on a page", b.s.v.login, m.Name, name))
			}
		}
		if f.Kind == orm.Many2one {
			for _, id := range b.hidden(f.Comodel, 1) {
				b.get(path, "s", fmt.Sprintf("%s:=%d", name, id), "set", "1")
				b.get(path, "c", fmt.Sprintf("%s:=:%d", name, id), "set", "1")
				b.get(path, "ctx", fmt.Sprintf(`{"search_default_%s": %d, "active_id": %d, "active_model": %q}`, name, id, id, f.Comodel))
			}
		}
	}
	for _, do := range []string{"export", "delete", "archive"} {
		pairs := []string{"_do", do}
		for _, id := range append(b.visible(m.Name, 3), b.hidden(m.Name, 2)...) {
			pairs = append(pairs, "id", fmt.Sprint(id))
		}
		if do == "export" { // the others wait for a confirmation, which they do not get, or change records
			b.post(path, pairs...)
			b.post(path, "_do", do, "all", "1")
		}
	}
}

// walkActionRecords opens records by the actions that list them.
func walkActionRecords(b *browser) {
	for _, id := range b.w.ref.ids["ir.actions.act_window"] {
		model, _ := b.w.ref.rows["ir.actions.act_window"][id]["res_model"].(string)
		m, ok := b.w.ref.reg.Model(model)
		if !ok || m.Abstract {
			continue
		}
		b.on(model)
		for _, rec := range append(b.visible(model, 1), b.hidden(model, 1)...) {
			b.get(fmt.Sprintf("/web/action/%d/%d", id, rec), "at", "1", "up", "model/"+model)
		}
	}
}

// walkForms opens forms of every model, of records that may be read and of
// others, and empty ones that refer to what is hidden.
func walkForms(b *browser) {
	for _, m := range b.models() {
		b.on(m.Name)
		path := "/web/model/" + m.Name
		for _, id := range b.visible(m.Name, 3) {
			b.get(fmt.Sprintf("%s/%d", path, id))
			b.get(fmt.Sprintf("%s/%d", path, id), "edit", "1")
			b.form(fmt.Sprintf("%s/%d", path, id), m)
		}
		for _, id := range b.hidden(m.Name, 2) {
			for _, query := range []string{"", "?edit=1", "?dialog=1"} {
				if res := b.get(fmt.Sprintf("%s/%d%s", path, id, query)); res.Code == http.StatusOK {
					b.out.add("form "+m.Name, fmt.Sprintf("%s: the form of %s(%d), which is hidden, is shown", b.s.v.login, m.Name, id))
				}
			}
			b.form(fmt.Sprintf("%s/%d", path, id), m)
			b.post(fmt.Sprintf("%s/%d", path, id), "_do", "delete")
			b.post(fmt.Sprintf("%s/%d", path, id), "_do", "duplicate")
		}
		b.get(path + "/new")
		for _, name := range m.FieldNames() {
			f := m.Fields[name]
			if f.Kind != orm.Many2one || !b.w.ref.mayField(b.s.v, f) {
				continue
			}
			for _, id := range b.hidden(f.Comodel, 1) {
				b.get(path+"/new", "ctx", fmt.Sprintf(`{"default_%s": %d, "active_id": %d, "active_ids": [%d], "active_model": %q}`, name, id, id, id, f.Comodel))
			}
		}
		b.form(path+"/new", m)
	}
}

// form posts a form that refers to hidden records and asks what follows.
func (b *browser) form(path string, m *orm.Model) {
	for _, name := range m.FieldNames() {
		f := m.Fields[name]
		if !f.Relational() {
			continue
		}
		for _, id := range b.hidden(f.Comodel, 1) {
			for _, input := range []string{"~id", "~pick", ""} {
				known, err := json.Marshal(map[string]string{"f." + name: ""})
				if err != nil {
					b.w.t.Fatal(err)
				}
				b.post(path, "_do", "refresh", "_base", string(known), "f."+name+input, fmt.Sprint(id))
				b.post(path, "_do", "refresh", "_base", string(known), "f."+name+input, fmt.Sprint(id), "f."+name, "?cnry", "f."+name+"~add", "cnry")
			}
		}
	}
}

// walkChatter tries what can be done about a record that is hidden.
func walkChatter(b *browser) {
	b.on("walk.doc")
	for _, id := range b.hidden("walk.doc", 3) {
		for _, do := range []string{"message", "follow", "unfollow", "attach", "activity"} {
			b.post(fmt.Sprintf("/web/model/walk.doc/%d/%s", id, do), "body", "hello", "kind", "note", "summary", "x", "due", "2026-05-05")
		}
	}
}

// walkFiles asks for every file: attachments, and the files of fields.
func walkFiles(b *browser) {
	b.on("walk.doc")
	for _, id := range b.w.ref.ids["ir.attachment"] {
		res := b.get(fmt.Sprintf("/web/content/%d", id))
		if may := b.s.readable["ir.attachment"][id]; !may && res.Code == http.StatusOK {
			b.out.add("file", fmt.Sprintf("%s: the attachment %d, which is hidden, is sent", b.s.v.login, id))
		}
		b.get(fmt.Sprintf("/web/content/%d", id), "download", "1")
	}
	for _, m := range b.models() {
		b.on(m.Name)
		for _, name := range m.FieldNames() {
			f := m.Fields[name]
			if f.Kind != orm.BinaryKind {
				continue
			}
			for _, id := range append(b.visible(m.Name, 2), b.hidden(m.Name, 2)...) {
				content, picture := b.get(fmt.Sprintf("/web/content/%s/%d/%s", m.Name, id, name)), b.get(fmt.Sprintf("/web/image/%s/%d/%s", m.Name, id, name), "v", "1")
				if may := b.s.readable[m.Name][id] && b.w.ref.mayField(b.s.v, f); !may && (content.Code == http.StatusOK || picture.Code == http.StatusOK) {
					b.out.add("file "+m.Name+name, fmt.Sprintf("%s: the file %s of %s(%d), which is hidden, is sent: %d, as a picture %d", b.s.v.login, name, m.Name, id, content.Code, picture.Code))
				}
			}
		}
	}
}

// walkReports prints every report of what may be read, and of what may not.
func walkReports(b *browser) {
	for _, id := range b.w.ref.ids["ir.actions.report"] {
		row := b.w.ref.rows["ir.actions.report"][id]
		model, _ := row["model"].(string)
		b.rate = min(1, 20*b.w.rate)
		for _, prefix := range []string{"/web/report/", "/report/pdf/"} {
			path := fmt.Sprint(prefix, row["report_name"], "/")
			for _, rec := range b.visible(model, 2) {
				b.get(path + fmt.Sprint(rec))
			}
			for _, rec := range b.hidden(model, 2) {
				for _, list := range append([]string{fmt.Sprint(rec)}, withOne(b.visible(model, 1), rec)...) {
					if res := b.get(path + list); res.Code == http.StatusOK {
						b.out.add("report "+path, fmt.Sprintf("%s: %s prints %s(%d), which is hidden", b.s.v.login, path, model, rec))
					}
				}
			}
		}
	}
}

func withOne(visible []int64, hidden int64) []string {
	var out []string
	for _, id := range visible {
		out = append(out, fmt.Sprintf("%d,%d", id, hidden))
	}
	return out
}
