package woosim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gorilla/mux"
)

// rq is one request on its way through the store.
type rq struct {
	s      *Sim
	r      *http.Request
	query  *Obj // as in the address, in order
	params *Obj // body over query
	body   *Obj // what the body alone brought
	vars   map[string]string
	user   *user
	https  bool
	route  string // /wc/v3/products, for links
	id     int
	batch  bool
}

// response is what a handler gives back.
type response struct {
	status   int
	body     any
	headers  [][2]string
	location string
	links    string // prev and next; empty leaves the site's own link
	single   bool   // _links stay whatever _fields says
	noAllow  bool   // what was deleted has no methods any more
}

func ok(body any) *response { return &response{status: 200, body: body, single: true} }

// apiError is an error of the REST API.
type apiError struct {
	code, message string
	status        int
	data          any  // instead of {"status": n}
	noAllow       bool // came from the permission check
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func fail(status int, code, message string) *apiError {
	return &apiError{code: code, message: message, status: status}
}

func (e *apiError) obj() *Obj {
	data := e.data
	if data == nil {
		data = object("status", e.status)
	}
	return object("code", e.code, "message", e.message, "data", data)
}

var errNoRoute = &apiError{code: "rest_no_route", message: "No route was found matching the URL and request method.", status: 404, noAllow: true}

// handler is what one method of one route does.
type handler struct {
	perm string // view, create, edit, delete, batch, list, open
	args []arg
	fn   func(*rq) (*response, error)
}

// methods of one route.
type methods map[string]handler

func (m methods) allow() string {
	var out []string
	for _, n := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		if _, ok := m[n]; ok {
			out = append(out, n)
		}
	}
	return strings.Join(out, ", ")
}

// ServeHTTP answers one request as the store would.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 32<<20))
	if err != nil {
		return
	}
	f := s.matchFault(r)
	if f != nil && f.before(w, r) {
		return
	}
	rec := s.handle(r, body)
	if s.opt.Written != nil && r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.opt.Written()
	}
	if f != nil && f.after(w, r, rec) {
		return
	}
	rec.send(w, r)
}

// reply is a finished answer.
type reply struct {
	status int
	header http.Header
	order  []string
	body   []byte
}

func (p *reply) set(k, v string) {
	p.order = append(p.order, k)
	p.header[k] = []string{v}
}

func (p *reply) send(w http.ResponseWriter, r *http.Request) {
	for k, v := range p.header {
		w.Header()[k] = v
	}
	w.WriteHeader(p.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(p.body)
	}
}

func (s *Sim) handle(r *http.Request, body []byte) *reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := &rq{s: s, r: r, query: parseQuery(r.URL.RawQuery), params: &Obj{}, body: &Obj{}}
	q.https = r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
	out := &reply{header: http.Header{}}
	out.set("X-Powered-By", "PHP/8.2.36")
	out.set("Content-Type", "application/json; charset=UTF-8")
	out.set("X-Robots-Tag", "noindex")
	root := "<" + q.home() + "/wp-json/>; rel=\"https://api.w.org/\""
	out.set("Link", root)
	out.set("X-Content-Type-Options", "nosniff")
	out.set("Access-Control-Expose-Headers", "X-WP-Total, X-WP-TotalPages, Link")
	out.set("Access-Control-Allow-Headers", "Authorization, X-WP-Nonce, Content-Disposition, Content-MD5, Content-Type")

	method := r.Method
	if o := r.Header.Get("X-HTTP-Method-Override"); o != "" && method == "POST" {
		method = strings.ToUpper(o)
	} else if o := q.query.Str("_method"); o != "" && method == "POST" {
		method = strings.ToUpper(o)
	}
	res, allow, err := s.dispatch(q, method, body)
	if err != nil {
		e, isAPI := err.(*apiError)
		if !isAPI {
			e = fail(500, "internal_server_error", err.Error())
		}
		res = &response{status: e.status, body: e.obj()}
		if e.noAllow {
			allow = ""
		}
	} else if fields := q.params.Get("_fields"); fields != nil {
		names := listOf(fields)
		res.body = filterFields(res.body, names, res.single)
		if strings.Contains(q.route, "/products") && !strings.Contains(q.route, "/categories") && !strings.Contains(q.route, "/variations") {
			res.body = asAsked(res.body, names)
		}
	}
	out.status = res.status
	if res.noAllow {
		allow = ""
	}
	if strings.HasPrefix(q.route, "/wc/v2/") {
		b := bytes.ReplaceAll(encode(res.body), []byte(`\/wc\/v3\/`), []byte(`\/wc\/v2\/`))
		if v, err := decode(b); err == nil {
			res.body = v
		}
	}
	for _, h := range res.headers {
		out.set(h[0], h[1])
	}
	if res.location != "" {
		out.set("Location", q.link(res.location))
	}
	if res.links != "" {
		out.set("Link", q.retarget(res.links))
	}
	if allow != "" {
		out.set("Allow", allow)
	}
	if q.user != nil {
		out.set("Expires", "Wed, 11 Jan 1984 05:00:00 GMT")
		out.set("Cache-Control", "no-cache, must-revalidate, max-age=0, no-store, private")
	} else if r.Method == "GET" || r.Method == "HEAD" {
		out.set("Vary", "Origin")
	}
	out.body = q.rewrite(encode(res.body))
	return out
}

func (s *Sim) dispatch(q *rq, method string, body []byte) (*response, string, error) {
	path := q.r.URL.Path
	if rr := q.query.Str("rest_route"); rr != "" && !strings.HasPrefix(path, "/wp-json") {
		path = "/wp-json" + rr
	} else if u, err := s.authenticate(q); err != nil {
		return nil, "", err
	} else {
		q.user = u
	}
	if u := q.user; u != nil {
		if err := u.mayUse(method); err != nil {
			return nil, "", err
		}
	}
	if path != "/wp-json/" {
		path = strings.TrimRight(path, "/")
	}
	req := &http.Request{Method: "GET", URL: cloneURL(q.r.URL, path)}
	var match mux.RouteMatch
	if !s.router.Match(req, &match) || match.Route == nil {
		return nil, "", errNoRoute
	}
	m, isMethods := match.Handler.(routeHandler)
	if !isMethods {
		return nil, "", errNoRoute
	}
	look := method
	if look == "HEAD" {
		look = "GET"
	}
	h, found := m.methods[look]
	if !found {
		return nil, "", errNoRoute
	}
	q.vars, q.route = match.Vars, strings.TrimPrefix(path, "/wp-json")
	q.id = toInt(q.vars["id"])
	allow := ""
	if q.user.can(m.perm) || m.perm == "open" {
		allow = m.methods.allow()
		if q.user != nil && q.user.role == "shop_manager" && q.route == "/wc/v3/customers" {
			allow = "GET" // making users is for administrators
		}
	}
	if err := q.readBody(method, body); err != nil {
		return nil, allow, err
	}
	for i, k := range q.query.keys {
		q.params.Set(k, q.query.vals[i])
	}
	for i, k := range q.body.keys {
		q.params.Set(k, q.body.vals[i])
	}
	if err := q.check(h.args); err != nil {
		return nil, allow, err
	}
	if m.perm != "open" && !q.user.can(m.perm) {
		return nil, "", q.denied(h.perm)
	}
	res, err := h.fn(q)
	return res, allow, err
}

func (q *rq) readBody(method string, body []byte) error {
	kind, _, _ := mime.ParseMediaType(q.r.Header.Get("Content-Type"))
	switch {
	case kind == "application/json" && len(body) > 0:
		bad := func(n int, msg string) error {
			return &apiError{code: "rest_invalid_json", message: "Invalid JSON body passed.", status: 400,
				data: object("status", 400, "json_error_code", n, "json_error_message", msg)}
		}
		v, err := decode(body)
		if !utf8.Valid(body) {
			return bad(5, "Malformed UTF-8 characters, possibly incorrectly encoded")
		}
		if err != nil {
			return bad(4, "Syntax error")
		}
		if o, isObj := v.(*Obj); isObj {
			q.body = o
		}
	case kind == "application/x-www-form-urlencoded" && method != "GET":
		q.body = parseQuery(string(body))
	}
	return nil
}

// home is the shop's address under the scheme the request came by.
func (q *rq) home() string {
	base := q.s.opt.BaseURL
	_, host, _ := strings.Cut(base, "://")
	switch {
	case q.https:
		return "https://" + host
	case q.s.opt.PlainHTTP && strings.HasPrefix(base, "https://"):
		return base
	}
	return "http://" + host
}

// link is an API address as the client reaches it.
func (q *rq) link(path string) string { return q.home() + "/wp-json" + path }

func (q *rq) retarget(s string) string { return strings.ReplaceAll(s, q.s.st.origin, q.home()) }

// rewrite puts the address the client uses in place of the stored one.
func (q *rq) rewrite(b []byte) []byte {
	home := q.home()
	if home == q.s.st.origin {
		return b
	}
	esc := func(s string) []byte { return []byte(strings.ReplaceAll(s, "/", `\/`)) }
	b = bytes.ReplaceAll(b, esc(q.s.st.origin), esc(home))
	_, from, _ := strings.Cut(q.s.st.origin, "://")
	_, to, _ := strings.Cut(home, "://")
	return bytes.ReplaceAll(b, esc("://"+from), esc("://"+to))
}

func filterFields(v any, fields []string, single bool) any {
	switch x := v.(type) {
	case *Obj:
		return filterObj(x, fields, single)
	case []any:
		out := make([]any, len(x))
		for i := range x {
			out[i] = x[i]
			if o, isObj := x[i].(*Obj); isObj {
				out[i] = filterObj(o, fields, false)
			}
		}
		return out
	}
	return v
}

func filterObj(o *Obj, fields []string, keepLinks bool) *Obj {
	out := &Obj{}
	for i, k := range o.keys {
		if keepLinks && k == "_links" {
			out.Set(k, o.vals[i])
			continue
		}
		var sub []string
		whole := false
		for _, f := range fields {
			if f == k {
				whole = true
			} else if strings.HasPrefix(f, k+".") {
				sub = append(sub, f[len(k)+1:])
			}
		}
		child, isObj := o.vals[i].(*Obj)
		switch {
		case whole:
			out.Set(k, o.vals[i])
		case len(sub) > 0 && isObj:
			if c := filterObj(child, sub, false); len(c.keys) > 0 {
				out.Set(k, c)
			}
		}
	}
	return out
}

// lateFields are what version 3 of the API adds to a product after the fields
// that version 2 builds in the order they were asked for.
var lateFields = []string{"stock_status", "has_options", "post_password", "global_unique_id", "_links"}

// asAsked puts a product's fields in the order _fields named them.
func asAsked(v any, names []string) any {
	switch x := v.(type) {
	case []any:
		for i := range x {
			x[i] = asAsked(x[i], names)
		}
	case *Obj:
		out := &Obj{}
		for _, n := range names {
			if x.Has(n) && !slices.Contains(lateFields, n) {
				out.Set(n, x.Get(n))
			}
		}
		for i, k := range x.keys {
			if !out.Has(k) {
				out.Set(k, x.vals[i])
			}
		}
		return out
	}
	return v
}

func num(n int) json.Number { return json.Number(fmt.Sprint(n)) }
