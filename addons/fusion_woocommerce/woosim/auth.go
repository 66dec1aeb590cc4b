package woosim

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"net/url"
	"sort"
	"strconv"
	"strings"
)

// user is whom a request acts for.
type user struct {
	id          int
	role        string
	permissions string
}

func (u *user) can(what string) bool {
	if what == "open" {
		return true
	}
	return u != nil && (u.role == "administrator" || u.role == "shop_manager")
}

func (u *user) mayUse(method string) error {
	switch method {
	case "GET", "HEAD":
		if u.permissions == "write" {
			return authError("The API key provided does not have read permissions.")
		}
	case "POST", "PUT", "PATCH", "DELETE":
		if u.permissions == "read" {
			return authError("The API key provided does not have write permissions.")
		}
	}
	return nil
}

func authError(message string) *apiError {
	return fail(401, "woocommerce_rest_authentication_error", message)
}

// denied is the answer of a permission check that failed.
func (q *rq) denied(perm string) error {
	status := 401
	if q.user != nil {
		status = 403
	}
	code, msg := "woocommerce_rest_cannot_view", "Sorry, you cannot view this resource."
	switch perm {
	case "list":
		msg = "Sorry, you cannot list resources."
	case "create":
		code, msg = "woocommerce_rest_cannot_create", "Sorry, you are not allowed to create resources."
	case "edit":
		code, msg = "woocommerce_rest_cannot_edit", "Sorry, you are not allowed to edit this resource."
	case "delete":
		code, msg = "woocommerce_rest_cannot_delete", "Sorry, you are not allowed to delete this resource."
	case "batch":
		code, msg = "woocommerce_rest_cannot_batch", "Sorry, you are not allowed to batch manipulate this resource."
	}
	return &apiError{code: code, message: msg, status: status, noAllow: true}
}

// authenticate finds the request's user: nil when it carries no key, or carries
// one where WooCommerce does not look at it.
func (s *Sim) authenticate(q *rq) (*user, error) {
	path := q.r.URL.Path
	if !strings.Contains(path, "/wp-json/wc/") && !strings.Contains(path, "/wp-json/wc-") {
		return nil, nil
	}
	if q.https || s.opt.PlainHTTP {
		key, secret := q.query.Str("consumer_key"), q.query.Str("consumer_secret")
		if key == "" || secret == "" {
			if k, p, ok := q.r.BasicAuth(); ok {
				key, secret = k, p
			}
		}
		if key != "" && secret != "" {
			k := s.key(key)
			if k == nil {
				return nil, nil
			}
			if !hmac.Equal([]byte(k.Secret), []byte(secret)) {
				return nil, authError("Consumer secret is invalid.")
			}
			return s.userOf(k), nil
		}
		if !s.opt.PlainHTTP {
			return nil, nil
		}
	}
	return s.oauth(q)
}

func (s *Sim) key(key string) *Key {
	for i := range s.opt.Keys {
		if s.opt.Keys[i].Key == key {
			return &s.opt.Keys[i]
		}
	}
	return nil
}

func (s *Sim) userOf(k *Key) *user {
	u := &user{id: k.UserID, role: k.Role, permissions: k.Permissions}
	if u.permissions == "" {
		u.permissions = "read_write"
	}
	if u.id == 0 {
		u.id = 1
		if u.role == "" {
			u.role = "administrator"
		}
	}
	if u.role == "" {
		u.role = "customer"
		if c := s.st.customers.get(u.id); c != nil {
			u.role = c.Str("role")
		}
	}
	return u
}

var oauthNames = []string{"oauth_consumer_key", "oauth_timestamp", "oauth_nonce", "oauth_signature", "oauth_signature_method"}

// oauth checks OAuth 1.0a "one-legged" signatures, in the query or the header.
func (s *Sim) oauth(q *rq) (*user, error) {
	p := map[string]string{}
	for _, n := range oauthNames {
		if v := q.query.Str(n); v != "" {
			p[n] = v
		}
	}
	inHeader := false
	if a := q.r.Header.Get("Authorization"); len(p) == 0 && strings.HasPrefix(a, "OAuth ") {
		inHeader = true
		for _, part := range strings.Split(a[6:], ",") {
			k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
			val, err := url.PathUnescape(strings.Trim(v, `"`))
			if err == nil && k != "realm" {
				p[k] = val
			}
		}
	}
	if len(p) == 0 {
		return nil, nil
	}
	var missing []string
	for _, n := range oauthNames {
		if p[n] == "" {
			missing = append(missing, n)
		}
	}
	if len(missing) > 0 {
		word := "parameter "
		if len(missing) > 1 {
			word = "parameters "
		}
		return nil, fail(401, "woocommerce_rest_authentication_missing_parameter", "Missing OAuth "+word+strings.Join(missing, ", "))
	}
	k := s.key(p["oauth_consumer_key"])
	if k == nil {
		return nil, authError("Consumer key is invalid.")
	}
	var mac func() hash.Hash
	switch p["oauth_signature_method"] {
	case "HMAC-SHA1":
		mac = sha1.New
	case "HMAC-SHA256":
		mac = sha256.New
	default:
		return nil, authError("Invalid signature - signature method is invalid.")
	}
	pairs := []string{}
	var walk func(name string, v any)
	walk = func(name string, v any) {
		if o, isObj := v.(*Obj); isObj {
			for i, key := range o.keys {
				walk(name+"["+key+"]", o.vals[i])
			}
			return
		}
		if name != "oauth_signature" {
			pairs = append(pairs, rfc3986(rfc3986(name))+"%3D"+rfc3986(rfc3986(text(v))))
		}
	}
	for i, key := range q.query.keys {
		walk(key, q.query.vals[i])
	}
	if inHeader {
		for key, v := range p {
			walk(key, v)
		}
	}
	sort.Strings(pairs)
	base := q.r.Method + "&" + rfc3986(q.home()+q.r.URL.Path) + "&" + strings.Join(pairs, "%26")
	h := hmac.New(mac, []byte(k.Secret+"&"))
	h.Write([]byte(base))
	if !hmac.Equal([]byte(base64.StdEncoding.EncodeToString(h.Sum(nil))), []byte(p["oauth_signature"])) {
		return nil, authError("Invalid signature - provided signature does not match.")
	}
	ts, err := strconv.ParseInt(p["oauth_timestamp"], 10, 64)
	now := s.now().Unix()
	if err != nil || ts < now-900 || ts > now+900 {
		return nil, authError("Invalid timestamp.")
	}
	nonce := k.Key + " " + p["oauth_nonce"]
	if s.nonces[nonce] {
		return nil, authError("Invalid nonce - nonce has already been used.")
	}
	s.nonces[nonce] = true
	return s.userOf(k), nil
}

func rfc3986(s string) string {
	return strings.NewReplacer("+", "%20", "%7E", "~").Replace(url.QueryEscape(s))
}
