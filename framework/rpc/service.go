package rpc

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"fusion/framework/orm"
	"fusion/framework/server"
)

// service is /jsonrpc: the services common, object and db.
func (h *handler) service(c *server.Context, raw json.RawMessage) (any, error) {
	var p struct {
		Service string `json:"service"`
		Method  string `json:"method"`
		Args    *[]any `json:"args"`
	}
	if err := decode(raw, &p); err != nil {
		return nil, err
	}
	if p.Args == nil || p.Service == "" || p.Method == "" {
		return nil, typeErrorf("dispatch_rpc() needs service, method and args")
	}
	return h.serve(c, p.Service, p.Method, *p.Args)
}

// serve calls a method of a service.
func (h *handler) serve(c *server.Context, service, method string, args []any) (any, error) {
	switch service {
	case "common":
		return h.common(c, method, args)
	case "object":
		return h.object(c, method, args)
	case "db":
		return h.database(method, args)
	}
	return nil, &typeError{"builtins.KeyError", "no service is called " + service}
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
		return versionInfo(), nil
	case "about":
		return "Fusion, which answers as Odoo " + series + " does", nil
	case "login", "authenticate":
		if want := map[string]int{"login": 3, "authenticate": 4}[method]; len(args) != want {
			return nil, typeErrorf("%s() takes %d arguments, %d were given", method, want, len(args))
		}
		if err := h.checkDatabase(args[0]); err != nil {
			return nil, err
		}
		uid, err := h.login(c, c.Env, text(1), text(2))
		if orm.IsCode(err, orm.CodeDenied) {
			return false, nil
		}
		return uid, err
	}
	return nil, &typeError{"builtins.Exception", "Method not found: " + method}
}

// wrongTries is how many wrong passwords a minute an address may try for one
// user before even the right one is refused.
const wrongTries = 50

// login checks a password. Too many wrong ones for a login from an address make
// the next be refused unseen.
func (h *handler) login(c *server.Context, env *orm.Env, login, password string) (uid int64, err error) {
	err = h.guarded(c, "login "+login, func() error {
		uid, err = h.s.Config.Auth.Login(env, login, password)
		return err
	})
	return uid, err
}

func (h *handler) guarded(c *server.Context, who string, check func() error) error {
	key := "password|" + h.s.ClientIP(c.Request) + "|" + who
	if h.s.Spent(key, wrongTries) {
		return orm.AccessDenied()
	}
	err := check()
	if orm.IsCode(err, orm.CodeDenied) {
		h.s.Allow(key, wrongTries)
	}
	return err
}

func (h *handler) database(method string, args []any) (any, error) {
	switch method {
	case "server_version":
		return release, nil
	case "list":
		return []string{h.s.Config.Database}, nil
	case "db_exist":
		return len(args) == 1 && args[0] == any(h.s.Config.Database), nil
	case "list_lang":
		return []any{[]any{"en_US", "English (US)"}, []any{"fr_FR", "French / Français"}}, nil
	case "create_database", "duplicate_database", "drop", "dump", "restore", "rename", "change_admin_password", "migrate_databases", "list_countries":
		return nil, orm.AccessDenied() // databases are made and dropped on the command line
	}
	return nil, &typeError{"builtins.KeyError", "Method not found: " + method}
}

func (h *handler) checkDatabase(v any) error {
	if name, _ := v.(string); name != h.s.Config.Database {
		return &typeError{"psycopg2.OperationalError", fmt.Sprintf("database %q does not exist", fmt.Sprint(v))}
	}
	return nil
}

// object is execute and execute_kw: every call carries the user's password or
// API key.
func (h *handler) object(c *server.Context, method string, args []any) (any, error) {
	if len(args) < 3 {
		return nil, &typeError{"builtins.IndexError", method + "() needs database, user id, password, model and method"}
	}
	if err := h.checkDatabase(args[0]); err != nil {
		return nil, err
	}
	if text, ok := args[1].(string); ok {
		args[1] = json.Number(strings.TrimSpace(text))
	}
	uid, err := number(args[1])
	if err != nil {
		return nil, orm.ValueErrorf("the user id must be a number")
	}
	password, ok := args[2].(string)
	if !ok || uid <= 0 || password == "" {
		return nil, orm.AccessDenied()
	}
	err = h.guarded(c, fmt.Sprint("user ", uid), func() error { return h.s.Config.Auth.Password(c.Env, uid, password) })
	if err != nil {
		return nil, err
	}
	if method != "execute" && method != "execute_kw" {
		return nil, &typeError{"builtins.NameError", "Method not available " + method}
	}
	if len(args) < 5 {
		return nil, typeErrorf("%s() needs database, user id, password, model and method", method)
	}
	model, ok1 := args[3].(string)
	name, ok2 := args[4].(string)
	if !ok1 || !ok2 {
		return nil, typeErrorf("model and method must be texts")
	}
	var pos []any
	kw := map[string]any{}
	if method == "execute" {
		pos = args[5:]
	} else {
		if len(args) > 5 {
			if pos, ok = args[5].([]any); !ok {
				return nil, typeErrorf("the arguments of execute_kw must be a list")
			}
		}
		if len(args) > 6 && args[6] != nil {
			if kw, ok = args[6].(map[string]any); !ok {
				return nil, typeErrorf("the named arguments of execute_kw must be an object")
			}
		}
	}
	return Call(c.Env.WithUser(uid).WithOnlyContext(nil), model, name, pos, kw)
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
