package wcapi

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// UserAgent is sent with every request.
const UserAgent = "FusionWooCommerce/1.0"

// Config says how to reach one store. The zero value of every field but
// BaseURL and the keys is a sensible default.
type Config struct {
	// BaseURL is the shop's address, e.g. "https://shop.example" or
	// "https://example.org/shop". What people paste after it (wp-admin,
	// wp-json) is cut off.
	BaseURL        string
	ConsumerKey    string
	ConsumerSecret string
	Auth           AuthMode
	// APIVersion is the namespace, default "wc/v3".
	APIVersion string
	// PlainPermalinks addresses routes as ?rest_route=, for sites whose
	// permalinks are set to Plain.
	PlainPermalinks bool
	// TrustProxyHTTPS is for a store reached over plain http on a private
	// network, behind the proxy that does its TLS: requests carry
	// X-Forwarded-Proto: https, and keys may be sent as over https.
	TrustProxyHTTPS bool
	// SignAsHTTP signs OAuth requests for http although the URL is https: for
	// a store behind a proxy that does not tell WordPress about https.
	SignAsHTTP bool

	// Proven says that the address has shown before that it is a WooCommerce
	// store. Until then nothing that it answers is repeated in an error, for it
	// may be anything that answers to HTTP.
	Proven bool

	// Timeout of one attempt, default 30 s.
	Timeout time.Duration
	// Tries is how often a request is sent at most, default 3.
	Tries int
	// Backoff is waited before the second try and doubled for each further
	// one, default 1 s. The store's Retry-After is waited instead when longer.
	Backoff time.Duration
	// MaxRetryAfter is the longest Retry-After worth waiting for inside a call,
	// default 30 s. Beyond it the error is returned at once with RetryAfter set.
	MaxRetryAfter time.Duration
	// RateLimit is the most requests per second, 0 for no limit. Burst is how
	// many may go at once, default 1.
	RateLimit float64
	Burst     int
	// PauseAfter calls that failed in a row for lack of a working store, all
	// further ones fail with ErrPaused for PauseFor; defaults 5 and 30 s.
	// A negative PauseAfter switches this off.
	PauseAfter int
	PauseFor   time.Duration
	// MaxResponse is the largest answer accepted in bytes, default 64 MiB.
	MaxResponse int64

	// Transport carries the requests. Whoever makes the client decides what it may
	// connect to; there is no default.
	Transport http.RoundTripper
	// Logger receives warnings (retries, salvaged answers), default none.
	Logger *slog.Logger
	// Now and Sleep replace the clock; tests set them so as never to wait.
	Now   func() time.Time
	Sleep func(context.Context, time.Duration) error
	// Nonce replaces the random source of OAuth nonces in tests.
	Nonce func() string
}

// withDefaults validates cfg and fills in what was left out.
func (cfg Config) withDefaults() (Config, *url.URL, error) {
	bad := func(format string, args ...any) (Config, *url.URL, error) {
		return cfg, nil, &Error{Kind: ErrConfig, Message: scrub(fmt.Sprintf(format, args...), cfg.ConsumerSecret, cfg.ConsumerKey)}
	}
	base, err := storeURL(cfg.BaseURL)
	if err != nil {
		return bad("%v", err)
	}
	cfg.ConsumerKey = strings.TrimSpace(cfg.ConsumerKey)
	cfg.ConsumerSecret = strings.TrimSpace(cfg.ConsumerSecret)
	if cfg.ConsumerKey == "" || cfg.ConsumerSecret == "" {
		return bad("consumer key and consumer secret are both needed")
	}
	secure := base.Scheme == "https" || cfg.TrustProxyHTTPS
	switch cfg.Auth {
	case AuthAuto, "auto":
		cfg.Auth = AuthOAuth
		if secure {
			cfg.Auth = AuthBasic
		}
	case AuthBasic, AuthQuery:
		if !secure {
			return bad("auth mode %q would send the keys readable over plain http, and the store would ignore them: use https or auth mode oauth", cfg.Auth)
		}
	case AuthOAuth:
	default:
		return bad("auth mode %q is none of auto, basic, query, oauth", cfg.Auth)
	}
	cfg.APIVersion = strings.Trim(orDefault(cfg.APIVersion, "wc/v3"), "/")
	if !regexp.MustCompile(`^wc/v[0-9]+$`).MatchString(cfg.APIVersion) {
		return bad("API version %q is not of the form wc/v3", clip(cfg.APIVersion, 40))
	}
	cfg.Timeout = orDefault(cfg.Timeout, 30*time.Second)
	cfg.Tries = orDefault(cfg.Tries, 3)
	cfg.Backoff = orDefault(cfg.Backoff, time.Second)
	cfg.MaxRetryAfter = orDefault(cfg.MaxRetryAfter, 30*time.Second)
	cfg.Burst = orDefault(cfg.Burst, 1)
	cfg.PauseAfter = orDefault(cfg.PauseAfter, 5)
	cfg.PauseFor = orDefault(cfg.PauseFor, 30*time.Second)
	cfg.MaxResponse = orDefault(cfg.MaxResponse, 64<<20)
	if cfg.Tries < 1 || cfg.Timeout < 0 || cfg.RateLimit < 0 {
		return bad("tries, timeout and rate limit may not be negative")
	}
	if cfg.Transport == nil {
		return bad("nothing carries the requests: set Transport")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Sleep == nil {
		cfg.Sleep = sleep
	}
	if cfg.Nonce == nil {
		cfg.Nonce = newNonce
	}
	return cfg, base, nil
}

func orDefault[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// storeURL reduces what people paste to the shop's address, without a slash at the end.
func storeURL(s string) (*url.URL, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return nil, fmt.Errorf("the store's URL is empty")
	}
	if !strings.Contains(s, "://") {
		return nil, fmt.Errorf("the store's URL must begin with https:// or http://")
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, fmt.Errorf("the store's URL is not a web address with https:// or http://")
	}
	if u.User != nil {
		return nil, fmt.Errorf("the store's URL must not contain a user name or password")
	}
	path := u.Path
	for _, tail := range []string{"/wp-json", "/wp-admin", "/wp-login.php", "/index.php"} {
		if i := strings.Index(path+"/", tail+"/"); i >= 0 {
			path = path[:i]
		}
	}
	return &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host), Path: strings.TrimRight(path, "/")}, nil
}
