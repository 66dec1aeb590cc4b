package rpc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/server"
)

// arguments are those of a method of a service. The first ones, which say who calls,
// are there; the others are decoded when that is known.
type arguments struct {
	first []any // at most three
	all   func() ([]any, error)
}

// service is /jsonrpc: the services common, object and db.
func (h *handler) service(c *server.Context, raw json.RawMessage) (any, error) {
	var p struct {
		Service string          `json:"service"`
		Method  string          `json:"method"`
		Args    json.RawMessage `json:"args"`
	}
	if err := decode(raw, &p); err != nil {
		return nil, err
	}
	if string(bytes.Join(bytes.Fields(p.Args[:min(len(p.Args), 64)]), nil)) == "{}" { // nothing, in either form
		p.Args = json.RawMessage("[]")
	}
	if len(p.Args) == 0 || p.Args[0] != '[' || p.Service == "" || p.Method == "" {
		return nil, typeErrorf("dispatch_rpc() needs service, method and a list of args")
	}
	return h.serve(c, p.Service, p.Method, arguments{firstOf(json.NewDecoder(bytes.NewReader(p.Args))), func() (args []any, err error) {
		if err := admit(c, p.Args); err != nil {
			return nil, err
		}
		return args, decode(p.Args, &args)
	}})
}

// firstOf reads the first three elements of a list. One that is itself a list or an
// object says nothing of who calls, and ends it.
func firstOf(d *json.Decoder) []any {
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return nil
	}
	out := []any{}
	for len(out) < 3 && d.More() {
		t, err := d.Token()
		if err != nil {
			return out
		}
		if _, nested := t.(json.Delim); nested {
			return append(out, nil, nil, nil)[:3]
		}
		out = append(out, t)
	}
	return out
}

// headOfJSON reads who calls from the beginning of a request of /jsonrpc.
func headOfJSON(head []byte) []any {
	d := json.NewDecoder(bytes.NewReader(head))
	if !enter(d, "params") || !enter(d, "args") {
		return nil
	}
	return firstOf(d)
}

// enter goes on to the value of a key of the object that follows.
func enter(d *json.Decoder, key string) bool {
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return false
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return false
		}
		if t == any(key) {
			return true
		}
		var other json.RawMessage
		if d.Decode(&other) != nil {
			return false
		}
	}
	return false
}

// vouch finds out who sends a large request, from its beginning: database, user and
// password are the first arguments of a call.
func (h *handler) vouch(first func(head []byte) []any) func(*server.Context, []byte) error {
	return func(c *server.Context, head []byte) error {
		who := first(head)
		if len(who) < 3 {
			return server.Errorf(http.StatusRequestEntityTooLarge, "The request is larger than %d bytes, and does not say in these who sends it.", len(head))
		}
		system := orm.System()
		system.Address = h.s.ClientIP(c.Request)
		return h.s.DB.Run(c.Request.Context(), system, func(env *orm.Env) error {
			_, err := h.recognise(env, "execute_kw", who)
			return err
		})
	}
}

// serve calls a method of a service.
func (h *handler) serve(c *server.Context, service, method string, args arguments) (any, error) {
	if service == "object" {
		return h.object(c, method, args)
	}
	if service != "common" && service != "db" {
		return nil, &typeError{"builtins.KeyError", "no service is called " + service}
	}
	list, err := args.all()
	if err != nil {
		return nil, err
	}
	if service == "common" {
		return h.common(c, method, list)
	}
	return h.database(method, list)
}

func (h *handler) common(c *server.Context, method string, args []any) (any, error) {
	text := func(i int) string {
		if i < len(args) {
			s, _ := args[i].(string)
			return s
		}
		return ""
	}
	switch method {
	case "version":
		if len(args) > 0 {
			return nil, typeErrorf("version() takes no arguments, %d were given", len(args))
		}
		return versionInfo(), nil
	case "about":
		about := "Fusion, which answers as Odoo " + series + " does"
		if len(args) > 0 && args[0] != false {
			return []any{about, release}, nil
		}
		return about, nil
	case "set_loglevel": // the level is set where the server is started
		return true, nil
	case "login", "authenticate":
		if want := map[string]int{"login": 3, "authenticate": 4}[method]; len(args) != want {
			return nil, typeErrorf("%s() takes %d arguments, %d were given", method, want, len(args))
		}
		if err := h.checkDatabase(args[0]); err != nil {
			return nil, err
		}
		uid, err := h.s.Config.Auth.Program(c.Env, text(1), text(2))
		if orm.IsCode(err, orm.CodeDenied) {
			return false, nil
		}
		return uid, err
	}
	return nil, &typeError{"builtins.Exception", "Method not found: " + method}
}

func (h *handler) database(method string, args []any) (any, error) {
	switch method {
	case "server_version":
		return release, nil
	case "list":
		return []string{h.s.Config.Database}, nil
	case "db_exist":
		if len(args) != 1 {
			return nil, typeErrorf("db_exist() takes the name of a database")
		}
		return args[0] == any(h.s.Config.Database), nil
	case "list_lang":
		return languages(), nil
	case "create_database", "duplicate_database", "drop", "dump", "restore", "rename", "change_admin_password", "migrate_databases", "list_countries":
		if len(args) == 0 {
			return nil, &typeError{"builtins.IndexError", method + "() needs the master password"}
		}
		return nil, orm.AccessDenied() // databases are made and dropped on the command line
	}
	return nil, &typeError{"builtins.KeyError", "Method not found: " + method}
}

// languages are those a database may be created with.
func languages() []any {
	return []any{[]any{"en_US", "English (US)"}, []any{"fr_FR", "French / Français"}}
}

func (h *handler) checkDatabase(v any) error {
	if name, _ := v.(string); name != h.s.Config.Database {
		return &typeError{"psycopg2.OperationalError", fmt.Sprintf("database \"%s\" does not exist", python(v))}
	}
	return nil
}

// object is execute and execute_kw: every call carries the user's password or
// API key. Nothing else of it is decoded before that has been checked.
func (h *handler) object(c *server.Context, method string, given arguments) (any, error) {
	env, err := h.recognise(c.Env, method, given.first)
	if err != nil {
		return nil, err
	}
	c.Identified()
	args, err := given.all()
	if err != nil {
		return nil, err
	}
	if method != "execute" && method != "execute_kw" {
		return nil, &typeError{"builtins.NameError", "Method not available " + method}
	}
	if len(args) < 5 || method == "execute_kw" && (len(args) < 6 || len(args) > 7) {
		return nil, typeErrorf("%s() takes database, user id, password, model, method and the method's arguments", method)
	}
	model, ok := args[3].(string)
	if !ok {
		return nil, orm.UserErrorf("Object %s doesn't exist", python(args[3]))
	}
	name, ok := args[4].(string)
	if !ok {
		return nil, typeErrorf("the method must be a text")
	}
	var pos []any
	kw := map[string]any{}
	if method == "execute" {
		pos = args[5:]
	} else {
		if pos, ok = args[5].([]any); !ok {
			return nil, typeErrorf("the arguments of execute_kw must be a list")
		}
		if len(args) > 6 && !nothingIn(args[6]) {
			if kw, ok = args[6].(map[string]any); !ok {
				return nil, typeErrorf("the named arguments of execute_kw must be an object")
			}
		}
	}
	return Call(env, model, name, pos, kw)
}

// recognise checks the database, user and password or API key that a call begins
// with, and gives the environment in which the call acts.
func (h *handler) recognise(env *orm.Env, method string, first []any) (*orm.Env, error) {
	if len(first) < 3 {
		return nil, &typeError{"builtins.IndexError", method + "() needs database, user id, password, model and method"}
	}
	if err := h.checkDatabase(first[0]); err != nil {
		return nil, err
	}
	uid, err := userID(first[1])
	if err != nil {
		return nil, err
	}
	password, ok := first[2].(string)
	if !ok || uid <= 0 || password == "" {
		return nil, orm.AccessDenied()
	}
	byKey, err := h.s.Config.Auth.Password(env, uid, password)
	if err != nil {
		return nil, err
	}
	if env = env.WithUser(uid).WithOnlyContext(nil); byKey {
		env = env.WithKey()
	}
	return env, nil
}

// userID reads the id of a user as Python's int() does.
func userID(v any) (int64, error) {
	switch x := orm.Plain(v).(type) {
	case bool:
		if x {
			return 1, nil
		}
		return 0, nil
	case string:
		id, err := strconv.ParseInt(strings.TrimSpace(x), 10, 64)
		if err != nil {
			return 0, orm.ValueErrorf("the user id must be a number, not '%s'", x)
		}
		return id, nil
	case float64:
		return int64(x), nil
	case int64:
		return x, nil
	}
	return 0, typeErrorf("the user id must be a number")
}

// nothingIn reports whether a value stands for nothing, as in Python's truth.
func nothingIn(v any) bool {
	switch x := orm.Plain(v).(type) {
	case nil:
		return true
	case bool:
		return !x
	case string:
		return x == ""
	case []any:
		return len(x) == 0
	case map[string]any:
		return len(x) == 0
	case int64:
		return x == 0
	}
	return false
}

// number reads an integer as a client sends it.
func number(v any) (int64, error) {
	switch n := orm.Plain(v).(type) {
	case int:
		return int64(n), nil
	case int64:
		return n, nil
	case float64:
		if n == math.Trunc(n) {
			return int64(n), nil
		}
	}
	return 0, fmt.Errorf("%v is no integer", v)
}
