// Package outbound is the way out: whoever connects to an address that people
// entered, such as that of a store, does it through a [Gate]. A gate lets
// through to the public internet, and to other addresses only where an
// administrator allowed them; otherwise anybody who may enter an address could
// make the program ask machines that only it can reach. It looks at the address
// a connection is about to be made to, after names have been resolved, so that
// no name can promise one address and lead to another.
//
// It knows nothing of records and may import no other room of the framework.
package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Gate decides which addresses may be connected to. The zero value allows
// public ones only. A gate is safe for concurrent use.
type Gate struct {
	text  string
	rules []rule
	busy  func(context.Context) bool
}

// rule allows a network, at one port or at all of them (0).
type rule struct {
	net  netip.Prefix
	port uint16
}

// Parse makes a gate that also allows the addresses of a list: addresses
// (10.0.0.5, ::1), those with a port (127.0.0.1:8080, [::1]:25) and networks
// (192.168.0.0/16), separated by commas, spaces or lines.
func Parse(list string) (*Gate, error) {
	g := &Gate{}
	words := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' || r == '\t' })
	for _, w := range words {
		r, err := parseRule(w)
		if err != nil {
			return nil, err
		}
		g.rules = append(g.rules, r)
	}
	g.text = strings.Join(words, ",")
	return g, nil
}

func parseRule(w string) (rule, error) {
	if p, err := netip.ParsePrefix(w); err == nil {
		return rule{net: p.Masked()}, nil
	}
	if a, err := netip.ParseAddr(w); err == nil {
		return rule{net: single(a)}, nil
	}
	if ap, err := netip.ParseAddrPort(w); err == nil && ap.Port() != 0 {
		return rule{single(ap.Addr()), ap.Port()}, nil
	}
	return rule{}, fmt.Errorf("%q is no address (10.0.0.5), address with port (127.0.0.1:8080) or network (192.168.0.0/16)", w)
}

func single(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	return netip.PrefixFrom(a, a.BitLen())
}

// String is the list the gate was made from.
func (g *Gate) String() string { return g.text }

// Allows reports whether a connection to the address may be made.
func (g *Gate) Allows(to netip.AddrPort) bool {
	a := to.Addr().Unmap().WithZone("")
	return Public(a) || slices.ContainsFunc(g.rules, func(r rule) bool {
		return r.net.Contains(a) && (r.port == 0 || r.port == to.Port())
	})
}

// reserved are the networks that belong to nobody on the public internet, and
// the addresses in public ones at which hosting companies keep what only the
// machine itself shall read.
func reserved() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),
		netip.MustParsePrefix("10.0.0.0/8"),
		netip.MustParsePrefix("100.64.0.0/10"), // carrier-grade NAT; metadata of Alibaba
		netip.MustParsePrefix("127.0.0.0/8"),
		netip.MustParsePrefix("168.63.129.16/32"), // metadata of Azure
		netip.MustParsePrefix("169.254.0.0/16"),   // link-local; metadata of most
		netip.MustParsePrefix("172.16.0.0/12"),
		netip.MustParsePrefix("192.0.0.0/24"),
		netip.MustParsePrefix("192.0.2.0/24"),
		netip.MustParsePrefix("192.88.99.0/24"),
		netip.MustParsePrefix("192.168.0.0/16"),
		netip.MustParsePrefix("198.18.0.0/15"),
		netip.MustParsePrefix("198.51.100.0/24"),
		netip.MustParsePrefix("203.0.113.0/24"),
		netip.MustParsePrefix("224.0.0.0/3"),   // multicast, reserved, broadcast
		netip.MustParsePrefix("2001::/23"),     // Teredo and other mechanisms, with IPv4 addresses inside
		netip.MustParsePrefix("2001:db8::/32"), // documentation
		netip.MustParsePrefix("2002::/16"),     // 6to4, with IPv4 addresses inside
		netip.MustParsePrefix("3fff::/20"),     // documentation
	}
}

// Public reports whether an address is one of the public internet.
func Public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if nat := netip.MustParsePrefix("64:ff9b::/96"); nat.Contains(a) { // an IPv4 address through NAT64
			b := a.As16()
			return Public(netip.AddrFrom4([4]byte(b[12:])))
		}
		if !netip.MustParsePrefix("2000::/3").Contains(a) {
			return false // loopback, unique local, link-local, multicast, mapped and unassigned
		}
	}
	return a.IsValid() && !slices.ContainsFunc(reserved(), func(p netip.Prefix) bool { return p.Contains(a) })
}

// BlockedError says that a gate kept a connection from being made. Its text
// does not tell where a name leads.
type BlockedError struct{}

// Error says what is the matter, in words for people.
func (*BlockedError) Error() string {
	return "the address leads to this machine or to a private network, which is not allowed"
}

// Remedy says who can change that.
func (*BlockedError) Remedy() string {
	return "An administrator can allow it with the system parameter " + Parameter + "."
}

// Parameter is the system parameter with the list of addresses that are allowed
// beside public ones, as [Parse] takes it.
const Parameter = "fusion.outbound_allow"

// Blocked reports whether an error comes from a gate.
func Blocked(err error) bool {
	_, ok := errors.AsType[*BlockedError](err)
	return ok
}

// BusyError says that something wanted to connect to another machine inside a unit
// of work, which may be run again and holds up others meanwhile. It is a mistake of
// the program: see orm.CallOut.
type BusyError struct{}

// Error says what is wrong.
func (*BusyError) Error() string {
	return "a unit of work is open, and nothing talks to other machines inside of one"
}

// Remedy says what to do about it.
func (*BusyError) Remedy() string { return "Tell the maker of the program." }

// Unless gives the same gate, closed while busy reports a unit of work.
func (g *Gate) Unless(busy func(context.Context) bool) *Gate {
	c := *g
	c.busy = busy
	return &c
}

// Open refuses to go out while a unit of work is open. Whoever connects by other
// means than the gate's own asks before.
func (g *Gate) Open(ctx context.Context) error {
	if g.busy != nil && g.busy(ctx) {
		return &BusyError{}
	}
	return nil
}

const dialTimeout = 30 * time.Second

// DialContext makes a connection through the gate.
func (g *Gate) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if err := g.Open(ctx); err != nil {
		return nil, err
	}
	d := net.Dialer{Timeout: dialTimeout, KeepAlive: dialTimeout, ControlContext: g.control}
	return d.DialContext(ctx, network, address)
}

// control looks at the address a socket is about to be connected to.
func (g *Gate) control(_ context.Context, network, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !strings.HasPrefix(network, "tcp") || !g.Allows(to) {
		return &BlockedError{}
	}
	return nil
}

// Transport carries HTTP requests through the gate. It uses no proxy: a proxy
// would resolve names behind the gate's back.
func (g *Gate) Transport() http.RoundTripper {
	return carrier{g, &http.Transport{DialContext: g.DialContext, ForceAttemptHTTP2: true, MaxIdleConns: 100, IdleConnTimeout: 90 * time.Second,
		TLSHandshakeTimeout: 10 * time.Second, ExpectContinueTimeout: time.Second, MaxResponseHeaderBytes: 1 << 20}}
}

// carrier asks for every request, also for one over a connection that is open.
type carrier struct {
	gate *Gate
	http *http.Transport
}

// RoundTrip implements http.RoundTripper.
func (c carrier) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := c.gate.Open(r.Context()); err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, err
	}
	return c.http.RoundTrip(r)
}
