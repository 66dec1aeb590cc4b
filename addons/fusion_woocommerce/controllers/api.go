package controllers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/route"
)

// The contract of these addresses is docs/plugin-api.md, whose examples a test runs.
const (
	// maxCall is the largest body of a call, in bytes.
	maxCall = 64 << 10
	// failedPerMinute is how many calls without a valid key are told so a minute, by
	// address. Valid keys are accepted from there all the same: a shop is not to be
	// shut out by its neighbours on the same host, and a key is too long to be guessed.
	failedPerMinute = 30
	// CallsParameter is the system parameter with the number of calls a store may make
	// a minute.
	CallsParameter = "fusion_woocommerce.api_calls_per_minute"
	defaultCalls   = 600
)

// Fault is a refusal that is answered to the caller: an HTTP status, a name for
// programs and a message for people.
type Fault struct {
	Code          int
	Name, Message string
}

func (f *Fault) Error() string { return f.Message }

// Faultf makes a [Fault].
func Faultf(code int, name, format string, args ...any) error {
	return &Fault{code, name, fmt.Sprintf(format, args...)}
}

// Call is a call of an address: by the plugin of a store, or by a user.
type Call struct {
	Instance int64 // whose key was presented; 0 for users
	Order    int64 // the store's order id in the address
	Params   json.RawMessage
	// Within counts under a key and reports whether there have been no more than
	// perMinute.
	Within func(key string, perMinute int) bool
}

// Decode reads the params of a call into a struct.
func (c *Call) Decode(v any) error {
	err := json.Unmarshal(c.Params, v)
	if te, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && te.Field != "" {
		return Faultf(http.StatusBadRequest, "invalid_params", "%s must not be a %s.", te.Field, te.Value)
	}
	if err != nil {
		return Faultf(http.StatusBadRequest, "invalid_params", "The params of a call are a JSON object.")
	}
	return nil
}

// Answerer answers a call with what becomes its result.
type Answerer func(env *orm.Env, c *Call) (result any, err error)

// File is a document for downloading.
type File struct {
	Name    string
	Content []byte
}

// API is what the addon does for these addresses.
type API struct {
	// StoreOf finds the instance whose API key this is, 0 for none.
	StoreOf func(env *orm.Env, key string) (instance int64, err error)
	// Plugin answers calls of a store's plugin, by the address, in which {id} is the
	// store's id of an order.
	Plugin map[string]Answerer
	// Search answers calls of users, by the address.
	Search map[string]Answerer
	// Document opens the token of a download.
	Document func(env *orm.Env, token string) (*File, error)
}

// APIRoutes are the addresses for the plugin of a store and for searches.
func APIRoutes(a API) []route.Route {
	var out []route.Route
	for _, path := range slices.Sorted(maps.Keys(a.Plugin)) {
		answer := a.Plugin[path]
		out = append(out, route.Route{Path: strings.Replace(path, "{id}", "{id:[0-9]+}", 1), Methods: []string{"GET", "POST"}, Access: route.None, NoCSRF: true, MaxBody: maxCall,
			Handler: func(env *orm.Env, r *route.Request) (*route.Answer, error) {
				return envelope(env, r, func(c *Call) error { return a.admit(env, r, c) }, answer)
			}})
	}
	for _, path := range slices.Sorted(maps.Keys(a.Search)) {
		answer := a.Search[path]
		out = append(out, route.Route{Path: path, Methods: []string{"POST"}, Access: route.User, MaxBody: maxCall, ReadOnly: true,
			Handler: func(env *orm.Env, r *route.Request) (*route.Answer, error) {
				return envelope(env, r, func(*Call) error { return nil }, answer)
			}})
	}
	return append(out, route.Route{Path: "/woo/api/document/{token}", Methods: []string{"GET"}, Access: route.None, Handler: a.download})
}

// envelope answers a call in the envelope of JSON-RPC. The status of HTTP is that of
// the error, so that it shows in logs and to programs that look no further. An error
// that is no fault is none of the caller's: nothing is kept then.
func envelope(env *orm.Env, r *route.Request, admit func(*Call) error, answer Answerer) (*route.Answer, error) {
	id, params, broken := read(r)
	c := &Call{Params: params, Within: r.Limit}
	err := admit(c)
	if err == nil {
		err = broken
	}
	if s := r.Vars["id"]; err == nil && s != "" {
		if c.Order, err = strconv.ParseInt(s, 10, 64); err != nil {
			err = Faultf(http.StatusNotFound, "not_found", "This store has no such order here.")
		}
	}
	var result any
	if err == nil {
		result, err = answer(env, c)
	}
	body := map[string]any{"jsonrpc": "2.0", "id": id}
	status := http.StatusOK
	f, refused := asFault(err)
	switch {
	case refused:
		status = f.Code
		body["error"] = map[string]any{"code": f.Code, "message": f.Message, "data": map[string]any{"name": f.Name}}
	case err != nil:
		return nil, err
	default:
		body["result"] = result
	}
	out, err := route.JSON(status, body)
	if err != nil {
		return nil, err
	}
	out.Header = http.Header{"Cache-Control": {"no-store"}}
	switch status {
	case http.StatusUnauthorized:
		out.Header.Set("WWW-Authenticate", "Bearer")
	case http.StatusTooManyRequests:
		out.Header.Set("Retry-After", "60")
	}
	return out, nil
}

// asFault finds what may be told of an error: faults, and what users are told of
// their own calls.
func asFault(err error) (*Fault, bool) {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f, true
	}
	if oe, ok := errors.AsType[*orm.Error](err); ok && oe.Code == orm.CodeAccess {
		return &Fault{http.StatusForbidden, "forbidden", oe.Message}, true
	}
	return nil, false
}

// read takes a call apart: the body of a POST, or the query of a GET.
func read(r *route.Request) (id, params json.RawMessage, err error) {
	id, params = json.RawMessage("null"), json.RawMessage("{}")
	if r.Method == http.MethodGet {
		given := map[string]any{}
		for name := range r.Query {
			given[name] = r.Query.Get(name)
			if n, err := strconv.ParseInt(r.Query.Get(name), 10, 64); err == nil {
				given[name] = n
			}
		}
		params, err = json.Marshal(given)
		return id, params, err
	}
	var call struct {
		ID     json.RawMessage `json:"id"`
		Params json.RawMessage `json:"params"`
	}
	body := bytes.TrimSpace(r.Body)
	if len(body) == 0 || body[0] != '{' || json.Unmarshal(body, &call) != nil {
		return id, params, Faultf(http.StatusBadRequest, "invalid_request", `The body is no JSON-RPC call: {"jsonrpc": "2.0", "method": "call", "params": {…}, "id": 1}.`)
	}
	if len(call.ID) > 0 && call.ID[0] != '{' && call.ID[0] != '[' {
		id = call.ID
	}
	if len(call.Params) > 0 && string(call.Params) != "null" {
		params = call.Params
	}
	return id, params, nil
}

// admit finds the store that calls by its key, before anything else is looked at.
func (a API) admit(env *orm.Env, r *route.Request, c *Call) error {
	key, given := keyOf(r.Header)
	if given {
		instance, err := a.StoreOf(env, key)
		if err != nil {
			return err
		}
		if c.Instance = instance; instance != 0 {
			return a.limitStore(env, r, instance)
		}
	}
	if !r.Limit("woo.api.failed|"+r.Address, failedPerMinute) {
		return Faultf(http.StatusTooManyRequests, "too_many_requests", "Too many calls without a valid key come from your address. Try again in a minute.")
	}
	if !given {
		return Faultf(http.StatusUnauthorized, "unauthorized", "This address needs the API key of a store, as “Authorization: Bearer <key>” or “X-Fusion-Api-Key: <key>”.")
	}
	return Faultf(http.StatusUnauthorized, "unauthorized", "The API key is not valid. Generate one in the form of the instance and enter it in the plugin.")
}

func (a API) limitStore(env *orm.Env, r *route.Request, instance int64) error {
	most, err := number(env, CallsParameter, defaultCalls)
	if err != nil {
		return err
	}
	if !r.Limit(fmt.Sprintf("woo.api|%d", instance), most) {
		return Faultf(http.StatusTooManyRequests, "too_many_requests", "At most %d calls of a store are answered a minute. Try again in a minute.", most)
	}
	return nil
}

// keyOf is the key that a call presents. Some hosts strip Authorization, and some
// put credentials of their own there, so the header of ours comes first.
func keyOf(h http.Header) (key string, given bool) {
	if key = strings.TrimSpace(h.Get("X-Fusion-Api-Key")); key != "" {
		return key, true
	}
	scheme, key, _ := strings.Cut(h.Get("Authorization"), " ")
	key = strings.TrimSpace(key)
	return key, strings.EqualFold(scheme, "Bearer") && key != ""
}

// number is a system parameter, or otherwise when it is no number above 0.
func number(env *orm.Env, parameter string, otherwise int) (int, error) {
	s, _, err := base.GetParam(env, parameter)
	if n, bad := strconv.Atoi(s); bad == nil && n > 0 {
		return n, err
	}
	return otherwise, err
}

// download answers a document to whoever has its token.
func (a API) download(env *orm.Env, r *route.Request) (*route.Answer, error) {
	file, err := a.Document(env, r.Vars["token"])
	if f, ok := asFault(err); ok {
		if !r.Limit("woo.api.document|"+r.Address, failedPerMinute) {
			return nil, route.Errorf(http.StatusTooManyRequests, "Too many addresses of documents that are not valid. Try again in a minute.")
		}
		return nil, route.Errorf(f.Code, "%s", f.Message)
	}
	if err != nil {
		return nil, err
	}
	return &route.Answer{Type: "application/pdf", Body: file.Content, Header: http.Header{
		"Content-Disposition": {mime.FormatMediaType("attachment", map[string]string{"filename": file.Name})},
		"Cache-Control":       {"private, no-store"}, "X-Robots-Tag": {"noindex"}}}, nil
}
