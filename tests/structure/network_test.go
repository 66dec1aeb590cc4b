package structure

import (
	"fmt"
	"go/ast"
	"slices"
	"testing"
)

// waysOut are what makes connections to other machines, by package.
var waysOut = map[string][]string{
	"net/http":                    {"DefaultTransport", "DefaultClient", "Get", "Head", "Post", "PostForm", "Transport"},
	"net":                         {"Dial", "DialTimeout", "DialTCP", "DialUDP", "DialIP", "DialUnix", "Dialer"},
	"crypto/tls":                  {"Dial", "DialWithDialer", "Dialer"},
	"net/smtp":                    {"Dial", "NewClient", "SendMail"},
	"github.com/wneessen/go-mail": {"NewClient"},
}

// mayConnect are the packages that may use them, and why.
var mayConnect = map[string]string{
	"framework/outbound":               "it is the way out",
	"addons/mail":                      "asks the gate before it uses a client of its own (server.go)",
	"framework/pglocal":                "talks to the private PostgreSQL",
	"framework/web/webtest":            "is a browser, for tests",
	"addons/fusion_woocommerce/woosim": "is a store, for demonstrations and tests",
}

// networkFaults finds code that connects to other machines by itself, past the
// gate that keeps it from private addresses and out of units of work.
func networkFaults(s *sources) []string {
	var faults []string
	for _, p := range s.pkgs {
		if mayConnect[p.path] != "" || in(p.path, "tests") {
			continue
		}
		for _, f := range p.files {
			if f.test {
				continue
			}
			names := map[string]string{} // of packages, in this file
			for _, i := range f.ast.Imports {
				path := importPath(i)
				if waysOut[path] == nil {
					continue
				}
				name := path[lastSlash(path)+1:]
				if i.Name != nil {
					name = i.Name.Name
				}
				names[name] = path
			}
			ast.Inspect(f.ast, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if x, ok := sel.X.(*ast.Ident); ok && slices.Contains(waysOut[names[x.Name]], sel.Sel.Name) {
					faults = append(faults, fmt.Sprintf("%s uses %s.%s: connect through framework/outbound", s.at(sel.Pos()), x.Name, sel.Sel.Name))
				}
				return true
			})
		}
	}
	return faults
}

func lastSlash(s string) int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '/' {
			return i
		}
	}
	return -1
}

func TestConnectionsGoThroughTheGate(t *testing.T) {
	t.Parallel()
	report(t, networkFaults(repository(t)))
	expect(t, networkFaults(given(t, map[string]string{
		"addons/a/a.go":           `package a; import "net/http"; var _ = http.DefaultClient`,
		"addons/b/b.go":           `package b; import web "net/http"; func f() { web.Get("x") }`,
		"addons/c/c.go":           `package c; import "net"; func f() { net.Dial("tcp", "x") }`,
		"addons/c/c_test.go":      `package c; import "net"; func g() { net.Dial("tcp", "x") }`,
		"addons/d/d.go":           `package d; import "net/http"; var _ http.RoundTripper`,
		"framework/outbound/o.go": `package outbound; import "net"; var _ net.Dialer`,
	})),
		"addons/a/a.go:1 uses http.DefaultClient",
		"addons/b/b.go:1 uses web.Get",
		"addons/c/c.go:1 uses net.Dial",
	)
}
