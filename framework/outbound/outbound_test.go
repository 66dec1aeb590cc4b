package outbound

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestPublicAddresses(t *testing.T) {
	t.Parallel()
	for _, public := range []string{"1.1.1.1", "93.184.216.34", "172.15.0.1", "172.32.0.1", "192.167.1.1", "100.63.0.1", "100.128.0.1", "223.255.255.255", "2606:4700::1111",
		"2a00:1450::1", "::ffff:1.1.1.1", "64:ff9b::101:101"} {
		if !Public(netip.MustParseAddr(public)) {
			t.Errorf("%s is public", public)
		}
	}
	for _, private := range []string{"127.0.0.1", "127.255.0.1", "0.0.0.0", "0.1.2.3", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1",
		"100.100.100.200", "192.0.0.192", "168.63.129.16", "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1",
		"::ffff:10.0.0.1", "::ffff:169.254.169.254", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1",
		"2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:1::1", "2001:db8::1", "100::1", "5f00::1", "3fff::1"} {
		if Public(netip.MustParseAddr(private)) {
			t.Errorf("%s is not public", private)
		}
	}
	if Public(netip.Addr{}) {
		t.Error("no address is public")
	}
}

func TestAllowedAddresses(t *testing.T) {
	t.Parallel()
	g, err := Parse("127.0.0.1:8080, 10.1.0.0/16\n ::1 [fd00::1]:25")
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]bool{"127.0.0.1:8080": true, "[::ffff:127.0.0.1]:8080": true, "127.0.0.1:8081": false, "127.0.0.2:8080": false, "10.1.255.1:1": true, "10.2.0.1:1": false,
		"[::1]:80": true, "[::2]:80": false, "[fd00::1]:25": true, "[fd00::1]:26": false, "1.1.1.1:443": true} {
		if got := g.Allows(netip.MustParseAddrPort(address)); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
	if g.String() != "127.0.0.1:8080,10.1.0.0/16,::1,[fd00::1]:25" {
		t.Error(g)
	}
	for _, bad := range []string{"localhost", "10.0.0.0/33", "1.2.3", "127.0.0.1:0", "*"} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%q is understood", bad)
		}
	}
}

// A name that leads to a machine of its own is refused when the connection is
// made, whatever it is called.
func TestConnectionsAreRefused(t *testing.T) {
	t.Parallel()
	asked := false
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer srv.Close()
	port := srv.URL[strings.LastIndex(srv.URL, ":"):]
	get := func(g *Gate, url string) error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := g.Transport().RoundTrip(req)
		if err == nil {
			res.Body.Close()
		}
		return err
	}
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0"} {
		if err := get(&Gate{}, "http://"+host+port); !Blocked(err) {
			t.Errorf("%s: %v", host, err)
		}
	}
	if asked {
		t.Error("the server was asked")
	}
	g, err := Parse("127.0.0.1" + port)
	if err != nil {
		t.Fatal(err)
	}
	if err := get(g, srv.URL); err != nil || !asked {
		t.Errorf("an allowed address: %v", err)
	}
	if _, err := (&Gate{}).DialContext(t.Context(), "unix", "/nonexistent"); !Blocked(err) {
		t.Errorf("a socket of this machine: %v", err)
	}
	busy := g.Unless(func(context.Context) bool { return true })
	if err := get(busy, srv.URL); !errors.As(err, new(*BusyError)) {
		t.Errorf("inside a unit of work: %v", err)
	}
	if _, err := busy.DialContext(t.Context(), "tcp", "127.0.0.1"+port); !errors.As(err, new(*BusyError)) {
		t.Errorf("a connection inside a unit of work: %v", err)
	}
}
