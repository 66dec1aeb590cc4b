package wcapi

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Every refusal ever recorded becomes the right kind of error, with a remedy
// and without a secret.
func TestRecordedRefusals(t *testing.T) {
	t.Parallel()
	n := 0
	for _, x := range recordings(t) {
		if x.Response.Status < 400 {
			continue
		}
		n++
		c, _ := testClient(t, func(r *http.Request) (*http.Response, error) { return x.answer(r), nil }, func(c *Config) { c.Tries = 1 })
		_, err := c.Do(context.Background(), Request{Method: x.Request.Method, Path: "products"})
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", x.Name, err)
			continue
		}
		want := map[int]Kind{400: ErrInvalid, 401: ErrUnauthorized, 403: ErrForbidden, 404: ErrNotFound, 410: ErrGone,
			413: ErrTooLarge, 500: ErrServer, 501: ErrInvalid, 503: ErrMaintenance}[x.Response.Status]
		if x.Response.Status == 500 && strings.HasPrefix(e.Code, "woocommerce_") {
			want = ErrInvalid // refused by WooCommerce itself, whatever the status
			if strings.HasPrefix(string(e.Data), "404") {
				want = ErrNotFound
			}
		}
		if x.Response.Status == 400 && (strings.HasSuffix(x.Name, "-404") || missingPattern.MatchString(e.Code)) {
			want = ErrNotFound
		}
		if e.Kind != want || e.Status != x.Response.Status || e.Message == "" || e.Remedy() == "" {
			t.Errorf("%s: kind %s, want %s: %v", x.Name, e.Kind, want, e)
		}
		if strings.Contains(e.Message, "<p>") || strings.Contains(e.Message, "<a ") || strings.Contains(e.Error(), testKey) || strings.Contains(e.Error(), testSecret) {
			t.Errorf("%s: %v", x.Name, e)
		}
		if e.Unknown != (x.Request.Method == "POST" && want == ErrServer) {
			t.Errorf("%s: outcome unknown is %v", x.Name, e.Unknown)
		}
	}
	if n < 100 {
		t.Errorf("%d refusals", n)
	}
}

func TestRefusalDetails(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ number, code, param, text string }{
		{"057", "rest_invalid_param", "per_page", "must be between 1"},
		{"542", "product_invalid_sku", "", "SKU"},
		{"010", "woocommerce_rest_authentication_error", "", "Read/Write"},
		{"033", "woocommerce_rest_authentication_error", "", "scheme and port"},
		{"029", "woocommerce_rest_authentication_error", "", "clocks"},
	} {
		x := recording(t, tc.number)
		c, _ := testClient(t, func(r *http.Request) (*http.Response, error) { return x.answer(r), nil })
		_, err := c.Product(context.Background(), 1)
		var e *Error
		if !errors.As(err, &e) || e.Code != tc.code || !strings.Contains(err.Error(), tc.text) || tc.param != "" && e.Params[tc.param] == "" {
			t.Errorf("%s: %v", x.Name, err)
		}
		if tc.number == "542" && e.ResourceID == 0 {
			t.Errorf("the owner of the SKU is not named: %+v", e)
		}
	}
}

func TestStoreInTrouble(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]struct {
		kind    Kind
		warning string
		after   time.Duration
	}{
		"810": {ErrMaintenance, "", 600 * time.Second},
		"811": {ErrMaintenance, "", 600 * time.Second},
		"812": {ErrMaintenance, "", 600 * time.Second},
		"813": {ErrServer, "", 0},
		"814": {"", "PHP messages", 0},
		"815": {"", "byte order mark", 0},
	} {
		x := recording(t, number)
		calls := 0
		c, clock := testClient(t, func(r *http.Request) (*http.Response, error) { calls++; return x.answer(r), nil })
		resp, err := c.Do(context.Background(), Request{Method: "GET", Path: "products"})
		if want.kind == "" {
			var ps []Product
			if err != nil || !strings.Contains(resp.Warning, want.warning) || json.Unmarshal(resp.Body, &ps) != nil || ps[0].ID != 401 {
				t.Errorf("%s: %v %+v", x.Name, err, resp)
			}
			continue
		}
		if !errors.Is(err, want.kind) || RetryAfter(err) != want.after {
			t.Errorf("%s: %v, retry after %v", x.Name, err, RetryAfter(err))
		}
		if want.after > 0 && (calls != 1 || len(clock.pauses) != 0) {
			t.Errorf("%s: ten minutes were waited for inside a call", x.Name)
		}
	}
}

func TestAnswersThatAreNotTheAPI(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		status int
		body   string
		kind   Kind
	}{
		{200, "<!DOCTYPE html><title>My Shop</title><script>var a=[1,{}]</script>", ErrNotAPI},
		{200, "<html>Warning: [] </html>", ErrNotAPI},
		{200, "", ErrNotAPI},
		{200, "Coming soon", ErrNotAPI},
		{200, `[{"id":1},{"id":`, ErrConnection},
		{404, "<html><title>Not Found</title></html>", ErrNotAPI},
		{403, "<html><title>Blocked</title></html>", ErrForbidden},
		{401, "<html></html>", ErrUnauthorized},
		{413, "<html><h1>413 Request Entity Too Large</h1></html>", ErrTooLarge},
		{429, "slow down", ErrTooManyRequests},
		{502, "<html><h1>502 Bad Gateway</h1></html>", ErrServer},
		{504, "", ErrServer},
		{520, "", ErrServer},
	} {
		c, _ := testClient(t, jsonAnswer(tc.status, tc.body), func(c *Config) { c.Tries = 1 })
		_, err := c.Product(context.Background(), 1)
		if !errors.Is(err, tc.kind) {
			t.Errorf("%d %q: %v", tc.status, tc.body, err)
		}
	}
}

func TestRetries(t *testing.T) {
	t.Parallel()
	refused := &url.Error{Op: "Post", URL: "https://x/?consumer_secret=" + testSecret, Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}
	reset := &net.OpError{Op: "read", Err: syscall.ECONNRESET}
	slow := context.DeadlineExceeded
	ok := `{"id":1}`
	type step struct {
		status int
		err    error
		after  string
		body   string
	}
	fatal := step{status: 500, body: `{"code":"internal_server_error","message":"x","data":{"status":500}}`}
	good := step{status: 200, body: ok}
	for _, tc := range []struct {
		name    string
		method  string
		steps   []step
		kind    Kind // "" for success
		unknown bool
		calls   int
		pauses  []time.Duration
	}{
		{"get after two resets", "GET", []step{{err: reset}, {err: reset}, good}, "", false, 3, []time.Duration{1e9, 2e9}},
		{"get gives up after three", "GET", []step{{err: reset}, {err: reset}, {err: reset}}, ErrConnection, false, 3, []time.Duration{1e9, 2e9}},
		{"get 500 then good", "GET", []step{fatal, good}, "", false, 2, []time.Duration{1e9}},
		{"put timeout then good", "PUT", []step{{err: slow}, good}, "", false, 2, []time.Duration{1e9}},
		{"429 waits as asked", "GET", []step{{status: 429, after: "7"}, good}, "", false, 2, []time.Duration{7e9}},
		{"429 asks for less than the backoff", "GET", []step{{status: 429, after: "0"}, good}, "", false, 2, []time.Duration{1e9}},
		{"429 with a date", "POST", []step{{status: 429, after: "Mon, 23 Nov 2026 22:00:09 GMT"}, good}, "", false, 2, []time.Duration{9e9}},
		{"429 asks for too long", "GET", []step{{status: 429, after: "3600"}}, ErrTooManyRequests, false, 1, nil},
		{"post refused connection", "POST", []step{{err: refused}, good}, "", false, 2, []time.Duration{1e9}},
		{"post reset", "POST", []step{{err: reset}}, ErrConnection, true, 1, nil},
		{"post timeout", "POST", []step{{err: slow}}, ErrTimeout, true, 1, nil},
		{"post fatal", "POST", []step{fatal}, ErrServer, true, 1, nil},
		{"post gateway timeout", "POST", []step{{status: 504, body: "<html>"}}, ErrServer, true, 1, nil},
		{"post answered with a page", "POST", []step{{status: 200, body: "<html>"}}, ErrNotAPI, true, 1, nil},
		{"post maintenance", "POST", []step{{status: 503, body: "<html>"}, good}, "", false, 2, []time.Duration{1e9}},
		{"post invalid", "POST", []step{{status: 400, body: `{"code":"x","message":"no","data":{"status":400}}`}}, ErrInvalid, false, 1, nil},
		{"get unauthorized", "GET", []step{{status: 401, body: `{"code":"x","message":"no","data":{"status":401}}`}}, ErrUnauthorized, false, 1, nil},
		{"dns", "GET", []step{{err: &net.DNSError{Err: "no such host", Name: "shop.example", IsNotFound: true}}}, ErrDNS, false, 1, nil},
		{"certificate", "POST", []step{{err: &tls.CertificateVerificationError{Err: errors.New("expired")}}}, ErrTLS, false, 1, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			c, clock := testClient(t, func(r *http.Request) (*http.Response, error) {
				s := tc.steps[min(calls, len(tc.steps)-1)]
				calls++
				if r.Body != nil {
					if b, _ := io.ReadAll(r.Body); string(b) != `{"a":1}` {
						t.Errorf("call %d has body %q", calls, b)
					}
				}
				if s.err != nil {
					return nil, s.err
				}
				return answer(r, s.status, map[string]string{"Retry-After": s.after}, []byte(s.body)), nil
			})
			req := Request{Method: tc.method, Path: "orders"}
			if tc.method != "GET" {
				req.Body = map[string]int{"a": 1}
			}
			_, err := c.Do(context.Background(), req)
			if tc.kind == "" && err != nil || tc.kind != "" && !errors.Is(err, tc.kind) {
				t.Fatalf("error %v, want %q", err, tc.kind)
			}
			if errors.Is(err, ErrOutcomeUnknown) != tc.unknown || calls != tc.calls || !slices.Equal(clock.pauses, tc.pauses) {
				t.Errorf("unknown %v, %d calls, pauses %v: %v", errors.Is(err, ErrOutcomeUnknown), calls, clock.pauses, err)
			}
			for e := err; e != nil; e = errors.Unwrap(e) {
				if s := fmt.Sprintf("%v %+v", e, e); strings.Contains(s, testSecret) || strings.Contains(s, testKey) {
					t.Errorf("a secret shows: %s", s)
				}
			}
		})
	}
}

func TestSecretsAreScrubbed(t *testing.T) {
	t.Parallel()
	leak := errors.New("proxy said no to https://x/?consumer_key=" + testKey + "&consumer_secret=" + testSecret + " Authorization: Basic Y2tfYWFhYTpjc19iYmJi")
	c, _ := testClient(t, func(*http.Request) (*http.Response, error) { return nil, leak }, func(c *Config) { c.Auth = AuthQuery; c.Tries = 1 })
	_, err := c.Product(context.Background(), 1)
	for e := err; e != nil; e = errors.Unwrap(e) {
		for _, bad := range []string{testKey, testSecret, "Y2tf"} {
			if strings.Contains(fmt.Sprintf("%+v", e), bad) {
				t.Errorf("%q shows in %v", bad, e)
			}
		}
	}
}

// A real server and the real transport: the redirect is not followed.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	followed := false
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed = true }))
	defer target.Close()
	for _, status := range []int{301, 302, 307, 308} {
		front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, target.URL+r.URL.Path+"?"+r.URL.RawQuery, status)
		}))
		c, err := New(Config{BaseURL: front.URL, ConsumerKey: testKey, ConsumerSecret: testSecret, TrustProxyHTTPS: true, Auth: AuthQuery, Transport: http.DefaultTransport})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.CreateOrder(context.Background(), map[string]string{"status": "pending"})
		if !errors.Is(err, ErrRedirect) || !strings.Contains(err.Error(), "another path or port of the same host") || strings.Contains(err.Error(), testSecret) || errors.Is(err, ErrOutcomeUnknown) {
			t.Errorf("%d: %v", status, err)
		}
		front.Close()
	}
	if followed {
		t.Error("the redirect was followed")
	}
}

func TestRealConnectionErrors(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for _, tc := range []struct {
		url  string
		kind Kind
	}{
		{"https" + strings.TrimPrefix(plain.URL, "http"), ErrTLS},
		{secure.URL, ErrTLS},
		{gone.URL, ErrConnection},
	} {
		c, err := New(Config{BaseURL: tc.url, ConsumerKey: testKey, ConsumerSecret: testSecret, Tries: 1, Transport: http.DefaultTransport})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = c.CreateOrder(context.Background(), 1); !errors.Is(err, tc.kind) || errors.Is(err, ErrOutcomeUnknown) {
			t.Errorf("%s: %v", tc.url, err)
		}
	}
}

func TestRateLimitAndPause(t *testing.T) {
	t.Parallel()
	c, clock := testClient(t, jsonAnswer(200, `{"id":1}`), func(c *Config) { c.RateLimit = 2 })
	for range 4 {
		if _, err := c.Product(context.Background(), 1); err != nil {
			t.Fatal(err)
		}
	}
	if want := []time.Duration{5e8, 5e8, 5e8}; !slices.Equal(clock.pauses, want) {
		t.Errorf("pauses %v", clock.pauses)
	}

	down, calls := true, 0
	c, clock = testClient(t, func(r *http.Request) (*http.Response, error) {
		calls++
		if down {
			return nil, syscall.ECONNREFUSED
		}
		return jsonAnswer(200, `{"id":1}`)(r)
	}, func(c *Config) { c.Tries = 1 })
	for i := range 8 {
		_, err := c.Product(context.Background(), 1)
		if want := map[bool]Kind{true: ErrConnection, false: ErrPaused}[i < 5]; !errors.Is(err, want) {
			t.Errorf("call %d: %v", i, err)
		}
	}
	down = false
	_ = clock.Sleep(context.Background(), 31*time.Second)
	if _, err := c.Product(context.Background(), 1); err != nil || calls != 6 {
		t.Errorf("after the pause: %v, %d calls", err, calls)
	}
}

func TestCallerGivesUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	c, _ := testClient(t, func(*http.Request) (*http.Response, error) { cancel(); return nil, ctx.Err() })
	if _, err := c.Product(ctx, 1); !errors.Is(err, ErrCanceled) || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestBatch(t *testing.T) {
	t.Parallel()
	var sizes []int
	store := func(poison int, status int) transport {
		return func(r *http.Request) (*http.Response, error) {
			var body map[string][]struct {
				ID int `json:"id"`
			}
			decodeBody(t, r, &body)
			var out []string
			for _, e := range body["update"] {
				if e.ID == poison {
					sizes = append(sizes, -len(body["update"]))
					return jsonAnswer(status, "<html>")(r)
				}
				if e.ID%10 == 0 {
					out = append(out, fmt.Sprintf(`{"id":%d,"error":{"code":"woocommerce_rest_product_invalid_id","message":"Invalid ID.","data":{"status":400}}}`, e.ID))
					continue
				}
				out = append(out, fmt.Sprintf(`{"id":%d,"name":"x"}`, e.ID))
			}
			sizes = append(sizes, len(out))
			return jsonAnswer(200, `{"update":[`+strings.Join(out, ",")+`]}`)(r)
		}
	}
	var entries []any
	for i := 1; i <= 230; i++ {
		entries = append(entries, map[string]int{"id": i})
	}
	for _, status := range []int{413, 500} {
		sizes = nil
		c, clock := testClient(t, store(137, status))
		got, err := c.Batch(context.Background(), "products", Update, entries)
		if err != nil || len(got) != 230 {
			t.Fatal(err, len(got))
		}
		for i, r := range got {
			id := i + 1
			switch {
			case id == 137:
				if want := map[int]Kind{413: ErrTooLarge, 500: ErrServer}[status]; !errors.Is(r.Err, want) {
					t.Errorf("the entry that hurts: %v", r.Err)
				}
			case id%10 == 0:
				if !errors.Is(r.Err, ErrNotFound) {
					t.Errorf("entry %d: %v", id, r.Err)
				}
			case r.Err != nil || r.ID != int64(id) || r.Raw == nil:
				t.Errorf("entry %d: %+v", id, r)
			}
		}
		if slices.Max(sizes) > 100 || len(clock.pauses) > 2 {
			t.Errorf("sizes %v, pauses %v", sizes, clock.pauses)
		}
	}

	calls := 0
	c, _ := testClient(t, func(r *http.Request) (*http.Response, error) { calls++; return jsonAnswer(502, "")(r) })
	got, err := c.Batch(context.Background(), "products", Create, entries[:3])
	if err != nil || calls != 1 || !errors.Is(got[0].Err, ErrOutcomeUnknown) || !errors.Is(got[2].Err, ErrOutcomeUnknown) {
		t.Errorf("creating was repeated: %d calls, %v, %v", calls, err, got)
	}
	c, _ = testClient(t, jsonAnswer(401, `{"code":"x","message":"no","data":{"status":401}}`))
	if got, err = c.Batch(context.Background(), "products", Update, entries); !errors.Is(err, ErrUnauthorized) || !errors.Is(got[229].Err, ErrUnauthorized) {
		t.Errorf("%v", err)
	}
}

// The store's own answers to batches.
func TestRecordedBatches(t *testing.T) {
	t.Parallel()
	n := 0
	for _, x := range recordings(t) {
		if !strings.HasSuffix(x.Request.Path, "/batch") || x.Response.Status != 200 {
			continue
		}
		var sent, got map[Action][]any
		mustDecode(t, x.Request.Body, &sent)
		if string(x.Response.Body) != "[]" {
			mustDecode(t, x.Response.Body, &got)
		}
		for action, entries := range sent {
			c, _ := testClient(t, func(r *http.Request) (*http.Response, error) { return x.answer(r), nil })
			res, err := c.Batch(context.Background(), "products", action, entries)
			if err != nil || len(res) != len(entries) {
				t.Errorf("%s %s: %v", x.Name, action, err)
			}
			for i, r := range res {
				if (r.Err == nil) == (got[action][i].(map[string]any)["error"] != nil) {
					t.Errorf("%s %s %d: %+v", x.Name, action, i, r)
				}
				n++
			}
		}
	}
	if n < 10 {
		t.Errorf("%d entries", n)
	}
}

// Rows that move to earlier pages because others were deleted are not missed.
func TestListSurvivesDeletions(t *testing.T) {
	t.Parallel()
	ids := make([]int, 250)
	for i := range ids {
		ids[i] = i + 1
	}
	calls := 0
	c, _ := testClient(t, func(r *http.Request) (*http.Response, error) {
		calls++
		if calls == 2 {
			ids = ids[5:] // five of the first page vanish
		}
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		from := min((page-1)*100, len(ids))
		var rows []string
		for _, id := range ids[from:min(from+100, len(ids))] {
			rows = append(rows, fmt.Sprintf(`{"id":%d}`, id))
		}
		return jsonAnswer(200, "["+strings.Join(rows, ",")+"]", "X-WP-Total", strconv.Itoa(len(ids)), "X-WP-TotalPages", strconv.Itoa((len(ids)+99)/100))(r)
	})
	seen := map[ID]int{}
	for p, err := range c.Products(context.Background(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		seen[p.ID]++
	}
	for id := ID(6); id <= 250; id++ {
		if seen[id] != 1 {
			t.Errorf("id %d came %d times", id, seen[id])
		}
	}
}

func TestListWithoutHeadersAndWithOddItems(t *testing.T) {
	t.Parallel()
	c, _ := testClient(t, func(r *http.Request) (*http.Response, error) {
		if r.URL.Query().Get("page") == "1" {
			return jsonAnswer(200, `[{"id":1,"price":"9.90"},{"id":2,"price":"call us"},{"id":3,"price":""}]`)(r)
		}
		t.Error("a second page was asked for")
		return jsonAnswer(200, `[]`)(r)
	})
	var ids []ID
	var odd []error
	for p, err := range c.Products(context.Background(), nil) {
		if err != nil {
			odd = append(odd, err)
			continue
		}
		ids = append(ids, p.ID)
	}
	if !slices.Equal(ids, []ID{1, 3}) || len(odd) != 1 || !errors.Is(odd[0], ErrDecode) || !strings.Contains(odd[0].Error(), "id 2") {
		t.Errorf("%v %v", ids, odd)
	}
}

// A total that goes up and down does not keep a walk going for ever.
func TestListEndsOnAnUnsteadyTotal(t *testing.T) {
	t.Parallel()
	calls := 0
	c, _ := testClient(t, func(r *http.Request) (*http.Response, error) {
		calls++
		var rows []string
		for i := range 100 {
			rows = append(rows, fmt.Sprintf(`{"id":%s%02d}`, r.URL.Query().Get("page"), i))
		}
		return jsonAnswer(200, "["+strings.Join(rows, ",")+"]", "X-WP-Total", strconv.Itoa(300+calls%2), "X-WP-TotalPages", "3")(r)
	})
	n := 0
	for _, err := range c.Products(context.Background(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 300 || calls > 200 {
		t.Errorf("%d items in %d calls", n, calls)
	}
}
