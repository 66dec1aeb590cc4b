// Package route says where an addon answers, as data of its manifest: addresses
// with what they do, and pages of the back office. A handler turns a [Request]
// into an [Answer] inside a unit of work and touches nothing else, so that it can
// be called without a server, and run again when the unit is.
//
// The package server serves routes and the package web pages; both are above this
// one, which knows orm only.
package route

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"fusionsoft.ca/fusion/framework/orm"
)

// Access says who may use a route.
type Access int

// The kinds of access, as Odoo's auth= names them.
const (
	// User needs a session; browsers are sent to the login page.
	User Access = iota
	// Public acts as the session's user, else as the public user.
	Public
	// None acts as the superuser; the handler authenticates by itself.
	None
	// Bearer needs an API key in the Authorization header.
	Bearer
)

// Handler answers a request inside a unit of work, which is committed unless it
// returns an error. It may run more than once.
type Handler func(env *orm.Env, r *Request) (*Answer, error)

// Route is one address.
type Route struct {
	// Path begins with a slash; {name} stands for a part of it, {name:[0-9]+} for
	// one of a form.
	Path    string
	Methods []string // as GET; none: all
	Access  Access   // who may use it
	// NoCSRF exempts a POST from the check that a browser sends it from a page of
	// this server: webhooks and APIs that do not rely on cookies. Programs other
	// than browsers pass the check anyway.
	NoCSRF bool
	// PerMinute limits requests by client address; zero: no limit.
	PerMinute int
	// MaxBody is the largest body, in bytes; zero: the server's limit.
	MaxBody int64
	// ReadOnly routes are never committed.
	ReadOnly bool
	// Scope of the API key, with Bearer.
	Scope   string
	Handler Handler
}

// Request is what was asked.
type Request struct {
	Method  string
	Path    string
	Vars    map[string]string // of the route's path
	Query   url.Values
	Header  http.Header
	Body    []byte
	Address string // of the client, behind trusted proxies too
	// Limit counts an attempt under a key and reports whether there have been no
	// more than so many in this minute.
	Limit func(key string, perMinute int) bool
}

// Answer is what is answered. The zero value is an empty success.
type Answer struct {
	Status int    // zero: 200
	Type   string // of the body; "": text/plain
	Header http.Header
	Body   []byte
}

// Text answers with a plain text.
func Text(status int, text string) *Answer { return &Answer{Status: status, Body: []byte(text)} }

// JSON answers with a JSON value.
func JSON(status int, v any) (*Answer, error) {
	b, err := json.Marshal(v)
	return &Answer{Status: status, Type: "application/json", Body: b}, err
}

// Error is a refusal with a status and a message for people.
type Error struct {
	Status  int
	Message string
}

func (e *Error) Error() string { return e.Message }

// Errorf makes an [Error].
func Errorf(status int, format string, args ...any) error {
	return &Error{status, fmt.Sprintf(format, args...)}
}

// Page makes the body of a client action, a page of the back office made by an
// addon: what stands below the menu.
type Page func(env *orm.Env, a Action) (*Content, error)

// Action is the client action that opened a [Page].
type Action struct {
	Name    string
	Tag     string
	Context map[string]any
	Params  map[string]any
	Query   url.Values // of the page's address
}

// Content is the body of a [Page]. Its HTML is written as it is: the addon
// vouches for it.
type Content struct {
	Title    string
	HTML     string
	Redirect string // where to go in place of showing anything
}

// Auth is how users are recognised; one addon of a program brings it, and counts what
// fails by the address of the client and by the account. What comes too often is
// refused unseen with orm.ErrThrottled.
type Auth struct {
	// Login checks the password of a person, for a session; it answers
	// orm.AccessDenied when it is wrong. An API key is no password.
	Login func(env *orm.Env, login, password string) (uid int64, err error)
	// Program checks the password, or an API key for calls, of a user by login.
	Program func(env *orm.Env, login, secret string) (uid int64, err error)
	// Password checks the password, or an API key for calls, of a user by id, and
	// tells whether it was a key.
	Password func(env *orm.Env, uid int64, secret string) (byKey bool, err error)
	// Key checks an API key for a scope.
	Key func(env *orm.Env, scope, key string) (uid int64, ok bool, err error)
	// Stamp names the state of a user's credentials, "" for a user who may not
	// log in any more; a session ends when it changes. Nil: sessions do not end
	// by themselves.
	Stamp func(env *orm.Env, uid int64) (string, error)
	// Context is the user's context: lang, tz, uid.
	Context func(env *orm.Env) (map[string]any, error)
}
