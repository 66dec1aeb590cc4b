package server

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"fusionsoft.ca/fusion/framework/orm"
)

// The edge is what the server believes of a request before it looks at it: who
// sent it, how, and under which name. A proxy tells all three in headers, which
// count when it is trusted only.

// ParseNetworks reads networks (10.0.0.0/8), addresses, and the words loopback and
// private (loopback, private and link-local addresses), in any mixture.
func ParseNetworks(list []string) ([]netip.Prefix, error) {
	loopback := []string{"127.0.0.0/8", "::1/128"}
	words := map[string][]string{"loopback": loopback, "private": append([]string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10"}, loopback...)}
	var out []netip.Prefix
	for _, text := range list {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		several, ok := words[strings.ToLower(text)]
		if !ok {
			several = []string{text}
		}
		for _, one := range several {
			p, err := netip.ParsePrefix(one)
			if err != nil {
				addr, aerr := netip.ParseAddr(one)
				if aerr != nil {
					return nil, fmt.Errorf("%q is no network: write an address (10.0.0.7), a network (10.0.0.0/8), loopback or private", text)
				}
				p = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen())
			}
			out = append(out, p.Masked())
		}
	}
	return out, nil
}

// origin is where a request comes from.
type origin struct {
	ip    string // of the client
	proto string // as the proxy says, "" without one
	host  string // as the proxy says, "" when it does not
}

// origin reads where a request comes from. Headers of a proxy count when it is
// trusted; when it passes on two that contradict each other, one of them is the
// client's, so that neither does.
func (s *Server) origin(r *http.Request) origin {
	peer, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		peer = r.RemoteAddr
	}
	if addr, ok := address(peer); ok {
		peer = addr.String()
	}
	o := origin{ip: peer}
	if !s.trusted(peer) {
		return o
	}
	last := func(name string) string {
		list := strings.Split(strings.Join(r.Header.Values(name), ","), ",")
		return strings.TrimSpace(list[len(list)-1])
	}
	x := origin{proto: strings.ToLower(last("X-Forwarded-Proto")), host: last("X-Forwarded-Host")}
	x.ip = s.rightmost(peer, strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ","))
	header := strings.Join(r.Header.Values("Forwarded"), ",")
	if header == "" {
		return x
	}
	f := s.forwarded(peer, header)
	if r.Header.Get("X-Forwarded-For") == "" && x.proto == "" && x.host == "" {
		return f
	}
	if f.ip == x.ip {
		o.ip = x.ip
	}
	if f.proto == x.proto {
		o.proto = x.proto
	}
	if strings.EqualFold(f.host, x.host) {
		o.host = x.host
	}
	return o
}

// forwarded reads the header Forwarded of RFC 7239.
func (s *Server) forwarded(peer, header string) origin {
	var o origin
	var chain []string
	for _, hop := range strings.Split(header, ",") {
		node := ""
		for _, pair := range strings.Split(hop, ";") {
			key, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
			value = strings.Trim(strings.TrimSpace(value), `"`)
			switch strings.ToLower(key) {
			case "for":
				node = value
			case "proto":
				o.proto = strings.ToLower(value)
			case "host":
				o.host = value
			}
		}
		chain = append(chain, node)
	}
	o.ip = s.rightmost(peer, chain)
	return o
}

// rightmost is the last address of a chain of proxies that is not trusted itself.
// What is no address ends the chain: nobody trusted has written it.
func (s *Server) rightmost(peer string, chain []string) string {
	for _, node := range slices.Backward(chain) {
		if node = strings.TrimSpace(node); node == "" {
			continue
		}
		addr, ok := address(node)
		if !ok {
			break
		}
		peer = addr.String()
		if !s.trusted(peer) {
			break
		}
	}
	return peer
}

// address reads an address as proxies write it: bare, or with a port.
func address(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		with, perr := netip.ParseAddrPort(text)
		if perr != nil {
			return netip.Addr{}, false
		}
		addr = with.Addr()
	}
	return addr.Unmap().WithZone(""), true
}

func (s *Server) trusted(ip string) bool {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(s.Config.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(addr.Unmap()) })
}

// ClientIP is the address of the client. Behind trusted proxies it is the last
// address of X-Forwarded-For, or Forwarded, that is not one of theirs.
func (s *Server) ClientIP(r *http.Request) string { return s.origin(r).ip }

// Secure reports whether the client speaks https, to us or to a trusted proxy.
func (s *Server) Secure(r *http.Request) bool {
	return r.TLS != nil || s.origin(r).proto == "https"
}

// proxied reports whether a request shows that it came through a proxy.
func proxied(r *http.Request) bool {
	return slices.ContainsFunc([]string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-Ip", "Forwarded", "Via"},
		func(name string) bool { return r.Header.Get(name) != "" })
}

// receive makes of a request what the edge knows of it, and reports whether the
// server answers under the name it was called by.
func (s *Server) receive(r *http.Request) bool {
	o := s.origin(r)
	if o.host != "" {
		r.Host = o.host
	}
	if len(s.Config.TrustedProxies) == 0 && proxied(r) && s.limits.allow("told|proxy", 1) {
		s.Config.Logger.Warn("requests come through a proxy that is not trusted, so that all its clients count as one, and no cookie is Secure: name it with --trusted-proxies or FUSION_TRUSTED_PROXIES", "proxy", o.ip)
	}
	if s.hosts.answers(r.Context(), s.DB, hostname(r.Host)) {
		return true
	}
	if s.limits.allow("told|host", 1) {
		s.Config.Logger.Warn("a request for a name that is not this server's is refused: if it is, name it with --hosts or FUSION_HOSTS, or set the system parameter web.base.url", "host", shorten(r.Host, 100), "from", o.ip)
	}
	return false
}

func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// hostname is a Host header without its port, in lower case.
func hostname(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

// hosts are the names a server answers under.
type hosts struct {
	any   bool
	named []string // in lower case; ".example.com" stands for the names below, too

	mu    sync.Mutex
	base  string // that of web.base.url
	asked time.Time
}

func newHosts(list []string) *hosts {
	h := &hosts{any: list == nil}
	for _, name := range list {
		if name = strings.ToLower(strings.TrimSpace(name)); name == "*" {
			h.any = true
		} else if name != "" {
			h.named = append(h.named, strings.TrimPrefix(name, "*"))
		}
	}
	return h
}

// answers reports whether a name is the server's: one that was named, that of
// web.base.url, this machine's own, or an address, which nobody else can make
// browsers take for their own.
func (h *hosts) answers(ctx context.Context, db *orm.DB, name string) bool {
	if h.any || name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	for _, n := range h.named {
		if name == n || strings.HasPrefix(n, ".") && (strings.HasSuffix(name, n) || name == n[1:]) {
			return true
		}
	}
	return name != "" && name == h.baseHost(ctx, db, name)
}

// baseHost is the host of web.base.url. It is read anew when it is not the one
// that is looked for, at most once a second.
func (h *hosts) baseHost(ctx context.Context, db *orm.DB, name string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.base != name && time.Since(h.asked) > time.Second {
		h.asked = time.Now()
		h.base = baseHost(ctx, db)
	}
	return h.base
}

func baseHost(ctx context.Context, db *orm.DB) string {
	var value string
	err := db.QueryRowContext(ctx, "SELECT value FROM ir_config_parameter WHERE key = 'web.base.url'").Scan(&value)
	if err != nil {
		return "" // unset, or a database without the table
	}
	u, err := url.Parse(strings.TrimSpace(value))
	if err != nil {
		return ""
	}
	return hostname(u.Host)
}

// mayMeasure reports whether a request may read the metrics: with the token when
// there is one, else from this machine itself, as long as nothing shows that a
// proxy stands between.
func (s *Server) mayMeasure(r *http.Request) bool {
	if token := s.Config.MetricsToken; token != "" {
		given, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(token))
		return subtle.ConstantTimeCompare(a[:], b[:]) == 1
	}
	addr, ok := address(r.RemoteAddr)
	return ok && addr.IsLoopback() && !proxied(r)
}
