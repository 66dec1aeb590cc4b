package conformance

import (
	"fmt"
	"strings"
	"sync"
)

// world is what all cases share: the server and the seeded records.
type world struct {
	*client
	users  map[string]credentials
	refs   map[string]int64
	groups map[string][]string

	mu   sync.Mutex
	uids map[string]int64
}

func (w *world) who(user string) (credentials, error) {
	if user == "" || user == "admin" {
		return credentials{w.login, w.password}, nil
	}
	c, ok := w.users[user]
	if !ok {
		return c, fmt.Errorf("unknown user %s", user)
	}
	return c, nil
}

// uid logs a user in once and returns the id.
func (w *world) uid(user string) (int64, error) {
	if user == "" {
		user = "admin"
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if id, ok := w.uids[user]; ok {
		return id, nil
	}
	cred, err := w.who(user)
	if err != nil {
		return 0, err
	}
	v, err := w.service("common", "login", []any{w.db, cred.Login, cred.Password})
	if err != nil {
		return 0, err
	}
	id, ok := integer(v)
	if !ok {
		return 0, fmt.Errorf("%s cannot log in", user)
	}
	w.uids[user] = id
	return id, nil
}

// call runs a method of a model as a user.
func (w *world) call(user, model, method string, args, kwargs any) (any, error) {
	cred, err := w.who(user)
	if err != nil {
		return nil, err
	}
	uid, err := w.uid(user)
	if err != nil {
		return nil, err
	}
	return w.service("object", "execute_kw", []any{w.db, uid, cred.Password, model, method, args, kwargs})
}

// scope is one case being run: its variables, cookies and token.
type scope struct {
	*world
	vars    map[string]any
	cookies map[string]string
	token   string
}

// group is the ids of a group of names.
func (s *scope) group(name string) ([]any, error) {
	names, ok := s.groups[name]
	if !ok {
		return nil, fmt.Errorf("unresolved group %s", name)
	}
	out := []any{}
	for _, n := range names {
		id, err := s.ref(n)
		if err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, nil
}

func (s *scope) ref(name string) (int64, error) {
	id, ok := s.refs[name]
	if !ok {
		return 0, fmt.Errorf("unresolved reference %s", name)
	}
	return id, nil
}

// expand replaces the placeholders of a request.
func (s *scope) expand(v any) (any, error) {
	switch x := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, e := range x {
			key, err := s.expand(k)
			if err != nil {
				return nil, err
			}
			if out[fmt.Sprint(key)], err = s.expand(e); err != nil {
				return nil, err
			}
		}
		return out, nil
	case []any:
		out := make([]any, 0, len(x))
		for _, e := range x {
			if text, ok := e.(string); ok && strings.HasPrefix(text, "$splice:") {
				list, err := s.expand("$" + strings.TrimPrefix(text, "$splice:"))
				if err != nil {
					return nil, err
				}
				out = append(out, list.([]any)...)
				continue
			}
			item, err := s.expand(e)
			if err != nil {
				return nil, err
			}
			out = append(out, item)
		}
		return out, nil
	case string:
		return s.expandText(x)
	}
	return v, nil
}

func (s *scope) expandText(text string) (any, error) {
	if !strings.HasPrefix(text, "$") || strings.HasPrefix(text, "$run") {
		return strings.ReplaceAll(text, "$run", s.token), nil
	}
	if strings.HasPrefix(text, "$$") {
		return text[1:], nil
	}
	head, tail, _ := strings.Cut(text, ":")
	switch head {
	case "$ref":
		return s.ref(tail)
	case "$group":
		return s.group(tail)
	case "$var":
		if v, ok := s.vars[tail]; ok {
			return v, nil
		}
		return nil, fmt.Errorf("unset variable %s", tail)
	case "$db":
		return s.db, nil
	case "$uid":
		return s.uid(tail)
	case "$login", "$password":
		cred, err := s.who(tail)
		if head == "$login" {
			return cred.Login, err
		}
		return cred.Password, err
	}
	return nil, fmt.Errorf("unknown placeholder %q", text)
}
