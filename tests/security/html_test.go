package security

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"fusionsoft.ca/fusion/framework/sanitize"
)

// payloads are ways in which texts have run in browsers.
var payloads = []string{
	`<script>alert(1)</script>`,
	`<SCRIPT SRC=//evil.example/x.js></SCRIPT>`,
	`<scr<script>ipt>alert(1)</scr</script>ipt>`,
	`<script/x>alert(1)</script>`,
	"<script\n>alert(1)</script\t>",
	`<<script>alert(1);//<</script>`,
	`<img src=x onerror=alert(1)>`,
	`<img src=x oNeRrOr = "alert(1)">`,
	"<img src=x\nonerror\n=\nalert(1)>",
	`<img/src=x/onerror=alert(1)>`,
	`<img src="x"onerror=alert(1)>`,
	"<img src=`x`onerror=alert(1)>",
	`<img """><script>alert(1)</script>">`,
	`<img src=javascript:alert(1)>`,
	`<img src="data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==">`,
	`<img src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>">`,
	`<img srcset="x 1x, javascript:alert(1) 2x">`,
	`<body onload=alert(1)>x`,
	`<a href="javascript:alert(1)">x</a>`,
	`<a href="JaVaScRiPt:alert(1)">x</a>`,
	"<a href=\"java\tscript:alert(1)\">x</a>",
	"<a href=\"\x01javascript:alert(1)\">x</a>",
	"<a href=\" \n javascript:alert(1)\">x</a>",
	`<a href="&#106;&#97;vascript&colon;alert(1)">x</a>`,
	`<a href="&#x6A&#x61vascript:alert(1)">x</a>`,
	`<a href="vbscript:msgbox(1)">x</a>`,
	`<a href="data:text/html,<script>alert(1)</script>">x</a>`,
	`<a href="feed:javascript:alert(1)">x</a>`,
	`<a href="x" onclick=alert(1) style="x" onmouseover="alert(1)">x</a>`,
	`<svg onload=alert(1)>`,
	`<svg><script>alert(1)</script></svg>`,
	`<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>`,
	`<svg><animate onbegin=alert(1) attributeName=x dur=1s>`,
	`<svg><set attributeName="href" to="javascript:alert(1)"/></svg>`,
	`<svg><foreignObject><body onload=alert(1)></foreignObject></svg>`,
	`<svg></p><style><a id="</style><img src=1 onerror=alert(1)>">`,
	`<math href="javascript:alert(1)">x</math>`,
	`<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">`,
	`<math><annotation-xml encoding="text/html"><img src=x onerror=alert(1)></annotation-xml></math>`,
	`<form><math><mtext></form><form><mglyph><svg><mtext><style><path id="</style><img onerror=alert(1) src>">`,
	`<noscript><p title="</noscript><img src=x onerror=alert(1)>">`,
	`<title><a title="</title><img src=x onerror=alert(1)>">`,
	`<textarea><img title="</textarea><img src=x onerror=alert(1)>">`,
	`<xmp><p title="</xmp><svg/onload=alert(1)>">`,
	`<iframe src="javascript:alert(1)"></iframe>`,
	`<iframe srcdoc="<script>alert(1)</script>"></iframe>`,
	`<object data="javascript:alert(1)"></object>`,
	`<embed src="data:text/html,<script>alert(1)</script>">`,
	`<applet code=x></applet><param name=src value=x>`,
	`<base href="javascript:alert(1)//">`,
	`<meta http-equiv="refresh" content="0;url=javascript:alert(1)">`,
	`<link rel=stylesheet href="javascript:alert(1)">`,
	`<style>@import 'javascript:alert(1)';</style>`,
	`<style><img src="</style><img src=x onerror=alert(1)//">`,
	`<div style="background:url(javascript:alert(1))">x</div>`,
	`<div style="width:expression(alert(1))">x</div>`,
	`<div style="behavior:url(#default#time2)">x</div>`,
	`<div style="color:red;position:fixed;top:0;left:0;width:100%;height:100%;z-index:9999">x</div>`,
	`<form action="javascript:alert(1)"><button formaction="javascript:alert(1)">x</button></form>`,
	`<input autofocus onfocus=alert(1)>`,
	`<button form=x formaction=javascript:alert(1)>x</button>`,
	`<details open ontoggle=alert(1)>x</details>`,
	`<video><source onerror=alert(1)></video>`,
	`<audio src=x onerror=alert(1)>`,
	`<marquee onstart=alert(1)>x</marquee>`,
	`<isindex type=image src=1 onerror=alert(1)>`,
	`<template><script>alert(1)</script></template>`,
	`<table background="javascript:alert(1)"><td background="javascript:alert(1)">x</table>`,
	`<p><!--><img src=x onerror=alert(1)>--></p>`,
	`<![CDATA[<img src=x onerror=alert(1)>]]>`,
	`<?xml-stylesheet href="javascript:alert(1)"?>x`,
	`<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><p>&e;</p>`,
	"+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
	"\xc0\xbcscript\xc0\xbealert(1)",
	"<img src=x o\x00nerror=alert(1)>",
	"<scr\x00ipt>alert(1)</scr\x00ipt>",
	`<a href="http://x" target="_blank" rel="opener" ping="//evil.example">x</a>`,
	`<p id="document" name="cookie" data-x="y" is="x-evil">x</p>`,
}

// elements that may be left of a text, and attributes that hold addresses.
var (
	running = []string{"script", "style", "iframe", "frame", "object", "embed", "applet", "param", "svg", "math", "base", "meta", "link", "form", "input", "button", "textarea",
		"select", "template", "noscript", "xmp", "title", "marquee", "isindex", "video", "audio", "source", "foreignobject", "annotation-xml", "animate", "set", "body", "html", "head"}
	addresses = []string{"href", "src", "action", "formaction", "background", "poster", "cite", "longdesc", "xlink:href", "data", "srcset", "ping"}
)

// threats are what in a piece of HTML would act.
func threats(t *testing.T, text string, context *html.Node) []string {
	t.Helper()
	nodes, err := html.ParseFragment(strings.NewReader(text), context)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.CommentNode {
			out = append(out, "a comment")
		}
		if n.Type == html.ElementNode {
			if slices.Contains(running, n.Data) || n.Namespace != "" {
				out = append(out, n.Data)
			}
			for _, a := range n.Attr {
				value := strings.ToLower(a.Val)
				switch {
				case strings.HasPrefix(a.Key, "on") || a.Key == "srcdoc" || a.Key == "is" || a.Key == "ping" || a.Key == "srcset":
					out = append(out, a.Key)
				case slices.Contains(addresses, a.Key):
					u, err := url.Parse(a.Val)
					if err != nil || !slices.Contains([]string{"", "http", "https", "mailto", "data"}, u.Scheme) {
						out = append(out, a.Key+"="+a.Val)
					} else if u.Scheme == "data" && (n.Data != "img" || !slices.ContainsFunc([]string{"png", "jpeg", "gif", "webp"}, func(k string) bool { return strings.HasPrefix(value, "data:image/"+k+";") })) {
						out = append(out, a.Key+"="+a.Val)
					}
				case a.Key == "style" && (strings.Contains(value, "url(") || strings.Contains(value, "expression") || strings.Contains(value, "behavior") || strings.Contains(value, "position") || strings.Contains(value, "@import")):
					out = append(out, a.Key+"="+a.Val)
				}
			}
		}
		for c := range n.ChildNodes() {
			walk(c)
		}
	}
	for _, n := range nodes {
		walk(n)
	}
	return out
}

// Nothing that is left of a text acts, wherever it is put in, nor when it is read and
// written once more.
func TestSanitizedHTML(t *testing.T) {
	t.Parallel()
	for _, context := range []string{"body", "div", "td", "p", "a", "span"} {
		at := &html.Node{Type: html.ElementNode, Data: context, DataAtom: atom.Lookup([]byte(context))}
		for _, in := range payloads {
			for _, wrapped := range []string{in, "<p>before</p>" + in + "<p>after</p>", "<table><tr><td>" + in} {
				out := sanitize.HTML(wrapped)
				if found := threats(t, out, at); len(found) > 0 {
					t.Errorf("in %s: %q leaves %q: %v", context, wrapped, out, found)
				}
				if again := sanitize.HTML(out); len(threats(t, again, at)) > 0 {
					t.Errorf("in %s, the second time: %q leaves %q, then %q", context, wrapped, out, again)
				}
			}
		}
	}
	// What people write stays.
	for _, in := range []string{`<p>Dear <b>Ada</b>,<br>see <a href="https://shop.example/x?a=1&amp;b=2">here</a></p>`, `<ul><li>one</li><li style="color: red">two</li></ul>`, `<p><img src="data:image/png;base64,iVBORw0KGgo="></p>`} {
		if out := sanitize.HTML(in); !strings.Contains(strings.ReplaceAll(out, ` rel="nofollow"`, ""), strings.TrimSuffix(strings.TrimPrefix(in, "<p>"), "</p>")[:12]) {
			t.Errorf("%s became %s", in, out)
		}
	}
}

// Long texts are cleaned in a time that grows with them: what is allocated is counted
// while no other test runs.
func TestSanitizingGrows(t *testing.T) {
	for name, make := range map[string]func(n int) string{
		"bold in bold":        func(n int) string { return strings.Repeat("<b>", n) },
		"divisions":           func(n int) string { return strings.Repeat("<div>", n) },
		"links in links":      func(n int) string { return strings.Repeat("<a href=x>", n) },
		"tables":              func(n int) string { return strings.Repeat("<table><td>", n) },
		"bold and paragraphs": func(n int) string { return strings.Repeat("<b><p>", n) },
		"ends":                func(n int) string { return strings.Repeat("</b></p>", n) },
		"open tags":           func(n int) string { return strings.Repeat("<a ", n) },
		"attributes":          func(n int) string { return "<p " + strings.Repeat(`title="x" `, n) + ">" },
		"styles":              func(n int) string { return `<p style="` + strings.Repeat("color:red;", n) + `">x</p>` },
		"entities":            func(n int) string { return strings.Repeat("&lt;&amp;", n) },
		"comments":            func(n int) string { return strings.Repeat("<!--", n) },
		"texts":               func(n int) string { return strings.Repeat("x<br>", n) },
	} {
		cost := func(n int) int {
			text := make(n)
			sanitize.HTML(text)
			return allocated(func() { sanitize.HTML(text) })
		}
		small, large := cost(2000), cost(8000)
		if large > 6*small+1<<20 {
			t.Errorf("%s: 2000 allocate %d bytes, 8000 allocate %d", name, small, large)
		}
	}
}
