// Package rpc answers JSON-RPC as Odoo's clients speak it: /jsonrpc,
// /web/session/*, /web/dataset/* and /json/2. It turns names and arguments
// into calls on orm records; access is orm's business. It stands on server
// and orm.
package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"fusion/framework/orm"
	"fusion/framework/server"
)

// Version is what the server says of itself; clients look at the series.
const (
	series  = "18.0"
	release = "18.0+fusion"
)

func versionInfo() map[string]any {
	return map[string]any{"server_version": release, "server_version_info": []any{18, 0, 0, "final", 0, ""}, "server_serie": series, "protocol_version": 1}
}

// Mount adds the RPC routes to a server.
func Mount(s *server.Server) {
	h := &handler{s}
	post := []string{"POST"}
	route := func(path string, access server.Access, fn func(c *server.Context, params json.RawMessage) (any, error)) {
		s.Handle(server.Route{Path: path, Methods: post, Access: access, NoCSRF: true, Handler: func(c *server.Context) error { return h.envelope(c, fn) }})
	}
	route("/jsonrpc", server.NoAccess, h.service)
	route("/web/session/authenticate", server.PublicAccess, h.authenticate)
	route("/web/session/get_session_info", server.PublicAccess, h.signedIn(h.sessionInfo))
	route("/web/session/check", server.PublicAccess, h.signedIn(func(*server.Context, json.RawMessage) (any, error) { return nil, nil }))
	route("/web/session/destroy", server.PublicAccess, h.destroy)
	route("/web/session/modules", server.PublicAccess, h.signedIn(h.modules))
	route("/web/webclient/version_info", server.NoAccess, func(*server.Context, json.RawMessage) (any, error) { return versionInfo(), nil })
	route("/web/database/list", server.NoAccess, func(*server.Context, json.RawMessage) (any, error) { return []string{s.Config.Database}, nil })
	for _, p := range []string{"/web/dataset/call_kw", "/web/dataset/call_kw/{path:.+}", "/web/dataset/call_button", "/web/dataset/call_button/{path:.+}"} {
		route(p, server.PublicAccess, h.signedIn(h.callKw))
	}
	s.Handle(server.Route{Path: "/json/2/{model}/{method}", Methods: post, Access: server.BearerAccess, Scope: "rpc", NoCSRF: true, Handler: h.json2})
}

type handler struct{ s *server.Server }

type request struct {
	ID     json.RawMessage `json:"id"`
	Params json.RawMessage `json:"params"`
}

// envelope decodes a request, runs fn and answers its result or its error,
// both with HTTP status 200.
func (h *handler) envelope(c *server.Context, fn func(*server.Context, json.RawMessage) (any, error)) error {
	var req request
	d := json.NewDecoder(bytes.NewReader(c.Body))
	if err := d.Decode(&req); err != nil {
		return server.Errorf(http.StatusBadRequest, "Invalid JSON data: %v", err)
	}
	if len(req.ID) == 0 {
		req.ID = json.RawMessage("null")
	}
	var result any
	work := func(env *orm.Env) error {
		var err error
		result, err = fn(c, req.Params)
		return err
	}
	// A failed call must leave nothing behind though its answer is a success
	// of HTTP, so it runs in a savepoint of the request's unit of work.
	err := c.Env.Savepoint(work)
	if err != nil && retryable(err) {
		return err
	}
	answer := map[string]any{"jsonrpc": "2.0", "id": req.ID}
	if err != nil {
		answer["error"] = h.describe(c, err)
	} else {
		answer["result"] = result
	}
	if err := c.JSON(http.StatusOK, answer); err != nil {
		c.Server.Config.Logger.Error("result cannot be encoded", "id", c.ID, "error", err.Error())
		return c.JSON(http.StatusOK, map[string]any{"jsonrpc": "2.0", "id": req.ID, "error": h.describe(c, errors.New("result cannot be encoded"))})
	}
	return nil
}

func retryable(err error) bool {
	pe, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err)
	return ok && (pe.SQLState() == "40001" || pe.SQLState() == "40P01")
}

var errorNames = map[orm.Code]string{
	orm.CodeUser: "odoo.exceptions.UserError", orm.CodeValidation: "odoo.exceptions.ValidationError",
	orm.CodeAccess: "odoo.exceptions.AccessError", orm.CodeDenied: "odoo.exceptions.AccessDenied",
	orm.CodeMissing: "odoo.exceptions.MissingError", orm.CodeRedirect: "odoo.exceptions.RedirectWarning",
	orm.CodeValue: "builtins.ValueError", orm.CodeAssertion: "builtins.AssertionError",
}

// describe is the error object of an answer. What is not meant for users is
// logged and replaced by a number.
func (h *handler) describe(c *server.Context, err error) map[string]any {
	data := func(name, message string, args []any) map[string]any {
		return map[string]any{"name": name, "message": message, "arguments": args, "context": map[string]any{}, "debug": name + ": " + message}
	}
	if errors.Is(err, server.ErrSession) {
		return map[string]any{"code": 100, "message": "Odoo Session Expired", "data": data("odoo.http.SessionExpiredException", "Session expired", []any{"Session expired"})}
	}
	if oe, ok := errors.AsType[*orm.Error](err); ok {
		args := []any{oe.Message}
		if oe.Code == orm.CodeRedirect {
			args = append(args, oe.Action, oe.Button, nil)
		}
		return map[string]any{"code": 200, "message": "Odoo Server Error", "data": data(errorNames[oe.Code], oe.Message, args)}
	}
	if te, ok := errors.AsType[*typeError](err); ok {
		return map[string]any{"code": 200, "message": "Odoo Server Error", "data": data(te.name, te.message, []any{te.message})}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		m := "The work took too long and was stopped."
		return map[string]any{"code": 200, "message": "Odoo Server Error", "data": data("odoo.exceptions.UserError", m, []any{m})}
	}
	_, message := h.s.Explain(c, err)
	return map[string]any{"code": 200, "message": "Odoo Server Error", "data": data("builtins.Exception", message, []any{message})}
}

// typeError is a call whose arguments do not fit.
type typeError struct{ name, message string }

func (e *typeError) Error() string { return e.message }

func typeErrorf(format string, args ...any) error {
	return &typeError{"builtins.TypeError", fmt.Sprintf(format, args...)}
}

func decode(raw json.RawMessage, v any) error {
	if len(raw) == 0 {
		raw = json.RawMessage("{}")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		return typeErrorf("the params of the call do not fit: %v", err)
	}
	return nil
}

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
	args := *p.Args
	switch p.Service {
	case "common":
		return h.common(c, p.Method, args)
	case "object":
		return h.object(c, p.Method, args)
	case "db":
		return h.database(p.Method, args)
	}
	return nil, &typeError{"builtins.KeyError", "no service is called " + p.Service}
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
	case "version", "about":
		return versionInfo(), nil
	case "login", "authenticate":
		if want := map[string]int{"login": 3, "authenticate": 4}[method]; len(args) != want {
			return nil, typeErrorf("%s() takes %d arguments, %d were given", method, want, len(args))
		}
		if err := h.checkDatabase(args[0]); err != nil {
			return nil, err
		}
		if !h.s.Allow("login|"+h.s.ClientIP(c.Request)+"|"+text(1), 30) {
			return nil, orm.AccessDenied()
		}
		uid, err := h.login(c.Env, text(1), text(2))
		if orm.IsCode(err, orm.CodeDenied) {
			return false, nil
		}
		return uid, err
	}
	return nil, &typeError{"builtins.Exception", "Method not found: " + method}
}

func (h *handler) login(env *orm.Env, login, password string) (int64, error) {
	return h.s.Config.Auth.Login(env, login, password)
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
	}
	return nil, orm.AccessDenied()
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
	if method != "execute" && method != "execute_kw" {
		return nil, &typeError{"builtins.NameError", "Method not available " + method}
	}
	if len(args) < 5 {
		return nil, typeErrorf("%s() needs database, user id, password, model and method", method)
	}
	if err := h.checkDatabase(args[0]); err != nil {
		return nil, err
	}
	uid, err := number(args[1])
	password, ok := args[2].(string)
	if err != nil || !ok || uid <= 0 || password == "" {
		return nil, orm.AccessDenied()
	}
	if err := h.s.Config.Auth.Password(c.Env, uid, password); err != nil {
		return nil, err
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

func number(v any) (int64, error) {
	if n, ok := v.(json.Number); ok {
		return n.Int64()
	}
	return 0, fmt.Errorf("not a number")
}

// signedIn refuses visitors without a session.
func (h *handler) signedIn(fn func(*server.Context, json.RawMessage) (any, error)) func(*server.Context, json.RawMessage) (any, error) {
	return func(c *server.Context, p json.RawMessage) (any, error) {
		if c.Session == nil || c.Session.UID == 0 {
			return nil, server.ErrSession
		}
		return fn(c, p)
	}
}

func (h *handler) authenticate(c *server.Context, raw json.RawMessage) (any, error) {
	var p struct {
		DB       string `json:"db"`
		Login    string `json:"login"`
		Password string `json:"password"`
	}
	if err := decode(raw, &p); err != nil {
		return nil, err
	}
	if err := h.checkDatabase(p.DB); err != nil {
		return nil, err
	}
	if !h.s.Allow("login|"+h.s.ClientIP(c.Request)+"|"+p.Login, 30) {
		return nil, orm.AccessDenied()
	}
	root := c.Env.WithUser(orm.SuperuserID)
	uid, err := h.login(root, p.Login, p.Password)
	if err != nil {
		return nil, err
	}
	keys, err := h.s.Config.Auth.Context(c.Env.WithUser(uid))
	if err != nil {
		return nil, err
	}
	c.Session.SignIn(uid, p.Login, keys)
	return h.info(c, c.Env.WithUser(uid).WithContext(keys))
}

func (h *handler) sessionInfo(c *server.Context, _ json.RawMessage) (any, error) {
	return h.info(c, c.Env)
}

func (h *handler) info(c *server.Context, env *orm.Env) (any, error) {
	admin, err := env.InAnyGroup("base.group_system")
	if err != nil {
		return nil, err
	}
	inside, err := env.InAnyGroup("base.group_user")
	if err != nil {
		return nil, err
	}
	names, err := env.Sudo().Model("res.users").Browse(env.UID()).DisplayNames()
	if err != nil {
		return nil, err
	}
	companies, err := env.Sudo().Model("res.company").Browse(env.Companies()...).DisplayNames()
	if err != nil {
		return nil, err
	}
	allowed := map[string]any{}
	for i, id := range env.Companies() {
		allowed[fmt.Sprint(id)] = map[string]any{"id": id, "name": companies[id], "sequence": i}
	}
	keys := c.Session.Context
	if keys == nil {
		keys = map[string]any{}
	}
	return map[string]any{
		"uid": env.UID(), "is_system": admin, "is_admin": admin, "is_internal_user": inside, "is_public": false, "user_context": keys,
		"db": h.s.Config.Database, "server_version": release, "server_version_info": []any{18, 0, 0, "final", 0, ""},
		"name": names[env.UID()], "username": c.Session.Login, "partner_id": env.PartnerID(), "partner_display_name": names[env.UID()],
		"web.base.url": "", "active_ids_limit": 20000, "max_file_upload_size": h.s.Config.MaxBody, "home_action_id": false,
		"user_companies": map[string]any{"current_company": env.Company(), "allowed_companies": allowed},
	}, nil
}

func (h *handler) destroy(c *server.Context, _ json.RawMessage) (any, error) {
	c.Session.SignOut()
	return nil, nil
}

func (h *handler) modules(c *server.Context, _ json.RawMessage) (any, error) {
	rows, err := c.Env.Query("SELECT name FROM ir_module_module WHERE state = 'installed' ORDER BY name")
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, r := range rows {
		names = append(names, r[0])
	}
	return names, nil
}

func (h *handler) callKw(c *server.Context, raw json.RawMessage) (any, error) {
	var p struct {
		Model  string         `json:"model"`
		Method string         `json:"method"`
		Args   []any          `json:"args"`
		Kwargs map[string]any `json:"kwargs"`
	}
	if err := decode(raw, &p); err != nil {
		return nil, err
	}
	out, err := Call(c.Env.WithOnlyContext(c.Session.Context), p.Model, p.Method, p.Args, p.Kwargs)
	if err != nil {
		return nil, err
	}
	if strings.Contains(c.Request.URL.Path, "call_button") {
		if m, ok := out.(map[string]any); ok {
			return m, nil
		}
		return false, nil
	}
	return out, nil
}

// json2 is the API with bearer keys: named arguments in, the plain result or
// an error object out.
func (h *handler) json2(c *server.Context) error {
	kw := map[string]any{}
	if len(bytes.TrimSpace(c.Body)) > 0 {
		if err := c.DecodeJSON(&kw); err != nil {
			return server.Errorf(http.StatusBadRequest, "The body must be a JSON object of named arguments: %v", err)
		}
	}
	var pos []any
	if ids, ok := kw["ids"]; ok {
		pos = append(pos, ids)
		delete(kw, "ids")
	} else if rs, err := c.Env.Lookup(c.Var("model")); err == nil && needsIDs(rs.Model, c.Var("method")) {
		pos = append(pos, []any{})
	}
	out, err := Call(c.Env, c.Var("model"), c.Var("method"), pos, kw)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}
