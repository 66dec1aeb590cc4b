package wcapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Kind classifies what went wrong; it is itself an error, so that
// errors.Is(err, wcapi.ErrNotFound) works on everything this package returns.
type Kind string

// Error makes a Kind usable with errors.Is.
func (k Kind) Error() string { return "wcapi: " + strings.ReplaceAll(string(k), "_", " ") }

// The kinds of failure.
const (
	// ErrNotAPI: something answered, but it is not the WooCommerce API (an HTML page, another site).
	ErrNotAPI Kind = "not_api"
	// ErrRedirect: the address answers from somewhere else; nothing was sent there.
	ErrRedirect Kind = "redirect"
	// ErrUnauthorized: the keys are missing, ignored, wrong, or lack the write (or read) permission.
	ErrUnauthorized Kind = "unauthorized"
	// ErrForbidden: the keys are right but their user may not do this, or a firewall refused.
	ErrForbidden Kind = "forbidden"
	// ErrNotFound: no such object or no such route.
	ErrNotFound Kind = "not_found"
	// ErrGone: the object is in the trash already.
	ErrGone Kind = "gone"
	// ErrInvalid: the store understood and refused; see Code, Params and ResourceID.
	ErrInvalid Kind = "invalid"
	// ErrTooLarge: the request is larger than the store or its web server takes.
	ErrTooLarge Kind = "too_large"
	// ErrTooManyRequests: the store or its host limits the rate; see RetryAfter.
	ErrTooManyRequests Kind = "too_many_requests"
	// ErrMaintenance: the store is closed for an update; see RetryAfter.
	ErrMaintenance Kind = "maintenance"
	// ErrServer: the store failed (500, 502, 504…).
	ErrServer Kind = "server"
	// ErrTLS: the certificate or the secure connection was refused.
	ErrTLS Kind = "tls"
	// ErrDNS: the host name does not resolve.
	ErrDNS Kind = "dns"
	// ErrConnection: no connection, or it broke.
	ErrConnection Kind = "connection"
	// ErrTimeout: no complete answer within the timeout.
	ErrTimeout Kind = "timeout"
	// ErrPaused: the circuit breaker keeps requests back after repeated failures.
	ErrPaused Kind = "paused"
	// ErrCanceled: the caller's context ended.
	ErrCanceled Kind = "canceled"
	// ErrDecode: the store sent JSON this package cannot read.
	ErrDecode Kind = "decode"
	// ErrBlocked: this program may not connect to the address.
	ErrBlocked Kind = "blocked"
	// ErrCached: a cache answered in the store's place; what the store itself
	// would say is not known, so nothing may be concluded from it.
	ErrCached Kind = "cached"
	// ErrConfig: the configuration cannot be used.
	ErrConfig Kind = "config"
	// ErrOutcomeUnknown accompanies one of the others: a request that must not
	// be sent twice was sent, and nobody knows whether the store acted on it.
	// Look in the store before sending it again.
	ErrOutcomeUnknown Kind = "outcome_unknown"
)

// Error is every error of this package. Its text and its fields never contain
// keys, secrets or query strings, so both may be logged and shown.
type Error struct {
	Kind       Kind
	Method     string // of the request, "" when none was made
	Path       string // without host and query
	Status     int    // HTTP status, 0 when there was no answer
	Code       string // WooCommerce's own code, e.g. product_invalid_sku
	Message    string // plain text
	Params     map[string]string
	ResourceID int64         // the object that stands in the way, if WooCommerce names it
	Data       []byte        // the raw "data" of the store's answer
	RetryAfter time.Duration // how long the store asks to wait, 0 when it does not say
	Unknown    bool          // see ErrOutcomeUnknown
	Attempts   int           // how often the request was sent
	Problem    *Problem      // the item of a list that cannot be read, nil for all other errors
	cause      error
	remedy     string // of whoever refused to connect
}

// Error names the request, what happened and what to do.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Method != "" {
		fmt.Fprintf(&b, "%s %s: ", e.Method, e.Path)
	}
	b.WriteString(e.Message)
	var facts []string
	if e.Status != 0 {
		facts = append(facts, "HTTP "+strconv.Itoa(e.Status))
	}
	if e.Code != "" {
		facts = append(facts, e.Code)
	}
	if len(facts) > 0 {
		fmt.Fprintf(&b, " (%s)", strings.Join(facts, ", "))
	}
	if r := e.Remedy(); r != "" {
		b.WriteString(". " + r)
	}
	return b.String()
}

// Unwrap gives the underlying network error, if there is one.
func (e *Error) Unwrap() error { return e.cause }

// Is matches the error's Kind, and ErrOutcomeUnknown when that applies too.
func (e *Error) Is(target error) bool {
	k, ok := target.(Kind)
	return ok && (k == e.Kind || k == ErrOutcomeUnknown && e.Unknown)
}

// Temporary reports whether the same request may succeed later without anybody
// changing anything. It does not say that repeating it is harmless: see Unknown.
func (e *Error) Temporary() bool {
	switch e.Kind {
	case ErrTooManyRequests, ErrMaintenance, ErrServer, ErrDNS, ErrConnection, ErrTimeout, ErrPaused, ErrCached:
		return true
	}
	return false
}

// Remedy says what a person can do about the error.
func (e *Error) Remedy() string {
	if e.Unknown {
		return "The store may or may not have carried this out: look there before repeating it."
	}
	switch e.Kind {
	case ErrBlocked:
		return e.remedy
	case ErrNotAPI:
		return "Check that the URL is the shop's own address, that WooCommerce is active, and that permalinks are set to anything but Plain (WordPress, Settings, Permalinks)."
	case ErrRedirect:
		return "Enter the address the store redirects to, with https where it has it."
	case ErrUnauthorized:
		switch {
		case strings.Contains(e.Message, "permissions"):
			return "Give the key Read/Write permission (WooCommerce, Settings, Advanced, REST API)."
		case strings.Contains(strings.ToLower(e.Message), "timestamp"):
			return "Set the clocks of this machine and of the store right; they differ by more than 15 minutes."
		case strings.Contains(strings.ToLower(e.Message), "signature"):
			return "Check the consumer secret, and that the URL here equals the WordPress address of the store, scheme and port included."
		}
		return "Check the consumer key and secret. If they are right, the host removes the Authorization header or WordPress does not see https: run the connection test, which finds the way that works."
	case ErrForbidden:
		return "Use keys of an administrator or shop manager; if they are, a firewall or security plugin of the store blocks the API for this server."
	case ErrNotFound:
		if e.Code == "rest_no_route" {
			return "The store does not know this route: update WooCommerce (3.5 or newer) and check that it is active."
		}
		return "It was deleted in the store or never existed there."
	case ErrGone:
		return "It is in the store's trash already."
	case ErrInvalid:
		return "Correct the value named and send it again."
	case ErrTooLarge:
		return "Send less at once, or raise the store's request limits."
	case ErrTooManyRequests:
		return "Wait, or lower the request rate of this store."
	case ErrMaintenance:
		return "The store is being updated; it is tried again later."
	case ErrServer:
		return "Look at the store's error log (WooCommerce, Status, Logs); often a plugin or a PHP limit fails."
	case ErrTLS:
		return "Renew or complete the store's certificate; it must be valid for the host name in the URL."
	case ErrDNS:
		return "Check the host name in the URL."
	case ErrConnection:
		return "Check that the store is up and that this server is allowed to reach it."
	case ErrTimeout:
		return "The store is too slow or overloaded; it is tried again later."
	case ErrPaused:
		return "Requests go on by themselves after a short pause."
	case ErrCached:
		return "Exclude the addresses that begin with /wp-json/ (or ?rest_route=) from the cache of the store: in its cache plugin, its host's panel or its CDN."
	case ErrDecode:
		return "A plugin of the store changes the API's answers; the field named shows which."
	}
	return ""
}

// RetryAfter returns how long the store asked to wait, 0 when err does not say.
func RetryAfter(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}

// apiError is the body of a refusal. data is an object, or a bare number in
// refund errors; params is an object, or a list of missing names.
type apiError struct {
	Code    string          `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data"`
}

type apiErrorData struct {
	Status     Int             `json:"status"`
	Params     json.RawMessage `json:"params"`
	ResourceID ID              `json:"resource_id"`
}

// readAPIError returns nil unless body is a WordPress error object.
func readAPIError(body []byte) *apiError {
	var a apiError
	if json.Unmarshal(body, &a) != nil || a.Code == "" {
		return nil
	}
	return &a
}

func (a *apiError) into(e *Error) {
	e.Code = a.Code
	e.Message = plainText(a.Message)
	e.Data = a.Data
	var d apiErrorData
	if json.Unmarshal(a.Data, &d) != nil {
		return
	}
	e.ResourceID = int64(d.ResourceID)
	var byName map[string]string
	var names []string
	switch {
	case json.Unmarshal(d.Params, &byName) == nil:
		e.Params = make(map[string]string, len(byName))
		for k, v := range byName {
			e.Params[k] = plainText(v)
		}
	case json.Unmarshal(d.Params, &names) == nil:
		e.Params = make(map[string]string, len(names))
		for _, n := range names {
			e.Params[n] = "missing"
		}
	}
	if len(e.Params) > 0 && len(byName) > 0 {
		e.Message += ": " + strings.Join(sortedValues(e.Params), " ")
	}
}

// status is the status WooCommerce meant: refund errors are all sent as 500
// with the intended one as a bare number in data.
func (a *apiError) status(sent int) int {
	var n int
	if json.Unmarshal(a.Data, &n) == nil && n >= 400 && n < 600 {
		return n
	}
	return sent
}

// kindOf classifies an answer that is not a success.
func kindOf(status int, api *apiError, html bool) Kind {
	decided := api != nil && strings.HasPrefix(api.Code, "woocommerce_")
	if api != nil {
		status = api.status(status)
	}
	switch {
	case status >= 300 && status < 400:
		return ErrRedirect
	case status == 401:
		return ErrUnauthorized
	case status == 403:
		return ErrForbidden
	case status == 404 && html, status == 405 && api == nil:
		return ErrNotAPI
	case status == 404:
		return ErrNotFound
	case status == 400 && api != nil && missingPattern.MatchString(api.Code):
		// Writing to an object that is not there is a 400, reading it a 404.
		return ErrNotFound
	case status == 410:
		return ErrGone
	case status == 413:
		return ErrTooLarge
	case status == 429:
		return ErrTooManyRequests
	case status == 408:
		return ErrTimeout
	case status == 501, status >= 500 && decided:
		// WooCommerce itself said no (a gateway without refunds, no trash for this type): final.
		return ErrInvalid
	case status == 503:
		return ErrMaintenance
	case status >= 500:
		return ErrServer
	case api == nil && html:
		return ErrNotAPI
	}
	return ErrInvalid
}

var (
	// knownCode matches codes that WordPress and WooCommerce make up, not what a
	// host could put there.
	knownCode      = regexp.MustCompile(`^(rest|woocommerce_rest)_(cannot_[a-z_]{1,40}|no_route|forbidden|not_logged_in|invalid_param|authentication_error|[a-z_]{0,20}invalid_id)$`)
	missingPattern = regexp.MustCompile(`^woocommerce_rest_([a-z_]+_)?invalid_id$`)

	tagPattern   = regexp.MustCompile(`<[^>]*>`)
	spacePattern = regexp.MustCompile(`\s+`)
)

// plainText makes the store's HTML message fit for a log line or a dialog.
func plainText(s string) string {
	s = html.UnescapeString(tagPattern.ReplaceAllString(s, " "))
	return clip(strings.TrimSpace(spacePattern.ReplaceAllString(s, " ")), 400)
}

var secretPattern = regexp.MustCompile(`(?i)\b(ck|cs)_[0-9a-z]{8,}|((?:consumer_key|consumer_secret|oauth_[a-z_]+)(?:=|%3D))[^&\s"']*|((?:basic|bearer|oauth) )[A-Za-z0-9+/=._~-]{8,}`)

// scrub removes keys and secrets from foreign text, both the known ones and
// whatever looks like one.
func scrub(s string, secrets ...string) string {
	for _, x := range secrets {
		if len(x) >= 4 {
			s = strings.ReplaceAll(s, x, "***")
		}
	}
	return secretPattern.ReplaceAllString(s, "${2}${3}***")
}
