package server

import (
	"errors"
	"io/fs"
	"net/http"
	"strings"

	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/route"
)

// AuthOf is how the users of a program are recognised: as the first of its addons
// says that says so.
func AuthOf(addons []module.Addon) Auth {
	for _, a := range addons {
		if a.Auth != nil {
			return *a.Auth
		}
	}
	return Auth{}
}

// Mount serves what addons bring: their routes, and the files of their folders
// static below /<addon>/static/.
func (s *Server) Mount(addons ...module.Addon) {
	for _, a := range addons {
		for _, rt := range a.Routes {
			s.Handle(adapt(rt))
		}
		if a.FS == nil {
			continue
		}
		files, err := fs.Sub(a.FS, "static")
		if err != nil {
			continue
		}
		prefix := "/" + a.Name + "/static/"
		s.Router.PathPrefix(prefix).Handler(http.StripPrefix(prefix, assets{files})).Methods("GET", "HEAD")
	}
}

// adapt makes a route of the server of one of an addon.
func adapt(rt route.Route) Route {
	return Route{Path: rt.Path, Methods: rt.Methods, Access: rt.Access, NoCSRF: rt.NoCSRF, PerMinute: rt.PerMinute, MaxBody: rt.MaxBody, ReadOnly: rt.ReadOnly, Scope: rt.Scope,
		Handler: func(c *Context) error {
			out, err := rt.Handler(c.Env, c.routeRequest())
			if err != nil {
				return err
			}
			return c.writeAnswer(out)
		}}
}

// routeRequest is the request as handlers of addons see it.
func (c *Context) routeRequest() *route.Request {
	r := c.Request
	return &route.Request{Method: r.Method, Path: r.URL.Path, Vars: c.vars(), Query: r.URL.Query(), Header: r.Header, Body: c.Body,
		Address: c.Server.ClientIP(r), Limit: c.Server.Allow}
}

func (c *Context) writeAnswer(out *route.Answer) error {
	if out == nil {
		out = &route.Answer{}
	}
	for name, values := range out.Header {
		c.header[http.CanonicalHeaderKey(name)] = values
	}
	if out.Type == "" {
		out.Type = "text/plain; charset=utf-8"
	}
	if out.Status == 0 {
		out.Status = http.StatusOK
	}
	return c.Send(out.Status, out.Type, out.Body)
}

// assets are the files of an addon for browsers. Folders are not listed.
type assets struct{ files fs.FS }

// ServeHTTP implements http.Handler.
func (a assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	info, err := fs.Stat(a.files, name)
	if err != nil || info.IsDir() {
		if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
			http.NotFound(w, r)
			return
		}
		http.Error(w, "The file cannot be read.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Cache-Control", "max-age=3600")
	http.ServeFileFS(w, r, a.files, name)
}

// Auth is how users are recognised.
type Auth = route.Auth

// Access says who may use a route.
type Access = route.Access

// The kinds of access.
const (
	UserAccess   = route.User
	PublicAccess = route.Public
	NoAccess     = route.None
	BearerAccess = route.Bearer
)

// HTTPError is an answer with a status and a message for people.
type HTTPError = route.Error

// Errorf makes an HTTPError.
func Errorf(status int, format string, args ...any) error {
	return route.Errorf(status, format, args...)
}
