package security

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/html"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/route"
	"fusionsoft.ca/fusion/framework/rpc"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/web"
	"fusionsoft.ca/fusion/static"
)

// tour goes through the back office of a program as one of its users: wherever
// a page leads, and whatever it offers to do.
type tour struct {
	t      *testing.T
	db     *orm.DB
	srv    http.Handler
	uid    int64
	who    string
	most   int // pages of a kind
	cookie string
	done   map[string]int
	queue  []string
	pages  int
	pushed int
	found  *refusals
}

// refusals are what was offered and refused, each kind once, with those who met it.
type refusals struct {
	mu   sync.Mutex
	seen map[string][]string
	text map[string]string
}

func (r *refusals) add(kind, who, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.seen[kind], who) {
		r.seen[kind] = append(r.seen[kind], who)
	}
	r.text[kind] = text
}

// Nobody is shown what is then refused to him: with all addons, as a user of each
// group, and of none.
func TestNobodyIsLockedOut(t *testing.T) {
	t.Parallel()
	lockout(t, allAddons(), "")
}

// No addon locks anybody out, whatever else is there: with each addon and what it
// depends on, as a user of each of their groups. One page of each kind is enough.
func TestNobodyIsLockedOutOfAnyAddon(t *testing.T) {
	t.Parallel()
	all := allAddons()
	byName := map[string]module.Addon{}
	for _, a := range all {
		byName[a.Name] = a
	}
	for _, a := range all {
		needs := map[string]bool{}
		var need func(name string)
		need = func(name string) {
			if !needs[name] {
				needs[name] = true
				for _, d := range byName[name].Depends {
					need(d)
				}
			}
		}
		need(a.Name)
		set := slices.DeleteFunc(slices.Clone(all), func(b module.Addon) bool { return !needs[b.Name] })
		if len(set) == len(all) {
			continue // TestNobodyIsLockedOut goes farther
		}
		t.Run(a.Name, func(t *testing.T) {
			t.Parallel()
			lockout(t, set, a.Name)
		})
	}
}

// lockout tours a program with some addons; with the name of one, in short, and
// without those who set up the system unless they are all there is.
func lockout(t *testing.T, addons []module.Addon, added string) {
	t.Helper()
	db := ormtest.DB(t, addons...)
	doTrade(t, db)
	auth := server.Auth{Login: base.Authenticate, Password: base.CheckCredentials, Key: base.CheckAPIKey, Stamp: base.SessionStamp, Context: base.UserContext}
	srv, err := server.New(db, server.Config{Database: "tour", Auth: auth, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	pages := web.Options{Name: "Tour", Panels: map[string]route.Panel{}, Static: static.Files}
	for _, a := range addons {
		maps.Copy(pages.Panels, a.Panels)
	}
	rpc.Mount(srv)
	web.Mount(srv, pages)
	srv.Mount(addons...)
	users := map[string]int64{}
	err = db.Run(t.Context(), orm.System(), func(env *orm.Env) error {
		employee, err := env.Ref("base.group_user")
		if err != nil {
			return err
		}
		rows, err := ormtest.Texts(env, "SELECT g.id, d.module || '.' || d.name FROM res_groups g JOIN ir_model_data d ON d.model = 'res.groups' AND d.res_id = g.id ORDER BY g.id")
		if err != nil {
			return err
		}
		for _, r := range rows {
			if added != "" && added != "base" && strings.HasPrefix(r[1], "base.") && r[1] != "base.group_user" && r[1] != "base.group_portal" {
				continue
			}
			groups := []int64{ormtest.Int(r[0])}
			switch r[1] {
			case "base.group_public":
				continue
			case "base.group_portal":
			default:
				groups = append(groups, employee.ID())
			}
			made, err := env.WithContext(map[string]any{"no_reset_password": true}).Model("res.users").Create(orm.Values{"name": r[1], "login": r[1], "password": "tour-password",
				"group_ids": []orm.Command{orm.SetIDs(groups...)}})
			if err != nil {
				return err
			}
			users[r[1]] = made.ID()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	found := &refusals{seen: map[string][]string{}, text: map[string]string{}}
	var wait sync.WaitGroup
	turns := make(chan struct{}, 4)
	var mu sync.Mutex
	total, pushed := 0, 0
	for _, login := range slices.Sorted(maps.Keys(users)) {
		wait.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			v := &tour{t: t, db: db, srv: srv, uid: users[login], who: login, most: map[bool]int{true: 2, false: 1}[added == ""], done: map[string]int{}, found: found}
			v.walk()
			mu.Lock()
			defer mu.Unlock()
			total, pushed = total+v.pages, pushed+v.pushed
		})
	}
	wait.Wait()
	t.Logf("%d users saw %d pages and pressed %d buttons", len(users), total, pushed)
	for _, kind := range slices.Sorted(maps.Keys(found.seen)) {
		t.Errorf("%s\n\t%s\n\tas %s", kind, found.text[kind], strings.Join(found.seen[kind], ", "))
	}
	if total < 2*len(users) || added == "" && (total < 5*len(users) || pushed == 0) {
		t.Errorf("%d pages and %d buttons are no tour", total, pushed)
	}
}

// walk logs in and follows everything.
func (v *tour) walk() {
	res := v.send("POST", "/web/login", url.Values{"login": {v.who}, "password": {"tour-password"}}.Encode())
	for _, c := range res.Result().Cookies() {
		v.cookie = c.Name + "=" + c.Value
	}
	if res.Code != http.StatusSeeOther || v.cookie == "" {
		v.found.add("login", v.who, fmt.Sprintf("%d %s", res.Code, plain(res.Body.String())))
		return
	}
	v.lead("/web")
	for len(v.queue) > 0 {
		at := v.queue[0]
		v.queue = v.queue[1:]
		v.visit(at)
	}
}

func (v *tour) send(method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:4000"
	r.Header.Set("Accept", "text/html")
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if v.cookie != "" {
		r.Header.Set("Cookie", v.cookie)
	}
	res := httptest.NewRecorder()
	v.srv.ServeHTTP(res, r)
	return res
}

var (
	recordAt = regexp.MustCompile(`^/web/(action|model)/([^/?]+)(?:/(new|\d+))?$`)
	digits   = regexp.MustCompile(`\d+`)
)

// lead notes an address, unless enough like it have been seen.
func (v *tour) lead(to string) {
	u, err := url.Parse(to)
	if err != nil || u.Host != "" || !strings.HasPrefix(u.Path, "/web") && !strings.HasPrefix(u.Path, "/report") || strings.HasPrefix(u.Path, "/web/login") || strings.HasPrefix(u.Path, "/static") {
		return
	}
	q := u.Query()
	kind := u.Path
	if m := recordAt.FindStringSubmatch(u.Path); m == nil {
		kind = digits.ReplaceAllString(u.Path, "#")
	} else if m[3] != "" && m[3] != "new" {
		kind = "/web/" + m[1] + "/" + m[2] + "/#"
	}
	if v.most == 1 && q.Get("edit") != "" {
		return
	}
	kind += "?" + q.Get("view") + "&" + q.Get("edit") + "&" + q.Get("dialog") + "&" + q.Get("modes")
	if v.done[kind]++; v.done[kind] <= v.most {
		v.queue = append(v.queue, u.RequestURI())
	}
}

// visit opens an address and looks at what it offers.
func (v *tour) visit(at string) {
	v.pages++
	first := at
	res := v.send("GET", at, "")
	for n := 0; res.Code == http.StatusSeeOther && n < 5; n++ {
		at = res.Header().Get("Location")
		if strings.HasPrefix(at, "/web/login") {
			v.found.add("session", v.who, "is asked to log in at "+first)
			return
		}
		res = v.send("GET", at, "")
	}
	u, err := url.Parse(at)
	if err != nil {
		v.t.Error(err)
		return
	}
	if res.Code == http.StatusUnprocessableEntity {
		return // a wizard says what it is missing
	}
	if res.Code != http.StatusOK {
		v.found.add(fmt.Sprintf("%d at %s", res.Code, digits.ReplaceAllString(u.Path, "#")), v.who, at+": "+plain(res.Body.String()))
		return
	}
	if !strings.HasPrefix(res.Header().Get("Content-Type"), "text/html") {
		return
	}
	v.look(u, res.Body)
}

// look follows the links of a page and tries its buttons.
func (v *tour) look(at *url.URL, body io.Reader) {
	root, err := html.Parse(body)
	if err != nil {
		v.t.Error(err)
		return
	}
	var ids []int64
	var buttons []string
	var editable bool
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode {
			switch n.Data {
			case "a":
				v.lead(attr(n, "href"))
				_, edit := has(n, "data-edit")
				editable = editable || edit
			case "button":
				if attr(n, "name") == "_do" {
					buttons = append(buttons, attr(n, "value"))
				}
			case "input":
				if attr(n, "name") == "id" && attr(n, "type") == "checkbox" {
					if id, err := strconv.ParseInt(attr(n, "value"), 10, 64); err == nil {
						ids = append(ids, id)
					}
				}
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(root)
	m := recordAt.FindStringSubmatch(at.Path)
	if m == nil || m[3] == "new" {
		return
	}
	model := v.modelOf(m[1], m[2])
	if model == "" {
		return
	}
	if m[3] != "" {
		id, err := strconv.ParseInt(m[3], 10, 64)
		if err != nil {
			v.t.Error(err)
			return
		}
		ids = []int64{id}
	} else if len(ids) > 1 {
		ids = ids[:1]
	}
	if editable && m[3] != "" {
		v.try(at, model, "edit", ids, func(rs orm.Records) (any, error) { return nil, rs.CheckAccess(orm.OpWrite) })
	}
	for _, b := range buttons {
		v.press(at, model, b, ids)
	}
}

func attr(n *html.Node, name string) string {
	s, _ := has(n, name)
	return s
}

func has(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

// plain is the text of a page, its first words.
func plain(page string) string {
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return page
	}
	var words []string
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		if n.Data == "main" {
			words = nil
		}
		if n.Type == html.TextNode {
			words = append(words, strings.Fields(n.Data)...)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(root)
	return strings.Join(words[:min(len(words), 60)], " ")
}

// modelOf is the model whose records are at an address.
func (v *tour) modelOf(kind, name string) (model string) {
	if kind == "model" {
		return name
	}
	err := v.db.View(v.t.Context(), orm.System(), func(env *orm.Env) error {
		d := orm.Leaf("path", "=", name)
		if id, err := strconv.ParseInt(name, 10, 64); err == nil {
			d = orm.Leaf("id", "=", id)
		} else if strings.Contains(name, ".") {
			rs, err := env.Ref(name)
			if err != nil {
				return err
			}
			d = orm.Leaf("id", "=", rs.ID())
		}
		rs, err := env.Model("ir.actions.act_window").Search(d, orm.SearchOptions{Limit: 1})
		if err != nil || rs.Len() == 0 {
			return err
		}
		model, err = rs.ValueText("res_model")
		return err
	})
	if err != nil {
		v.t.Error(err)
	}
	return model
}

var numbered = regexp.MustCompile(`^(?:row:(\d+):)?(?:btn:)?\d+:(.+)$`)

// press does what a button does, once for each kind of record, and takes it back.
func (v *tour) press(at *url.URL, model, do string, ids []int64) {
	if len(ids) == 0 {
		return
	}
	call := func(method string) func(rs orm.Records) (any, error) {
		return func(rs orm.Records) (any, error) {
			if rs.Model.OnModel(method) {
				rs = rs.Browse()
			}
			return rs.Call(method, orm.Args{})
		}
	}
	switch kind, arg, _ := strings.Cut(do, ":"); kind {
	case "delete":
		v.try(at, model, do, ids, func(rs orm.Records) (any, error) { return nil, rs.Unlink() })
	case "archive", "unarchive":
		v.try(at, model, do, ids, func(rs orm.Records) (any, error) { return nil, rs.Write(orm.Values{"active": do == "unarchive"}) })
	case "duplicate":
		v.try(at, model, do, ids, func(rs orm.Records) (any, error) { return rs.Copy(nil) })
	case "print", "window", "server":
		v.bound(at, model, kind, arg, ids)
	case "btn", "row":
		m := numbered.FindStringSubmatch(do)
		if m == nil {
			v.t.Errorf("the button %s at %s is of a kind the tour does not know", do, at)
			return
		}
		if m[1] != "" {
			id, err := strconv.ParseInt(m[1], 10, 64)
			if err != nil {
				v.t.Error(err)
				return
			}
			ids = []int64{id}
		}
		if _, err := strconv.ParseInt(m[2], 10, 64); err == nil || strings.Contains(m[2], ".") {
			v.open(map[string]any{"id": m[2]}, model, ids)
			return
		}
		v.try(at, model, m[2], ids, call(m[2]))
	}
}

// bound tries an action or a report that is offered for records.
func (v *tour) bound(at *url.URL, model, kind, arg string, ids []int64) {
	id, err := strconv.ParseInt(arg, 10, 64)
	if err != nil {
		v.t.Error(err)
		return
	}
	var method, report string
	err = v.db.View(v.t.Context(), orm.System(), func(env *orm.Env) error {
		switch kind {
		case "server":
			code, err := env.Model("ir.actions.server").Browse(id).ValueText("code")
			method = strings.TrimSuffix(code[strings.LastIndex(code, ".")+1:], "()")
			return err
		case "print":
			report, err = env.Model("ir.actions.report").Browse(id).ValueText("report_name")
			return err
		}
		return nil
	})
	switch {
	case err != nil:
		v.t.Error(err)
	case report != "":
		v.lead(fmt.Sprintf("/web/report/%s/%d", report, ids[0]))
	case kind == "window":
		v.open(map[string]any{"id": arg}, model, ids)
	default:
		v.try(at, model, method, ids, func(rs orm.Records) (any, error) {
			if rs.Model.OnModel(method) {
				rs = rs.Browse()
			}
			return rs.Call(method, orm.Args{})
		})
	}
}

// whatItIs lists what is refused for what a record is rather than for who asks.
func whatItIs() map[string]string {
	return map[string]string{"delete ir.model.data": "the external ids of an app are the app's, other ones can be deleted"}
}

var errUndone = errors.New("undone")

// try does something with records as the user and takes it back. Reasons not to
// do it are no matter, the want of a right is.
func (v *tour) try(at *url.URL, model, what string, ids []int64, do func(rs orm.Records) (any, error)) {
	kind := "press " + model + " " + what
	if v.done[kind]++; v.done[kind] > 2 {
		return
	}
	v.pushed++
	var result any
	err := v.db.Run(v.t.Context(), orm.User{ID: v.uid}, func(env *orm.Env) error {
		env = env.WithContext(map[string]any{"active_model": model, "active_ids": ids, "active_id": ids[0]})
		out, err := do(env.Model(model).Browse(ids...))
		if err != nil {
			return err
		}
		if b, err := json.Marshal(out); err == nil { // what leads on, as a client sees it
			var d map[string]any
			if json.Unmarshal(b, &d) == nil {
				result = d
			}
		}
		return errUndone
	})
	switch {
	case errors.Is(err, errUndone):
		if d, ok := result.(map[string]any); ok {
			v.open(d, model, ids)
		}
	case orm.IsCode(err, orm.CodeAccess) && whatItIs()[what+" "+model] == "":
		v.found.add(fmt.Sprintf("%s of %s is offered and refused", what, model), v.who, at.RequestURI()+": "+err.Error())
	case orm.CodeOf(err) == "": // it is no reason that is meant for people
		v.found.add(fmt.Sprintf("%s of %s fails", what, model), v.who, at.RequestURI()+": "+err.Error())
	}
}

// open goes to the action that a button leads to.
func (v *tour) open(d map[string]any, model string, ids []int64) {
	keys := map[string]any{"active_model": model, "active_ids": ids, "active_id": ids[0]}
	if more, ok := d["context"].(map[string]any); ok {
		maps.Copy(keys, more)
	}
	q := url.Values{"ctx": {jsonOf(keys)}}
	if d["target"] == "new" {
		q.Set("dialog", "1")
	}
	if list, ok := d["domain"].([]any); ok {
		q.Set("domain", jsonOf(list))
	}
	to := "/web/model/" + fmt.Sprint(d["res_model"])
	switch {
	case d["res_model"] == nil && d["id"] != nil:
		to = "/web/action/" + fmt.Sprint(d["id"])
	case d["type"] != "ir.actions.act_window":
		return
	case d["view_mode"] == "form" || d["target"] == "new":
		id := "new"
		if n, ok := d["res_id"].(float64); ok && n != 0 {
			id = fmt.Sprint(int64(n))
			if !v.exists(fmt.Sprint(d["res_model"]), int64(n)) {
				return // it was made by what has been taken back
			}
		}
		to += "/" + id
	}
	v.lead(to + "?" + q.Encode())
}

func (v *tour) exists(model string, id int64) (there bool) {
	err := v.db.View(v.t.Context(), orm.System(), func(env *orm.Env) error {
		rs, err := env.Model(model).Browse(id).Exists()
		there = rs.Len() > 0
		return err
	})
	if err != nil {
		v.t.Error(err)
	}
	return there
}

func jsonOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "null"
	}
	return string(b)
}
