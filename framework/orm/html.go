package orm

import (
	"sync"

	"github.com/microcosm-cc/bluemonday"
)

var htmlPolicy = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.UGCPolicy()
	p.AllowAttrs("class").Globally()
	p.AllowAttrs("data-oe-model", "data-oe-id").OnElements("a", "p", "div", "span")
	p.AllowStyles("color", "background-color", "text-align", "font-weight", "font-style", "text-decoration", "width", "padding", "margin", "border").Globally()
	return p
})

// SanitizeHTML removes from a text everything that could run or phone home.
func SanitizeHTML(s string) string { return htmlPolicy().Sanitize(s) }
