package wcapi

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/time/rate"
)

// Client speaks to one store. Make it with [New]; it is safe for concurrent use.
type Client struct {
	cfg     Config
	base    *url.URL
	http    *http.Client
	limiter *rate.Limiter
	breaker *breaker
	clock   *storeClock
}

// New checks cfg and returns a client. Nothing is sent yet.
func New(cfg Config) (*Client, error) {
	cfg, base, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Client{cfg: cfg, base: base, clock: &storeClock{}, breaker: &breaker{limit: cfg.PauseAfter, pause: cfg.PauseFor}}
	c.http = &http.Client{
		Transport: cfg.Transport,
		// A redirect may leave https, and turns a POST into a GET: never followed.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if cfg.RateLimit > 0 {
		c.limiter = rate.NewLimiter(rate.Limit(cfg.RateLimit), cfg.Burst)
	}
	return c, nil
}

// Auth is the mode in use (never AuthAuto).
func (c *Client) Auth() AuthMode { return c.cfg.Auth }

// BaseURL is the shop's address, without a slash at the end.
func (c *Client) BaseURL() string { return c.base.String() }

// Query is the query string of a request, one value a name. WooCommerce takes
// lists as comma-separated values.
type Query map[string]string

// With returns a copy with one more value.
func (q Query) With(name, value string) Query {
	out := make(Query, len(q)+1)
	for k, v := range q {
		out[k] = v
	}
	out[name] = value
	return out
}

// Request is one call to the API.
type Request struct {
	Method string
	// Path below the API version, e.g. "products/12". A path that begins with
	// a slash is taken from the root of the REST API ("/" is its index).
	Path  string
	Query Query
	// Body is marshalled to JSON; nil sends none.
	Body any
	// Once marks a request that must not be sent again when its outcome is
	// unknown. Every POST is one unless Repeatable is set.
	Once       bool
	Repeatable bool

	anonymous bool // send no keys
	secret    bool // the body holds a secret
	failFast  bool // leave server errors and timeouts to the caller
}

// Response is a success.
type Response struct {
	Status int
	Header http.Header
	Body   json.RawMessage
	// Total and TotalPages are the X-WP-* headers; -1 when missing.
	Total      int
	TotalPages int
	// Warning tells what was wrong with an answer that could be read all the same.
	Warning string
	// Attempts is how often the request was sent.
	Attempts int

	asked time.Time // by our clock
}

// reads reports whether the request only reads, so that a cache may answer it.
func (r Request) reads() bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// fromCache says by what an answer shows that it does not come from the store
// itself, "" when it does not. before is the date of the previous attempt's.
func (c *Client) fromCache(r Request, resp *Response, before time.Time) string {
	if !r.reads() || r.anonymous {
		return "" // the index that anybody may read holds nothing that changes
	}
	if header := cachedBy(resp.Header); header != "" {
		return header
	}
	if c.clock.stale(resp.Date(), resp.asked, before) {
		return "date: " + resp.Date().Format(time.DateTime)
	}
	return ""
}

// cachedError is the error of an answer that a cache gave.
func (c *Client) cachedError(r Request, shown string) *Error {
	msg := "a cache answered in the store's place"
	if c.cfg.Proven {
		msg += " (" + shown + ")"
	}
	return &Error{Kind: ErrCached, Method: r.Method, Path: r.Path, Status: http.StatusOK, Message: msg}
}

// Date is the store's own clock when it answered; the zero time if unknown.
func (r *Response) Date() time.Time {
	t, err := http.ParseTime(r.Header.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// once sends the request a single time.
func (c *Client) once(ctx context.Context, r Request, body []byte) (*Response, *Error) {
	fail := func(kind Kind, cause error, format string, args ...any) *Error {
		e := &Error{Kind: kind, Method: r.Method, Path: r.Path, Message: scrub(fmt.Sprintf(format, args...), c.cfg.ConsumerSecret, c.cfg.ConsumerKey)}
		// A cause that would leak a key when printed is dropped.
		if cause != nil && scrub(cause.Error(), c.cfg.ConsumerSecret, c.cfg.ConsumerKey) == cause.Error() {
			e.cause = cause
		}
		return e
	}
	if r.secret && !c.private() {
		return nil, fail(ErrConfig, nil, "the store is reached over plain http, where everybody on the way can read the secret of its webhooks: nothing was sent")
	}
	if c.limiter != nil {
		now := c.cfg.Now()
		if d := c.limiter.ReserveN(now, 1).DelayFrom(now); d > 0 {
			if err := c.cfg.Sleep(ctx, d); err != nil {
				return nil, fail(ErrCanceled, err, "given up while waiting for the rate limit")
			}
		}
	}
	reqCtx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	var reader io.Reader
	if r.Body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(reqCtx, r.Method, c.address(r), reader)
	if err != nil {
		return nil, fail(ErrConfig, nil, "the request cannot be built: the address of the store or the path %q is not valid", r.Path)
	}
	c.setHeaders(req, r)

	asked := c.cfg.Now()
	resp, err := c.http.Do(req)
	if err != nil {
		e := c.transportError(ctx, err, fail)
		e.Unknown = r.mustNotRepeat() && !neverSent(err)
		return nil, e
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, c.cfg.MaxResponse+1))
	if err != nil {
		e := c.transportError(ctx, err, fail)
		e.Status = resp.StatusCode
		e.Unknown = r.mustNotRepeat()
		return nil, e
	}
	if int64(len(raw)) > c.cfg.MaxResponse {
		return nil, fail(ErrDecode, nil, "the answer is larger than %d bytes", c.cfg.MaxResponse)
	}
	out, failure := c.readAnswer(r, resp, raw, fail)
	if failure == nil {
		out.asked = asked
	}
	return out, failure
}

// readAnswer sorts an answer into success and the kinds of failure.
func (c *Client) readAnswer(r Request, resp *http.Response, raw []byte, fail func(Kind, error, string, ...any) *Error) (*Response, *Error) {
	doc, warning, ok := jsonBody(raw)
	status := resp.StatusCode
	if status >= 200 && status < 300 && (ok || r.Method == http.MethodHead) {
		return &Response{Status: status, Header: resp.Header, Body: doc, Warning: warning,
			Total: headerInt(resp.Header, "X-WP-Total"), TotalPages: headerInt(resp.Header, "X-WP-TotalPages")}, nil
	}
	if status >= 200 && status < 300 {
		kind, msg := ErrNotAPI, "the address answers with something that is not the WooCommerce API"
		if looksHTML(raw) {
			msg = "the address answers with a web page, not as the WooCommerce API"
		}
		if looksCutShort(raw) {
			kind, msg = ErrConnection, "the answer of the store was cut short"
		}
		e := fail(kind, nil, "%s", msg)
		e.Status, e.Unknown = status, r.mustNotRepeat()
		return nil, e
	}
	var api *apiError
	if ok {
		api = readAPIError(doc)
	}
	kind := kindOf(status, api, !ok && looksHTML(raw))
	e := fail(kind, nil, "%s", statusText(kind, status))
	switch {
	case api != nil && c.cfg.Proven:
		api.into(e)
		e.Message = scrub(e.Message, c.cfg.ConsumerSecret, c.cfg.ConsumerKey)
	case api != nil && knownCode.MatchString(api.Code):
		e.Code = api.Code
	case kind == ErrRedirect:
		e.Message = "the address redirects " + c.redirectTarget(resp)
	}
	if e.Message == "" {
		e.Message = statusText(kind, status)
	}
	e.Status = status
	e.RetryAfter = c.retryAfter(resp.Header)
	// A crash or a gateway's timeout may come after the work was done; the
	// other refusals come before it.
	e.Unknown = r.mustNotRepeat() && (kind == ErrServer || kind == ErrTimeout)
	return nil, e
}

func (c *Client) retryAfter(h http.Header) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	if n, err := strconv.Atoi(v); err == nil {
		return max(0, time.Duration(n)*time.Second)
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(0, t.Sub(c.cfg.Now()))
	}
	return 0
}

// address builds the URL, with the keys or the signature where they go there.
func (c *Client) address(r Request) string {
	route := "/" + c.cfg.APIVersion + "/" + r.Path
	if strings.HasPrefix(r.Path, "/") {
		route = r.Path
	}
	u := *c.base
	var ps []param
	if c.cfg.PlainPermalinks {
		u.Path += "/"
		ps = append(ps, param{"rest_route", route})
		if !r.anonymous {
			// WooCommerce looks at keys only when the address contains these letters.
			ps = append(ps, param{"via", "wp-json/wc/"})
		}
	} else {
		u.Path += "/wp-json" + route
	}
	names := make([]string, 0, len(r.Query))
	for name := range r.Query {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		ps = append(ps, param{name, r.Query[name]})
	}
	if r.reads() {
		ps = append(ps, param{freshParam, c.cfg.Nonce()})
	}
	switch {
	case r.anonymous:
	case c.cfg.Auth == AuthQuery:
		ps = append(ps, param{"consumer_key", c.cfg.ConsumerKey}, param{"consumer_secret", c.cfg.ConsumerSecret})
	case c.cfg.Auth == AuthOAuth:
		signed := u
		if c.cfg.TrustProxyHTTPS {
			signed.Scheme = "https"
		}
		if c.cfg.SignAsHTTP {
			signed.Scheme = "http"
		}
		ps = signOAuth(r.Method, signed.String(), ps, c.cfg.ConsumerKey, c.cfg.ConsumerSecret, c.cfg.Nonce(), c.cfg.Now())
	}
	// The slashes stay readable for the store's own look at the address, see via.
	u.RawQuery = strings.ReplaceAll(encodeParams(ps), "via=wp-json%2Fwc%2F", "via=wp-json/wc/")
	return u.String()
}

func (c *Client) setHeaders(req *http.Request, r Request) {
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", UserAgent)
	if r.reads() {
		askFresh(req.Header)
	}
	if r.Body != nil {
		req.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	if c.cfg.TrustProxyHTTPS {
		req.Header.Set("X-Forwarded-Proto", "https")
	}
	if c.cfg.Auth == AuthBasic && !r.anonymous {
		req.SetBasicAuth(c.cfg.ConsumerKey, c.cfg.ConsumerSecret)
	}
}

// transportError classifies a failure without an answer.
func (c *Client) transportError(ctx context.Context, err error, fail func(Kind, error, string, ...any) *Error) *Error {
	var ue *url.Error // its text holds the whole address, query included
	if errors.As(err, &ue) {
		err = ue.Err
	}
	var (
		dns      *net.DNSError
		netErr   net.Error
		certErr  *tls.CertificateVerificationError
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		record   tls.RecordHeaderError
		alert    tls.AlertError
	)
	host := c.base.Host
	var gate refusal
	switch {
	case errors.As(err, &gate):
		e := fail(ErrBlocked, nil, "%s is not asked: %s", host, gate.Error())
		e.remedy = gate.Remedy()
		return e
	case ctx.Err() != nil:
		return fail(ErrCanceled, ctx.Err(), "given up by the caller")
	case errors.As(err, &dns):
		return fail(ErrDNS, err, "the host name %s does not resolve", host)
	case errors.As(err, &certErr), errors.As(err, &unknown), errors.As(err, &hostname), errors.As(err, &invalid), errors.As(err, &record), errors.As(err, &alert):
		return fail(ErrTLS, err, "no secure connection to %s: %s", host, certificateFault(err))
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return fail(ErrTimeout, err, "no answer from %s within %s", host, c.cfg.Timeout)
	case isPlainHTTP(err):
		return fail(ErrTLS, err, "%s does not speak https on this port", host)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fail(ErrConnection, err, "%s refuses the connection", host)
	}
	return fail(ErrConnection, err, "the connection to %s broke, or what answers there does not speak HTTP", host)
}

// refusal is the error of a transport that may not carry a request, and has not.
type refusal interface {
	error
	Remedy() string
}

// certificateFault says what is wrong with a secure connection, without what a
// certificate of some other host tells of that.
func certificateFault(err error) string {
	var unknown x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &unknown):
		return "its certificate is not signed by an authority that is known here"
	case errors.As(err, &hostname):
		return "its certificate is for another name"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "its certificate has expired, or is not valid yet"
	case errors.As(err, &invalid):
		return "its certificate is not valid"
	}
	return "the two sides do not agree on one"
}

// private reports whether nobody on the way can read what is sent: it is
// encrypted, or does not leave the machine.
func (c *Client) private() bool {
	if c.base.Scheme == "https" || c.base.Hostname() == "localhost" {
		return true
	}
	ip := net.ParseIP(c.base.Hostname())
	return ip != nil && ip.IsLoopback()
}

// neverSent reports that a request certainly did not reach the store: there
// was no connection to send it over.
func neverSent(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var gate refusal
	return errors.As(err, &gate) || errors.As(err, &op) && op.Op == "dial" || errors.As(err, &dns) || errors.As(err, &cert) ||
		errors.As(err, &record) || errors.Is(err, syscall.ECONNREFUSED) || isPlainHTTP(err)
}

// isPlainHTTP recognises net/http's answer to a port without TLS; it has no type.
func isPlainHTTP(err error) bool {
	return strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
}

// redirectTarget says where a redirect leads, seen from the address that was
// asked; a host that was not asked for is not named.
func (c *Client) redirectTarget(resp *http.Response) string {
	loc, err := resp.Location()
	if err != nil {
		return "to nowhere"
	}
	bare := func(host string) string { return strings.TrimPrefix(strings.ToLower(host), "www.") }
	same := strings.EqualFold(loc.Hostname(), c.base.Hostname())
	switch {
	case same && loc.Scheme != c.base.Scheme:
		return "to " + loc.Scheme + "://" + c.base.Hostname()
	case same:
		return "to another path or port of the same host"
	case bare(loc.Hostname()) == bare(c.base.Hostname()):
		return "to the same name with or without www"
	}
	return "to another host"
}

func statusText(kind Kind, status int) string {
	switch kind {
	case ErrMaintenance:
		return "the store is closed for maintenance or overloaded"
	case ErrServer:
		return "the store failed inside"
	case ErrNotAPI:
		return "the address does not answer as the WooCommerce API"
	case ErrForbidden:
		return "the store's web server refuses this request"
	case ErrTooManyRequests:
		return "the store asks for fewer requests"
	}
	if t := http.StatusText(status); t != "" {
		return strings.ToLower(t)
	}
	return "unexpected answer"
}

func headerInt(h http.Header, name string) int {
	n, err := strconv.Atoi(h.Get(name))
	if err != nil {
		return -1
	}
	return n
}

func sortedValues(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = m[k]
	}
	return out
}

// decodeText says which field could not be read, without quoting much of it.
func decodeText(err error) string { return clip(err.Error(), 200) }
