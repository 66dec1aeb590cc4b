package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"fusionsoft.ca/fusion/framework/orm"

	"github.com/gorilla/mux"
	"github.com/gorilla/securecookie"
)

// Handler answers a request inside a unit of work, which is committed when it
// returns nil. It may run more than once when PostgreSQL asks for a retry, so
// it must answer through c only.
type Handler func(c *Context) error

// Route is one address of the server.
type Route struct {
	Path    string   // gorilla/mux pattern
	Methods []string // as GET; none: all
	Access  Access   // who may use it
	// NoCSRF exempts a POST from the check that a browser sends it from a page of
	// this server: webhooks and APIs that do not rely on cookies. Programs other
	// than browsers pass the check anyway.
	NoCSRF bool
	// PerMinute limits requests by client address; zero: no limit.
	PerMinute int
	// MaxBody is the largest body, in bytes; zero: 1 MiB, Large: the server's
	// MaxBody. Of callers who are not known yet no more than 1 MiB is read, but on
	// routes with NoAccess and without Vouch.
	MaxBody int64
	// Vouch, on routes with NoAccess whose callers prove who they are in the body,
	// looks for that in its first MiB. The rest is read when it returns nil.
	Vouch func(c *Context, head []byte) error
	// ReadOnly routes are never committed.
	ReadOnly bool
	// Scope of the API key, with BearerAccess.
	Scope   string
	Handler Handler
	// Fail, when set, answers errors in the way of the route; the unit of work is
	// over by then, and has left nothing behind. An error that it returns is
	// answered plainly.
	Fail func(c *Context, err error) error
}

// Context is one request being answered.
type Context struct {
	Env     *orm.Env // of the unit of work, with the user's rights
	Server  *Server
	Request *http.Request
	Body    []byte   // of the request, read already
	Session *Session // nil for routes that have none
	ID      string   // names the request in the log and in internal errors

	status  int
	header  http.Header
	out     bytes.Buffer
	held    *reservation
	control *http.ResponseController
	next    *continuation
}

// Var is a variable of the route's path.
func (c *Context) Var(name string) string { return c.vars()[name] }

func (c *Context) vars() map[string]string { return mux.Vars(c.Request) }

// Query is a parameter of the query string.
func (c *Context) Query(name string) string { return c.Request.URL.Query().Get(name) }

// Header is the header of the answer.
func (c *Context) Header() http.Header { return c.header }

// Write appends to the answer's body; it makes a Context an io.Writer for
// templates.
func (c *Context) Write(p []byte) (int, error) { return c.out.Write(p) }

// Status sets the answer's status; the default is 200.
func (c *Context) Status(code int) { c.status = code }

// Send answers with a body of some type.
func (c *Context) Send(status int, contentType string, body []byte) error {
	c.status = status
	c.header.Set("Content-Type", contentType)
	c.out.Write(body)
	return nil
}

// JSON answers with a JSON value.
func (c *Context) JSON(status int, v any) error {
	b, err := EncodeJSON(v)
	if err != nil {
		return err
	}
	return c.Send(status, "application/json", b)
}

// EncodeJSON encodes without HTML escapes, as Odoo's clients expect.
func EncodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// Redirect answers with a redirection (303 after a form).
func (c *Context) Redirect(status int, url string) error {
	c.header.Set("Location", url)
	return c.Send(status, "text/plain; charset=utf-8", nil)
}

// Handle adds a route.
func (s *Server) Handle(rt Route) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(rt, w, r) })
	m := s.Router.Handle(rt.Path, h)
	if len(rt.Methods) > 0 {
		m.Methods(slices.Clone(rt.Methods)...) // mux spells them in capitals in place
	}
}

func (s *Server) serve(rt Route, w http.ResponseWriter, r *http.Request) {
	id := fmt.Sprintf("%x", securecookie.GenerateRandomKey(6))
	c := &Context{Server: s, Request: r, ID: id, header: http.Header{}, held: &reservation{b: s.budget}, control: http.NewResponseController(w)}
	defer c.held.shrinkTo(0)
	err := s.guarded(c, func() error { return s.answer(rt, c) })
	if err != nil {
		s.answerError(rt, c, err)
	}
	if c.Session != nil {
		if err := s.Sessions.finish(w, r, c.Session, s.Secure(r), s.ClientIP(r)); err != nil {
			s.Config.Logger.Error("session not saved", "error", err.Error())
		}
	}
	for k, v := range c.header {
		w.Header()[k] = v
	}
	if c.status == 0 {
		c.status = http.StatusOK
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
	}
	w.WriteHeader(c.status)
	if r.Method != http.MethodHead {
		w.Write(c.out.Bytes())
	}
}

// answer authenticates, reads the body and has the handler work.
func (s *Server) answer(rt Route, c *Context) (err error) {
	if !rt.NoCSRF && s.origins.Check(c.Request) != nil {
		return Errorf(http.StatusForbidden, "The request comes from a page of another site and is refused. Open this site itself and try again.")
	}
	if rt.PerMinute > 0 && !s.limits.allow(rt.Path+"|"+s.ClientIP(c.Request), rt.PerMinute) {
		return Errorf(http.StatusTooManyRequests, "Too many requests; at most %d a minute are answered. Try again in a minute.", rt.PerMinute)
	}
	var user orm.User
	if err := s.within(c, func() error {
		user, err = s.identify(rt, c)
		return err
	}); err != nil {
		return err
	}
	user.Address = s.ClientIP(c.Request)
	if err := s.readBody(rt, c); err != nil {
		return err
	}
	return s.within(c, func() error { return s.work(rt, c, user) })
}

// within does something that has to end in the time that one request may take. How
// long its client takes to send it does not count.
func (s *Server) within(c *Context, do func() error) error {
	r := c.Request
	ctx, cancel := context.WithTimeout(r.Context(), s.Config.Timeout)
	defer func() {
		cancel()
		c.Request = r
	}()
	c.Request = r.WithContext(ctx)
	return do()
}

// work runs the handler in a unit of work.
func (s *Server) work(rt Route, c *Context, user orm.User) (err error) {
	var asLoaded Session
	if c.Session != nil {
		asLoaded = *c.Session
		defer func() {
			if err != nil { // what a failed handler made of the session does not count
				*c.Session = asLoaded
			}
		}()
	}
	run := s.DB.Run
	if rt.ReadOnly || s.Config.ReadOnly {
		run = s.DB.View
	}
	err = run(c.Request.Context(), user, func(env *orm.Env) error {
		c.begin(env, asLoaded)
		c.Request.Body = io.NopCloser(bytes.NewReader(c.Body))
		c.Request.Form, c.Request.PostForm, c.Request.MultipartForm = nil, nil, nil
		if err := s.stillValid(rt, c); err != nil {
			return err
		}
		if err := rt.Handler(c); err != nil {
			return err
		}
		return s.stamp(c)
	})
	if err != nil {
		return err
	}
	return s.runContinuation(c)
}

// begin makes a context ready for a unit of work, which may be the second try of
// one.
func (c *Context) begin(env *orm.Env, asLoaded Session) {
	c.Env, c.next = env, nil
	c.held.shrinkTo(c.held.body)
	if c.Session != nil {
		*c.Session = asLoaded
		c.Session.notes = slices.Clone(asLoaded.notes)
	}
	c.status = 0
	c.out.Reset()
	c.header = http.Header{}
}

// stillValid ends a session whose user has been archived, or whose password
// has changed, since it began.
func (s *Server) stillValid(rt Route, c *Context) error {
	if c.Session == nil || c.Session.UID == 0 || s.Config.Auth.Stamp == nil {
		return nil
	}
	now, err := s.Config.Auth.Stamp(c.Env.Sudo(), c.Session.UID)
	if err != nil || now != "" && now == c.Session.stamp {
		return err
	}
	if rt.Access == UserAccess {
		return ErrSession
	}
	c.Session.SignOut()
	c.Env = c.Env.WithUser(s.Config.PublicUser).WithOnlyContext(nil)
	return nil
}

// stamp notes in a session that is about to be stored what the user's
// credentials are now.
func (s *Server) stamp(c *Context) (err error) {
	if c.Session == nil || !c.Session.changed || c.Session.UID == 0 || s.Config.Auth.Stamp == nil {
		return nil
	}
	c.Session.stamp, err = s.Config.Auth.Stamp(c.Env.Sudo(), c.Session.UID)
	return err
}

// identify finds out on whose behalf the request acts.
func (s *Server) identify(rt Route, c *Context) (orm.User, error) {
	if rt.Access == NoAccess {
		return orm.System(), nil
	}
	if rt.Access == BearerAccess {
		return s.bearer(rt, c)
	}
	var err error
	if c.Session, err = s.Sessions.load(c.Request); err != nil {
		return orm.User{}, err
	}
	if c.Session.UID != 0 {
		return orm.User{ID: c.Session.UID, Context: c.Session.Context}, nil
	}
	if rt.Access == PublicAccess {
		return orm.User{ID: s.Config.PublicUser}, nil
	}
	return orm.User{}, ErrSession
}

// ErrSession is what a route that needs a session fails with when there is
// none. Clients of Odoo know it by its text.
var ErrSession = sessionError("Odoo Session Expired")

type sessionError string

func (e sessionError) Error() string { return string(e) }

func (s *Server) bearer(rt Route, c *Context) (orm.User, error) {
	key, ok := strings.CutPrefix(c.Request.Header.Get("Authorization"), "Bearer ")
	if !ok || strings.TrimSpace(key) == "" {
		return orm.User{}, Errorf(http.StatusUnauthorized, "This address needs an API key: send “Authorization: Bearer <key>”.")
	}
	var user orm.User
	system := orm.System()
	system.Address = s.ClientIP(c.Request)
	err := s.DB.Run(c.Request.Context(), system, func(env *orm.Env) error {
		uid, ok, err := s.Config.Auth.Key(env, rt.Scope, strings.TrimSpace(key))
		if err != nil {
			return err
		}
		if !ok {
			return Errorf(http.StatusUnauthorized, "The API key is not valid: unknown, expired, or for another purpose.")
		}
		keys, err := s.Config.Auth.Context(env.WithUser(uid))
		user = orm.User{ID: uid, Context: keys, ByKey: true}
		return err
	})
	return user, err
}

func (s *Server) answerError(rt Route, c *Context, err error) {
	reset := func() {
		c.status = 0
		c.out.Reset()
		c.header = http.Header{}
	}
	reset()
	if rt.Fail != nil {
		ferr := s.guarded(c, func() error { return rt.Fail(c, err) })
		if ferr == nil {
			return
		}
		if !errors.Is(ferr, err) {
			s.Config.Logger.Error("the answer to an error failed", "id", c.ID, "error", ferr.Error())
		}
		reset()
	}
	s.fail(c, err)
}

// guarded turns a panic into an error.
func (s *Server) guarded(c *Context, fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.Config.Logger.Error("request panicked", "id", c.ID, "path", c.Request.URL.Path, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = Errorf(http.StatusInternalServerError, "Internal error (%s)", c.ID)
		}
	}()
	return fn()
}

// fail answers an error: people get a page, programs a JSON object.
func (s *Server) fail(c *Context, err error) {
	status, message := s.Explain(c, err)
	r := c.Request
	if errors.Is(err, ErrSession) && wantsHTML(r) {
		c.ToLogin()
		return
	}
	switch status {
	case http.StatusTooManyRequests:
		c.header.Set("Retry-After", "60")
	case http.StatusServiceUnavailable:
		c.header.Set("Retry-After", "2")
	}
	if status == http.StatusUnauthorized {
		c.header.Set("WWW-Authenticate", "Bearer")
	}
	if wantsHTML(r) {
		c.Send(status, "text/html; charset=utf-8", errorPage(status, message))
		return
	}
	c.JSON(status, map[string]any{"error": map[string]any{"code": status, "message": message}})
}

// ToLogin sends a visitor without a session to the login page, and from there back to
// where he wanted to.
func (c *Context) ToLogin() error {
	next := "/web/login"
	if r := c.Request; r.Method == http.MethodGet {
		next += "?redirect=" + queryEscape(r.URL.RequestURI())
	}
	return c.Redirect(http.StatusSeeOther, next)
}

// Explain turns an error into a status and a message that is safe to show;
// what is not meant for users is logged under the request's id.
func (s *Server) Explain(c *Context, err error) (int, string) {
	if he, ok := errors.AsType[*HTTPError](err); ok {
		return he.Status, he.Message
	}
	if errors.Is(err, ErrSession) {
		return http.StatusUnauthorized, "Your session has ended. Log in again."
	}
	if errors.Is(err, context.DeadlineExceeded) || c.Request.Context().Err() == context.DeadlineExceeded {
		return http.StatusServiceUnavailable, "The work took too long and was stopped."
	}
	if oe, ok := errors.AsType[*orm.Error](err); ok {
		switch oe.Code {
		case orm.CodeAccess:
			return http.StatusForbidden, oe.Message
		case orm.CodeDenied:
			if errors.Is(err, orm.ErrThrottled) {
				return http.StatusTooManyRequests, oe.Message
			}
			return http.StatusUnauthorized, oe.Message
		case orm.CodeMissing:
			return http.StatusNotFound, oe.Message
		}
		return http.StatusUnprocessableEntity, oe.Message
	}
	s.Config.Logger.Error("request failed", "id", c.ID, "method", c.Request.Method, "path", c.Request.URL.Path, "error", err.Error())
	return http.StatusInternalServerError, "Internal error (" + c.ID + "). The log has the details under this number."
}

func wantsHTML(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// WantsHTML reports whether the answer is for a person in a browser.
func (c *Context) WantsHTML() bool { return wantsHTML(c.Request) }

func (s *Server) measure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		rec := &recorder{ResponseWriter: w, status: 200}
		next.ServeHTTP(rec, r)
		route := "other"
		if cur := mux.CurrentRoute(r); cur != nil {
			if t, err := cur.GetPathTemplate(); err == nil {
				route = t
			}
		}
		s.total.WithLabelValues(route, fmt.Sprintf("%dxx", rec.status/100)).Inc()
		s.took.WithLabelValues(route).Observe(time.Since(start).Seconds())
		s.Config.Logger.Debug("request", "method", r.Method, "path", r.URL.Path, "status", rec.status, "ms", time.Since(start).Milliseconds())
	})
}

type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(code int) {
	r.status = code
	r.ResponseWriter.WriteHeader(code)
}

// Unwrap lets http.ResponseController reach the writer beneath.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
