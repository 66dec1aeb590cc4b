package wcapi

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
)

// Findings is what [Probe] learnt about a store.
type Findings struct {
	Config       Config // the one given, with the way that works filled in
	SiteName     string
	HomeURL      string   // the address WordPress believes to have
	TimeZone     string   // e.g. "America/Toronto", "" for a plain offset
	Namespaces   []string // of all REST routes: tells which plugins have an API
	Version      string   // of WooCommerce, e.g. "9.2.5"
	WPVersion    string
	Currency     string
	Decimals     int      // of prices
	HPOS         bool     // high-performance order storage is on
	Observations []string // sentences for the person who runs the connection test
}

// HasNamespace reports whether the site offers REST routes under name.
func (f *Findings) HasNamespace(name string) bool { return slices.Contains(f.Namespaces, name) }

type siteIndex struct {
	Name       string   `json:"name"`
	URL        string   `json:"url"`
	Home       string   `json:"home"`
	TimeZone   string   `json:"timezone_string"`
	Namespaces []string `json:"namespaces"`
}

// Probe finds out how a store can be reached: whether its permalinks are
// plain, whether it is the WooCommerce API at all, and which way of showing
// the keys it heeds. It only reads. Of several errors the one that tells the most
// is returned: a wrong key is told apart from keys that are ignored. With
// [ErrForbidden] the findings are returned too, as far as they go: the keys are
// heeded, but their user may not see the system status.
func Probe(ctx context.Context, cfg Config) (*Findings, error) {
	if cfg.Tries == 0 {
		cfg.Tries = 2
	}
	index, plain, err := probeIndex(ctx, cfg)
	if err != nil {
		return nil, err
	}
	cfg.PlainPermalinks = plain
	cfg.Proven = true
	f := &Findings{SiteName: Unescape(index.Name), HomeURL: index.Home, TimeZone: index.TimeZone, Namespaces: index.Namespaces}
	version := strings.Trim(orDefault(cfg.APIVersion, "wc/v3"), "/")
	if !f.HasNamespace(version) {
		return nil, &Error{Kind: ErrNotAPI, Method: http.MethodGet, Path: "/", Message: "this is a WordPress site, but it offers no " + version + " API: WooCommerce is not active there, or older than 3.5"}
	}
	var told error
	for _, way := range waysToSign(cfg) {
		c, err := New(way)
		if err != nil {
			return nil, err
		}
		status, err := c.SystemStatus(ctx)
		if err == nil || errors.Is(err, ErrForbidden) && told == nil {
			f.Config = way
			f.Config.Auth = c.Auth()
			if err != nil {
				return f, err // the keys are heeded, their user may not look: no other way helps
			}
			f.describe(status, c, cfg)
			return f, nil
		}
		if !errors.Is(err, ErrUnauthorized) && !errors.Is(err, ErrForbidden) {
			return nil, err
		}
		told = moreTelling(told, err)
	}
	var e *Error
	if plain && errors.As(told, &e) {
		e.Message += " (the store's permalinks are set to Plain, and then WooCommerce may overlook keys: choose another setting in WordPress, Settings, Permalinks)"
	}
	return nil, told
}

func probeIndex(ctx context.Context, cfg Config) (*siteIndex, bool, error) {
	var first error
	for _, plain := range []bool{cfg.PlainPermalinks, !cfg.PlainPermalinks} {
		cfg.PlainPermalinks = plain
		c, err := New(cfg)
		if err != nil {
			return nil, false, err
		}
		index, err := send[siteIndex](ctx, c, Request{Method: http.MethodGet, Path: "/", anonymous: true,
			Query: Query{"_fields": "name,url,home,timezone_string,namespaces"}})
		if err == nil && len(index.Namespaces) > 0 {
			return index, plain, nil
		}
		if err == nil {
			err = &Error{Kind: ErrNotAPI, Method: http.MethodGet, Path: "/", Message: "the address answers JSON, but not as WordPress does"}
		}
		if e, ok := errors.AsType[*Error](err); ok && e.Kind == ErrDecode {
			e.Message = "the address answers JSON, but not as WordPress does"
		}
		if first == nil {
			first = err
		}
		if !errors.Is(err, ErrNotAPI) && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrDecode) {
			break
		}
	}
	return nil, false, first
}

// waysToSign lists what to try, the safest first. A mode set by hand is the only one.
func waysToSign(cfg Config) []Config {
	if cfg.Auth != AuthAuto && cfg.Auth != "auto" {
		return []Config{cfg}
	}
	with := func(m AuthMode, asHTTP bool) Config {
		c := cfg
		c.Auth, c.SignAsHTTP = m, asHTTP
		return c
	}
	secure := strings.HasPrefix(strings.ToLower(strings.TrimSpace(cfg.BaseURL)), "https:") || cfg.TrustProxyHTTPS
	if !secure {
		return []Config{with(AuthOAuth, false)}
	}
	return []Config{
		with(AuthBasic, false),
		with(AuthOAuth, true), // behind a proxy WordPress does not know about
		with(AuthQuery, false),
	}
}

// moreTelling prefers "this secret is wrong" to "I saw no keys".
func moreTelling(a, b error) error {
	rank := func(err error) int {
		var e *Error
		switch {
		case !errors.As(err, &e):
			return 0
		case strings.Contains(e.Code, "authentication") && !strings.Contains(strings.ToLower(e.Message), "signature"):
			return 3
		case strings.Contains(e.Code, "authentication"):
			return 2
		}
		return 1
	}
	if rank(b) > rank(a) {
		return b
	}
	return a
}

func (f *Findings) describe(s *SystemStatus, c *Client, asked Config) {
	f.Version, f.WPVersion = s.Environment.Version, s.Environment.WPVersion
	f.Currency = s.Settings.Currency
	f.Decimals = int(s.Settings.Decimals)
	f.HPOS = bool(s.Settings.HPOSEnabled)
	say := func(text string) { f.Observations = append(f.Observations, text) }
	if f.Config.PlainPermalinks && !asked.PlainPermalinks {
		say("The store's permalinks are set to Plain; it works, but any other setting is safer.")
	}
	if f.Config.SignAsHTTP {
		say("WordPress does not see that it is reached over https; requests are signed instead of using Basic authentication.")
	}
	if c.Auth() == AuthQuery {
		say("The host removes the Authorization header; the keys travel in the address, so they appear in the store's access log.")
	}
	if !f.HPOS {
		say("The store keeps orders in the posts table: some changes do not move an order's modification date, the full comparison finds them.")
	}
	if home, err := storeURL(s.Environment.HomeURL); err == nil && home.Host != c.base.Host {
		say("WordPress believes to be at " + home.String() + ".")
	}
}
