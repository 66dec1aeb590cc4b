package wcapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

func parseOrdered(t testing.TB, raw string) (ps []param) {
	t.Helper()
	for part := range strings.SplitSeq(raw, "&") {
		k, v, _ := strings.Cut(part, "=")
		name, err1 := url.QueryUnescape(k)
		value, err2 := url.QueryUnescape(v)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		ps = append(ps, param{name, value})
	}
	return ps
}

// Every signature a store accepted is computed again, and comes out the same.
func TestSignaturesOfRecordedRequests(t *testing.T) {
	t.Parallel()
	proven := 0
	for _, x := range recordings(t) {
		if !strings.Contains(x.Request.RawQuery, "oauth_signature=") || x.Response.Status != 200 || strings.Contains(x.Request.RawQuery, "HMAC-SHA1") {
			continue
		}
		var given []param
		var nonce, stamp, want string
		for _, p := range parseOrdered(t, x.Request.RawQuery) {
			switch p.name {
			case "oauth_nonce":
				nonce = p.value
			case "oauth_timestamp":
				stamp = p.value
			case "oauth_signature":
				want = p.value
			}
			if !strings.HasPrefix(p.name, "oauth_") {
				given = append(given, p)
			}
		}
		sec, _ := strconv.ParseInt(stamp, 10, 64)
		signed := signOAuth(x.Request.Method, "http://127.0.0.1:8088"+x.Request.Path, given, testKey, testSecret, nonce, time.Unix(sec, 0))
		if got := signed[len(signed)-1].value; got != want {
			t.Errorf("%s: signature %s, the store accepted %s", x.Name, got, want)
		}
		if _, base, ok := strings.Cut(x.Note, "signature base string: "); ok {
			if got := signatureBase(x.Request.Method, "http://127.0.0.1:8088"+x.Request.Path, signed); got != base {
				t.Errorf("%s: base string\n%s\nwant\n%s", x.Name, got, base)
			}
		}
		proven++
	}
	if proven < 5 {
		t.Errorf("only %d signatures compared", proven)
	}
}

// The store numbers the members of status[]; a client must sign that name.
func TestBracketsAreNumberedBeforeSigning(t *testing.T) {
	t.Parallel()
	want := recording(t, "026")
	var sent []param
	for _, p := range parseOrdered(t, want.Request.RawQuery) {
		if !strings.HasPrefix(p.name, "oauth_") {
			sent = append(sent, param{strings.NewReplacer("[0]", "[]", "[1]", "[]").Replace(p.name), p.value})
		}
	}
	q, _ := url.ParseQuery(want.Request.RawQuery)
	sec, _ := strconv.ParseInt(q.Get("oauth_timestamp"), 10, 64)
	signed := signOAuth("GET", "http://127.0.0.1:8088"+want.Request.Path, sent, testKey, testSecret, q.Get("oauth_nonce"), time.Unix(sec, 0))
	if got := signed[len(signed)-1].value; got != q.Get("oauth_signature") {
		t.Errorf("signature %s, want %s", got, q.Get("oauth_signature"))
	}
}

func TestWaysOfShowingKeys(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(*Config)
		check  func(*http.Request) bool
	}{
		{"https is Basic", func(*Config) {}, func(r *http.Request) bool {
			u, p, ok := r.BasicAuth()
			return ok && u == testKey && p == testSecret && !strings.Contains(r.URL.RawQuery, "consumer") && r.URL.Path == "/wp-json/wc/v3/products/1"
		}},
		{"http is OAuth", func(c *Config) { c.BaseURL = "http://shop.example/sub/" }, func(r *http.Request) bool {
			return r.Header.Get("Authorization") == "" && r.URL.Query().Get("oauth_signature") != "" && !strings.Contains(r.URL.String(), testSecret) && r.URL.Path == "/sub/wp-json/wc/v3/products/1"
		}},
		{"query", func(c *Config) { c.Auth = AuthQuery }, func(r *http.Request) bool {
			return r.URL.Query().Get("consumer_secret") == testSecret && r.Header.Get("Authorization") == ""
		}},
		{"proxy", func(c *Config) { c.BaseURL = "http://10.0.0.2:8080"; c.TrustProxyHTTPS = true }, func(r *http.Request) bool {
			_, _, ok := r.BasicAuth()
			return ok && r.Header.Get("X-Forwarded-Proto") == "https"
		}},
		{"plain permalinks", func(c *Config) { c.PlainPermalinks = true }, func(r *http.Request) bool {
			// the store looks at keys only when the address contains wp-json/wc/
			return r.URL.Path == "/" && r.URL.Query().Get("rest_route") == "/wc/v3/products/1" && strings.Contains(r.URL.RequestURI(), "wp-json/wc/")
		}},
		{"pasted address", func(c *Config) { c.BaseURL = " https://Shop.example/wp-json/wc/v3/?x=1 " }, func(r *http.Request) bool {
			return r.URL.String() == "https://shop.example/wp-json/wc/v3/products/1?nocache=nonce"
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, _ := testClient(t, func(r *http.Request) (*http.Response, error) {
				if !tc.check(r) || r.UserAgent() != UserAgent {
					t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
				}
				return jsonAnswer(200, `{"id":1}`)(r)
			}, tc.change)
			if _, err := c.Product(context.Background(), 1); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestConfigRefused(t *testing.T) {
	t.Parallel()
	for _, cfg := range []Config{
		{},
		{BaseURL: "shop.example", ConsumerKey: "k", ConsumerSecret: "s"},
		{BaseURL: "ftp://shop.example", ConsumerKey: "k", ConsumerSecret: "s"},
		{BaseURL: "https://" + testKey + ":" + testSecret + "@shop.example", ConsumerKey: testKey, ConsumerSecret: testSecret},
		{BaseURL: "https://shop.example"},
		{BaseURL: "http://shop.example", ConsumerKey: "k", ConsumerSecret: "s", Auth: AuthBasic},
		{BaseURL: "http://shop.example", ConsumerKey: "k", ConsumerSecret: "s", Auth: AuthQuery},
		{BaseURL: "https://shop.example", ConsumerKey: "k", ConsumerSecret: "s", Auth: "digest"},
		{BaseURL: "https://shop.example", ConsumerKey: "k", ConsumerSecret: "s", APIVersion: "../x"},
	} {
		_, err := New(cfg)
		if !errors.Is(err, ErrConfig) || strings.Contains(err.Error(), testSecret) {
			t.Errorf("New(%q) = %v", cfg.BaseURL, err)
		}
	}
}
