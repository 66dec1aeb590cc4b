package server_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/server"
)

// endless is a body that goes on for ever, and counts what is read of it.
type endless struct{ read int64 }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	e.read += int64(len(p))
	return len(p), nil
}

func (e *endless) Close() error { return nil }

// Of strangers' bodies no more is read than a mebibyte, whatever they declare; of
// those of users as much as the route takes.
func TestBodiesOfStrangers(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *server.Config) { c.MaxBody = 4 << 20 })
	sessionRoutes(s)
	size := func(c *server.Context) error {
		return c.Send(200, "text/plain", fmt.Append(nil, len(c.Body)))
	}
	s.Handle(server.Route{Path: "/large", Access: server.PublicAccess, MaxBody: server.Large, Handler: size})
	s.Handle(server.Route{Path: "/small", Access: server.UserAccess, Handler: size})
	s.Handle(server.Route{Path: "/vouched", Access: server.NoAccess, NoCSRF: true, MaxBody: server.Large, Handler: size, Vouch: func(_ *server.Context, head []byte) error {
		if head[0] != 'x' || len(head) != 1<<20 {
			return server.Errorf(http.StatusUnauthorized, "Who are you?")
		}
		return nil
	}})
	session := cookie(t, s.login("admin"))
	for _, c := range []struct {
		path, first, session string
		size                 int
		status               int
	}{
		{"/large", "x", "", 1 << 20, 200}, {"/large", "x", "", 1<<20 + 1, 413}, {"/large", "x", session, 4 << 20, 200}, {"/large", "x", session, 4<<20 + 1, 413},
		{"/small", "x", "", 1 << 20, 401}, {"/small", "x", session, 1 << 20, 200}, {"/small", "x", session, 1<<20 + 1, 413},
		{"/vouched", "y", "", 1 << 20, 200}, {"/vouched", "y", "", 1<<20 + 1, 401}, {"/vouched", "x", "", 4 << 20, 200}, {"/vouched", "x", "", 4<<20 + 1, 413},
	} {
		for _, declared := range []bool{true, false} {
			r := request("POST", c.path, c.first+strings.Repeat("z", c.size-1), "Cookie", c.session)
			if !declared {
				r.ContentLength = -1
			}
			if w := s.ask(r); w.Code != c.status || c.status == 200 && w.Body.String() != fmt.Sprint(c.size) {
				t.Errorf("%+v, declared %v: %d %.100s", c, declared, w.Code, w.Body)
			}
		}
	}
	for _, path := range []string{"/large", "/small", "/vouched"} {
		r := request("POST", path, "")
		body := &endless{}
		r.Body, r.ContentLength = body, -1
		most := int64(1<<20 + 64<<10)
		if path == "/vouched" {
			most = 4<<20 + 64<<10 // it vouches for itself
		}
		if w := s.ask(r); w.Code == 200 || body.read > most {
			t.Errorf("%s: %d, %d bytes of an endless body were read", path, w.Code, body.read)
		}
	}
}

// What all requests under way hold is limited; strangers have a part of it, so
// that users are served while strangers send all they can.
func TestBodiesInFlight(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *server.Config) { c.MaxInFlight = 4 << 20 })
	sessionRoutes(s)
	inside, leave := make(chan struct{}), make(chan struct{})
	s.Handle(server.Route{Path: "/wait", Access: server.PublicAccess, Handler: func(c *server.Context) error {
		inside <- struct{}{}
		<-leave
		return nil
	}})
	s.Handle(server.Route{Path: "/take", Access: server.PublicAccess, MaxBody: server.Large, Handler: func(c *server.Context) error { return c.Reserve(3 << 20) }})
	session := cookie(t, s.login("admin"))
	codes := make(chan int, 1)
	go func() { codes <- s.post("/wait", strings.Repeat("x", 1<<20)).Code }()
	<-inside
	w := s.post("/take", strings.Repeat("x", 200<<10))
	wantStatus(t, w, 503)
	if w.Header().Get("Retry-After") == "" {
		t.Error("nobody says when to try again")
	}
	wantStatus(t, s.login("admin"), 200) // small bodies get through
	wantStatus(t, s.post("/who", strings.Repeat("x", 1<<20), "Cookie", session), 200)
	wantStatus(t, s.post("/take", strings.Repeat("x", 10), "Cookie", session), 413) // more than any may have
	close(leave)
	if code := <-codes; code != 200 {
		t.Errorf("the one who waited: %d", code)
	}
	for range 20 { // all of it has been given back
		wantStatus(t, s.post("/who", strings.Repeat("x", 1<<20), "Cookie", session), 200)
		wantStatus(t, s.post("/login", strings.Repeat("x", 1<<20)), 401)
	}
}

// JSON is measured before it is decoded.
func TestDecodedSize(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *server.Config) { c.MaxInFlight = 64 << 20 })
	s.Handle(server.Route{Path: "/json", Access: server.NoAccess, NoCSRF: true, MaxBody: server.Large, Handler: func(c *server.Context) error {
		var v any
		return c.DecodeJSON(&v)
	}})
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"a long text":   {`"` + strings.Repeat("[", 1<<20) + `"`, 200},
		"many numbers":  {"[" + strings.Repeat("0,", 1<<20) + "0]", 413},
		"many objects":  {"[" + strings.Repeat(`{},`, 1<<18) + "0]", 413},
		"deep lists":    {strings.Repeat("[", 600) + strings.Repeat("]", 600), 400},
		"not that deep": {strings.Repeat("[", 500) + strings.Repeat("]", 500), 200},
		"quotes":        {`["\"[[[", "\\", {"a\\\"{": "}"}]`, 200},
	} {
		if w := s.post("/json", c.body); w.Code != c.status {
			t.Errorf("%s: %d %.100s", name, w.Code, w.Body)
		}
	}
}

// listen serves a site on a port of this machine.
func (s *site) listen() *httptest.Server {
	l := httptest.NewServer(s)
	s.t.Cleanup(l.Close)
	return l
}

// timed is a client whose patience the server sets: it notes the deadlines.
type timed struct {
	*httptest.ResponseRecorder
	reads, writes []time.Time
}

func (w *timed) SetReadDeadline(t time.Time) error {
	w.reads = append(w.reads, t)
	return nil
}

func (w *timed) SetWriteDeadline(t time.Time) error {
	w.writes = append(w.writes, t)
	return nil
}

// slowSites are routes that take and give much.
func slowSites(s *site) {
	s.Handle(server.Route{Path: "/big", Access: server.NoAccess, Handler: func(c *server.Context) error {
		_, err := c.Write(make([]byte, 16<<20))
		return err
	}})
	s.Handle(server.Route{Path: "/put", Access: server.NoAccess, NoCSRF: true, MaxBody: server.Large, Handler: func(c *server.Context) error {
		return c.Send(200, "text/plain", fmt.Append(nil, len(c.Body)))
	}})
}

// Each piece that is sent or taken has its own time, however many there are; while
// the handler works no deadline for reading is left that would end it.
func TestSlowClientsGoOn(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	slowSites(s)
	w := &timed{ResponseRecorder: httptest.NewRecorder()}
	s.ServeHTTP(w, request("POST", "/put", strings.Repeat("x", 8<<20)))
	if n := len(w.reads); w.Code != 200 || n < 8<<20/(64<<10) || !w.reads[n-1].IsZero() {
		t.Errorf("%d after %d deadlines, the last of them %v", w.Code, n, w.reads[max(n-1, 0):])
	}
	w = &timed{ResponseRecorder: httptest.NewRecorder()}
	s.ServeHTTP(w, request("GET", "/big", ""))
	if w.Code != 200 || w.Body.Len() != 16<<20 || len(w.writes) < 16<<20/(64<<10) {
		t.Errorf("%d, %d bytes with %d deadlines", w.Code, w.Body.Len(), len(w.writes))
	}
}

// Who stops sending, or does not take the answer, is dropped.
func TestStalledClients(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *server.Config) { c.Patience = 50 * time.Millisecond })
	slowSites(s)
	l := httptest.NewUnstartedServer(s)
	gone := make(chan struct{}, 10)
	l.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			gone <- struct{}{}
		}
	}
	l.Start()
	t.Cleanup(l.Close)
	dial := func(head string) net.Conn {
		conn, err := net.Dial("tcp", l.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if _, err := fmt.Fprint(conn, head); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	conn := dial("POST /put HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != http.StatusRequestTimeout {
		t.Errorf("who stops sending gets %v %v", res, err)
	}
	<-gone
	dial("GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
	<-gone // without anything having been read
}

// Work ends with its client.
func TestClientsThatLeave(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	inside := make(chan struct{}, 1)
	ended := make(chan error, 1)
	s.Handle(server.Route{Path: "/sleep", Access: server.NoAccess, NoCSRF: true, Handler: func(c *server.Context) error {
		inside <- struct{}{}
		_, err := c.Env.Exec(orm.SQL("SELECT pg_sleep(600)"))
		ended <- err
		return err
	}})
	l := s.listen()
	conn, err := net.Dial("tcp", l.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /sleep HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok")
	<-inside
	conn.Close()
	if err := <-ended; err == nil {
		t.Error("the statement ran to its end")
	}
}

// Headers of proxies count when the proxy is trusted; two that disagree do not.
func TestForwarded(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for _, c := range []struct {
		remote string
		header []string
		ip     string
		secure bool
	}{
		{"10.0.0.2:1", []string{"Forwarded", `for=198.51.100.4;proto=https;host=shop.example`}, "198.51.100.4", true},
		{"10.0.0.2:1", []string{"Forwarded", `for="[2001:db8::7]:4711"; proto=https, for=10.1.1.1`}, "2001:db8::7", true},
		{"10.0.0.2:1", []string{"Forwarded", `for=198.51.100.4, for=unknown`}, "10.0.0.2", false},
		{"10.0.0.2:1", []string{"Forwarded", `for=198.51.100.4, for=_hidden, for=10.7.7.7`}, "10.7.7.7", false},
		{"192.0.2.1:1", []string{"Forwarded", `for=198.51.100.4;proto=https`}, "192.0.2.1", false},
		{"10.0.0.2:1", []string{"X-Forwarded-For", "198.51.100.4:5566"}, "198.51.100.4", false},
		{"10.0.0.2:1", []string{"X-Forwarded-For", "1.1.1.1, 198.51.100.4"}, "198.51.100.4", false},
		// The proxy writes one, the client made the other up.
		{"10.0.0.2:1", []string{"X-Forwarded-For", "198.51.100.4", "Forwarded", "for=127.0.0.1"}, "10.0.0.2", false},
		{"10.0.0.2:1", []string{"X-Forwarded-For", "198.51.100.4", "X-Forwarded-Proto", "http", "Forwarded", "for=198.51.100.4;proto=https"}, "198.51.100.4", false},
		{"10.0.0.2:1", []string{"X-Forwarded-For", "198.51.100.4", "X-Forwarded-Proto", "https", "Forwarded", "for=198.51.100.4;proto=https"}, "198.51.100.4", true},
	} {
		r := request("GET", "/", "", c.header...)
		r.RemoteAddr = c.remote
		if ip, secure := s.ClientIP(r), s.Secure(r); ip != c.ip || secure != c.secure {
			t.Errorf("%+v: %s, secure %v", c, ip, secure)
		}
	}
}

func TestParseNetworks(t *testing.T) {
	t.Parallel()
	got, err := server.ParseNetworks([]string{"10.1.2.3/8", " 192.0.2.1 ", "loopback", "", "2001:db8::/32"})
	if err != nil || fmt.Sprint(got) != "[10.0.0.0/8 192.0.2.1/32 127.0.0.0/8 ::1/128 2001:db8::/32]" {
		t.Errorf("%v %v", got, err)
	}
	if _, err := server.ParseNetworks([]string{"proxy.example"}); err == nil || !strings.Contains(err.Error(), "proxy.example") {
		t.Errorf("a name: %v", err)
	}
}

// A server answers under its own names only; strangers learn nothing, the log
// tells what to do.
func TestHosts(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *server.Config) { c.Hosts = []string{"Shop.Example", ".stores.example"} })
	sessionRoutes(s)
	ask := func(host, remote string, header ...string) int {
		r := request("GET", "/anyone", "", header...)
		r.Host, r.RemoteAddr = host, remote
		return s.ask(r).Code
	}
	for host, want := range map[string]int{
		"shop.example": 200, "SHOP.example:8069": 200, "shop.example.": 200, "a.stores.example": 200, "stores.example": 200, "localhost:1": 200, "127.0.0.1:8069": 200,
		"[::1]:8069": 200, "192.0.2.7": 200, "evil.example": 421, "shop.example.evil.example": 421, "evilstores.example": 421, "": 421, "127.0.0.1.evil.example": 421, "erp.example": 421,
	} {
		if got := ask(host, "192.0.2.1:1"); got != want {
			t.Errorf("%q: %d, want %d", host, got, want)
		}
	}
	r := request("GET", "/web/login", "")
	r.Host = "evil.example"
	w := s.ask(r)
	if strings.Contains(w.Body.String(), "FUSION") || strings.Contains(w.Body.String(), "shop") || !strings.Contains(s.log.String(), "FUSION_HOSTS") {
		t.Errorf("the stranger reads %s; the log: %s", w.Body, s.log)
	}
	health := request("GET", "/healthz", "")
	health.Host = "pod-17"
	wantStatus(t, s.ask(health), 200)
	// A trusted proxy says under which name it was called.
	if got := ask("backend", "10.0.0.2:1", "X-Forwarded-Host", "shop.example"); got != 200 {
		t.Errorf("the name a proxy forwards: %d", got)
	}
	if got := ask("shop.example", "10.0.0.2:1", "X-Forwarded-Host", "evil.example"); got != 421 {
		t.Errorf("an unknown name a proxy forwards: %d", got)
	}
	if got := ask("evil.example", "192.0.2.1:1", "X-Forwarded-Host", "shop.example"); got != 421 {
		t.Errorf("a name that a stranger forwards: %d", got)
	}
}

// The name of web.base.url is the server's without a restart.
func TestHostOfBaseURL(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *server.Config) { c.Hosts = []string{} })
	sessionRoutes(s)
	s.run(func(env *orm.Env) error { return base.SetParam(env, "web.base.url", "https://erp.example:8443/x") })
	r := request("GET", "/anyone", "")
	r.Host = "erp.example"
	wantStatus(t, s.ask(r), 200)
}

// Metrics are for who has the token, or sits at the machine.
func TestMetrics(t *testing.T) {
	t.Parallel()
	ask := func(s *site, remote string, header ...string) int {
		r := request("GET", "/metrics", "", header...)
		r.RemoteAddr = remote
		return s.ask(r).Code
	}
	open := newSite(t, nil)
	for _, c := range []struct {
		remote string
		header []string
		want   int
	}{
		{"127.0.0.1:1", nil, 200}, {"[::1]:1", nil, 200}, {"10.0.0.2:1", nil, 404}, {"10.0.0.2:1", []string{"X-Forwarded-For", "127.0.0.1"}, 404},
		{"127.0.0.1:1", []string{"X-Forwarded-For", "198.51.100.1"}, 404}, {"127.0.0.1:1", []string{"X-Forwarded-For", "127.0.0.1"}, 404},
		{"127.0.0.1:1", []string{"Forwarded", "for=127.0.0.1"}, 404}, {"127.0.0.1:1", []string{"X-Real-IP", "198.51.100.1"}, 404}, {"127.0.0.1:1", []string{"Via", "1.1 x"}, 404},
	} {
		if got := ask(open, c.remote, c.header...); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
	closed := newSite(t, func(c *server.Config) { c.MetricsToken = "sesame" })
	for header, want := range map[string]int{"Bearer sesame": 200, "Bearer wrong": 404, "": 404, "sesame2": 404} {
		if got := ask(closed, "127.0.0.1:1", "Authorization", header); got != want {
			t.Errorf("%q: %d", header, got)
		}
	}
}
