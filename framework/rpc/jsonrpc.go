// Package rpc answers JSON-RPC and XML-RPC as Odoo's clients speak them: /jsonrpc,
// /web/session/*, /web/dataset/*, /json/2 and /xmlrpc. It turns names and arguments
// into calls on orm records; access is orm's business. It stands on server,
// views and orm.
package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/server"
)

// Version is what the server says of itself; clients look at the series.
const (
	series  = "19.0"
	release = "19.0+fusion"
)

func versionInfo() map[string]any {
	return map[string]any{"server_version": release, "server_version_info": []any{19, 0, 0, "final", 0, ""}, "server_serie": series, "protocol_version": 1}
}

// Mount adds the RPC routes to a server.
func Mount(s *server.Server) {
	h := &handler{s}
	// Routes of JSON-RPC look at the content, not at the verb, as Odoo's do.
	mount := func(rt server.Route, signedIn bool, fn answerer) {
		rt.Handler, rt.Fail = func(c *server.Context) error { return h.envelope(c, signedIn, fn) }, h.fail
		s.Handle(rt)
	}
	route := func(path string, access server.Access, signedIn bool, fn answerer) {
		mount(server.Route{Path: path, Access: access, NoCSRF: access == server.NoAccess}, signedIn, fn)
	}
	mount(server.Route{Path: "/jsonrpc", Access: server.NoAccess, NoCSRF: true, MaxBody: server.Large, Vouch: h.vouch(headOfJSON)}, false, h.service)
	route("/web/session/authenticate", server.PublicAccess, false, h.authenticate)
	route("/web/session/get_session_info", server.PublicAccess, true, h.sessionInfo)
	route("/web/session/check", server.PublicAccess, true, nothing)
	route("/web/session/destroy", server.PublicAccess, true, h.destroy)
	route("/web/session/modules", server.PublicAccess, true, h.modules)
	route("/web/session/get_lang_list", server.NoAccess, false, func(*server.Context, json.RawMessage) (any, error) { return languages(), nil })
	s.Handle(server.Route{Path: "/web/session/logout", Methods: []string{"GET"}, Access: server.PublicAccess, Handler: func(c *server.Context) error {
		c.Session.SignOut()
		return c.Redirect(http.StatusSeeOther, "/web/login")
	}})
	route("/web/dataset/resequence", server.PublicAccess, true, h.resequence)
	route("/web/webclient/version_info", server.NoAccess, false, func(*server.Context, json.RawMessage) (any, error) { return versionInfo(), nil })
	route("/web/database/list", server.NoAccess, false, func(*server.Context, json.RawMessage) (any, error) { return []string{s.Config.Database}, nil })
	for _, p := range []string{"/web/dataset/call_kw", "/web/dataset/call_kw/{path:.+}", "/web/dataset/call_button", "/web/dataset/call_button/{path:.+}"} {
		mount(server.Route{Path: p, Access: server.PublicAccess, MaxBody: server.Large}, true, h.callKw)
	}
	for path, fault := range map[string]faultFunc{"/xmlrpc/2/{service}": numberedFault, "/xmlrpc/{service:common|object|db}": namedFault} {
		s.Handle(server.Route{Path: path, Methods: []string{"POST"}, Access: server.NoAccess, NoCSRF: true, MaxBody: server.Large, Vouch: h.vouch(headOfXML),
			Handler: h.xmlrpc, Fail: func(c *server.Context, err error) error { return h.failXML(c, err, fault) }})
	}
	s.Handle(server.Route{Path: "/json/2/{model}/{method}", Methods: []string{"POST"}, Access: server.BearerAccess, Scope: "rpc", NoCSRF: true, MaxBody: server.Large, Handler: h.json2, Fail: h.fail2})
	for _, path := range []string{"/web/version", "/json/version"} { // as the clients of /json/2 ask
		s.Handle(server.Route{Path: path, Methods: []string{"GET"}, Access: server.NoAccess, ReadOnly: true, Handler: func(c *server.Context) error {
			info := versionInfo()
			return c.JSON(http.StatusOK, map[string]any{"version": info["server_version"], "version_info": info["server_version_info"]})
		}})
	}
	s.Handle(server.Route{Path: "/web/health", Methods: []string{"GET", "HEAD"}, Access: server.NoAccess, ReadOnly: true, Handler: func(c *server.Context) error {
		return c.JSON(http.StatusOK, map[string]any{"status": "pass"})
	}})
}

// answerer answers the params of a request.
type answerer func(c *server.Context, params json.RawMessage) (any, error)

func nothing(*server.Context, json.RawMessage) (any, error) { return nil, nil }

type handler struct{ s *server.Server }

type request struct {
	ID     json.RawMessage `json:"id"`
	Params json.RawMessage `json:"params"`
}

// accepted are the content types of JSON-RPC.
const accepted = "application/json, application/json-rpc"

// isJSON reports whether a request says of itself that it is JSON-RPC.
func isJSON(c *server.Context) bool {
	kind, _, err := mime.ParseMediaType(c.Request.Header.Get("Content-Type"))
	return err == nil && slices.Contains(strings.Split(accepted, ", "), kind)
}

// read decodes a request. What is no JSON-RPC at all is answered with status
// 400 and a text, as there is no id to answer to.
func (h *handler) read(c *server.Context) (req request, problem string) {
	if !json.Valid(c.Body) {
		return req, "Invalid JSON data"
	}
	if b := bytes.TrimSpace(c.Body); len(b) == 0 || b[0] != '{' || json.Unmarshal(b, &req) != nil {
		return req, "Invalid JSON-RPC data"
	}
	return req, ""
}

// envelope decodes a request, runs fn and answers its result. A result of nothing
// is left out.
func (h *handler) envelope(c *server.Context, signedIn bool, fn answerer) error {
	if !isJSON(c) {
		c.Header().Set("Accept", accepted)
		return c.Send(http.StatusUnsupportedMediaType, "text/html; charset=utf-8", []byte("This address takes JSON-RPC: a JSON object sent by POST, with the Content-Type application/json."))
	}
	req, problem := h.read(c)
	if problem != "" {
		return c.Send(http.StatusBadRequest, "text/html; charset=utf-8", []byte(problem))
	}
	if signedIn && (c.Session == nil || c.Session.UID == 0) {
		return h.answer(c, nil, nil, server.ErrSession)
	}
	result, err := fn(c, req.Params)
	return told(c, result, err, func(c *server.Context, raw json.RawMessage) error { return h.answer(c, req.ID, raw, nil) })
}

// told has the result of a call written, encoded inside the unit of work so that a
// result that cannot be told leaves nothing behind either. Of a method that calls
// out it is the result in the end.
func told(c *server.Context, result any, err error, write func(c *server.Context, raw json.RawMessage) error) error {
	if err != nil {
		return inCall(err)
	}
	if out, ok := orm.ToFollowUp(result); ok {
		return c.Continue(out, func(c *server.Context, result any) error { return told(c, wire(result), nil, write) })
	}
	if result == nil {
		return write(c, nil)
	}
	if left := maxAnswer; !fits(result, &left) {
		return inCall(orm.UserErrorf("The answer would have more than %d values. Ask for fewer records or fields at a time.", maxAnswer))
	}
	raw, err := encode(result)
	if err != nil {
		return inCall(err)
	}
	return write(c, raw)
}

// maxAnswer is how many values one answer has. Nested reads show the same records
// again and again, so that a small request could ask for an endless one.
const maxAnswer = 10_000_000

// fits counts the values of an answer down, and reports whether some are left.
func fits(v any, left *int) bool {
	if *left--; *left < 0 {
		return false
	}
	switch x := v.(type) {
	case map[string]any:
		return allFit(maps.Values(x), left)
	case orm.Values:
		return allFit(maps.Values(x), left)
	case []any:
		return allFit(slices.Values(x), left)
	case []orm.Values:
		return allFit(slices.Values(x), left)
	case []map[string]any:
		return allFit(slices.Values(x), left)
	case [][]any:
		return allFit(slices.Values(x), left)
	}
	return true
}

func allFit[T any](list iter.Seq[T], left *int) bool {
	for v := range list {
		if !fits(v, left) {
			return false
		}
	}
	return true
}

// clip shortens a message that repeats what a client has sent.
func clip(message string) string {
	const most = 4000
	if len(message) <= most {
		return message
	}
	return strings.ToValidUTF8(message[:most], "") + "…"
}

// callError is the failure of a call, as opposed to that of a request.
type callError struct{ error }

func (e callError) Unwrap() error { return e.error }

func inCall(err error) error {
	if err == nil {
		return nil
	}
	return callError{err}
}

// fail answers what became of a failed call, with a status of success. Requests
// that are no calls get their status.
func (h *handler) fail(c *server.Context, err error) error {
	if he, ok := errors.AsType[*server.HTTPError](err); ok && !isCall(err) {
		return he
	}
	req, _ := h.read(c)
	if errors.Is(err, errNotFound) {
		req.ID = nil // found out before the request is taken on
	}
	return h.answer(c, req.ID, nil, err)
}

func isCall(err error) bool {
	if _, ok := errors.AsType[refusal](err); ok {
		return false
	}
	_, ok := errors.AsType[callError](err)
	return ok
}

// refusal is a request that is too much to be decoded, found out when it is known
// whose it is.
type refusal struct{ error }

func (e refusal) Unwrap() error { return e.error }

// admit looks at JSON before it is decoded into values of any kind.
func admit(c *server.Context, raw json.RawMessage) error {
	if err := c.AdmitJSON(raw); err != nil {
		return refusal{err}
	}
	return nil
}

func (h *handler) answer(c *server.Context, id, result json.RawMessage, err error) error {
	if len(id) == 0 {
		id = json.RawMessage("null")
	}
	answer := map[string]any{"jsonrpc": "2.0", "id": id}
	if err != nil {
		answer["error"] = h.describe(c, err)
	} else if result != nil {
		answer["result"] = result
	}
	return c.JSON(http.StatusOK, answer)
}

// errNotFound is a call on a model that does not exist, inside a session.
var errNotFound = errors.New("404: Not Found")

var errorNames = map[orm.Code]string{
	orm.CodeUser: "odoo.exceptions.UserError", orm.CodeValidation: "odoo.exceptions.ValidationError",
	orm.CodeAccess: "odoo.exceptions.AccessError", orm.CodeDenied: "odoo.exceptions.AccessDenied",
	orm.CodeMissing: "odoo.exceptions.MissingError", orm.CodeRedirect: "odoo.exceptions.RedirectWarning",
	orm.CodeValue: "builtins.ValueError", orm.CodeKey: "builtins.KeyError", orm.CodeType: "builtins.TypeError", orm.CodeAssertion: "builtins.AssertionError",
}

// describe is the error object of an answer. What is not meant for users is
// logged and replaced by a number.
func (h *handler) describe(c *server.Context, err error) map[string]any {
	data := func(name, message string, args []any) map[string]any {
		message = clip(message)
		for i, a := range args {
			if text, ok := a.(string); ok {
				args[i] = clip(text)
			}
		}
		return map[string]any{"name": name, "message": message, "arguments": args, "context": map[string]any{}, "debug": name + ": " + message}
	}
	if errors.Is(err, server.ErrSession) {
		return map[string]any{"code": 100, "message": "Odoo Session Expired", "data": data("odoo.http.SessionExpiredException", "Session expired", []any{"Session expired"})}
	}
	if errors.Is(err, errNotFound) {
		return map[string]any{"code": 404, "message": "404: Not Found", "data": data("werkzeug.exceptions.NotFound", "404: Not Found", []any{})}
	}
	if oe, ok := errors.AsType[*orm.Error](err); ok {
		args := []any{oe.Message}
		if oe.Code == orm.CodeRedirect {
			args = append(args, oe.Action, oe.Button, nil)
		}
		return map[string]any{"code": 0, "message": "Odoo Server Error", "data": data(errorNames[oe.Code], oe.Message, args)}
	}
	if te, ok := errors.AsType[*typeError](err); ok {
		return map[string]any{"code": 0, "message": "Odoo Server Error", "data": data(te.name, te.message, []any{te.message})}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		m := "The work took too long and was stopped."
		return map[string]any{"code": 0, "message": "Odoo Server Error", "data": data("odoo.exceptions.UserError", m, []any{m})}
	}
	_, message := h.s.Explain(c, err)
	return map[string]any{"code": 0, "message": "Odoo Server Error", "data": data("builtins.Exception", message, []any{message})}
}

// typeError is a call whose arguments do not fit.
type typeError struct{ name, message string }

// noAttribute is the name of the error of a method that does not exist.
const noAttribute = "builtins.AttributeError"

func (e *typeError) Error() string { return e.message }

func typeErrorf(format string, args ...any) error {
	return &typeError{"builtins.TypeError", fmt.Sprintf(format, args...)}
}

// decode reads the params of a request into a struct.
func decode(raw json.RawMessage, v any) error {
	if len(raw) == 0 {
		raw = json.RawMessage("{}")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	err := d.Decode(v)
	if te, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && te.Field != "" {
		return typeErrorf("%s must not be a %s", te.Field, te.Value)
	}
	if err != nil || string(raw) == "null" {
		return typeErrorf("the params of a call must be an object")
	}
	return nil
}
