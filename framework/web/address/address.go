// Package address is where pages of the back office are: a path below /web/, the
// parameters that are the page's own, and the pages above it. All state of a page
// stands there.
package address

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Parameters of addresses.
const (
	UpParam   = "up"   // a page above this one, repeated, outermost first
	MenuParam = "menu" // the entry of the menu the page was reached from
)

const maxUp = 8

// Address is the address of a page: its path below /web/, the parameters that
// are its own, and the pages above it, which the breadcrumbs show. All of it
// stands in the URL, so every page can be linked, kept and gone back to.
type Address struct {
	Path   string
	Params url.Values
	Up     []string // path?params of the pages above, as their own places print
}

// Of is the address of a request.
func Of(r *http.Request) Address {
	q := r.URL.Query()
	pl := Address{Path: strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/web"), "/"), Params: q}
	for _, up := range q[UpParam] {
		if validParent(up) && len(pl.Up) < maxUp {
			pl.Up = append(pl.Up, up)
		}
	}
	q.Del(UpParam)
	for k, list := range q {
		q[k] = Few(list) // every link of the page repeats them
	}
	return pl
}

// validParent accepts what addresses a page of the back office only.
func validParent(s string) bool {
	return (strings.HasPrefix(s, "action/") || strings.HasPrefix(s, "model/")) && !strings.Contains(s, "..") && len(s) < 4000
}

// Own is the address without the pages above.
func (pl Address) Own() string {
	if len(pl.Params) == 0 {
		return pl.Path
	}
	return pl.Path + "?" + encode(pl.Params)
}

// URL is the whole address.
func (pl Address) URL() string {
	q := url.Values{}
	for k, v := range pl.Params {
		q[k] = v
	}
	if len(pl.Up) > 0 {
		q[UpParam] = pl.Up
	}
	if len(q) == 0 {
		return "/web/" + pl.Path
	}
	return "/web/" + pl.Path + "?" + encode(q)
}

// Below is a page under this one; the menu entry is handed on.
func (pl Address) Below(path string, params url.Values) Address {
	return pl.KeepMenu(Address{Path: path, Params: params, Up: pl.Trail()})
}

// Trail is this page with those above it, as a page below names them.
func (pl Address) Trail() []string {
	up := append(slices.Clone(pl.Up), pl.Own())
	return up[max(len(up)-maxUp, 0):]
}

// Beside is another page under the same ones as this.
func (pl Address) Beside(path string, params url.Values) Address {
	return pl.KeepMenu(Address{Path: path, Params: params, Up: slices.Clone(pl.Up)})
}

// KeepMenu gives an address the entry of the menu of this one, unless it has its own.
func (pl Address) KeepMenu(to Address) Address {
	if to.Params == nil {
		to.Params = url.Values{}
	}
	if m := pl.Params.Get(MenuParam); m != "" && to.Params.Get(MenuParam) == "" {
		to.Params.Set(MenuParam, m)
	}
	return to
}

// Parent is the page above, false when there is none.
func (pl Address) Parent() (Address, bool) {
	if len(pl.Up) == 0 {
		return Address{}, false
	}
	return Parse(pl.Up[len(pl.Up)-1], pl.Up[:len(pl.Up)-1]), true
}

// Parse reads an address as Own writes it, below some pages.
func Parse(own string, up []string) Address {
	path, query, _ := strings.Cut(own, "?")
	params, err := url.ParseQuery(query)
	if err != nil {
		params = url.Values{}
	}
	return Address{Path: path, Params: params, Up: slices.Clone(up)}
}

// With is the same page with some parameters changed; "" removes one.
func (pl Address) With(pairs ...string) Address {
	q := url.Values{}
	for k, v := range pl.Params {
		q[k] = slices.Clone(v)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			q.Del(pairs[i])
		} else {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return Address{Path: pl.Path, Params: q, Up: pl.Up}
}

// encode is url.Values.Encode with the characters left readable that need no
// escape in a query.
func encode(q url.Values) string {
	return strings.NewReplacer("%2F", "/", "%3A", ":", "%2C", ",", "%3F", "?", "%40", "@").Replace(q.Encode())
}

// Parameters with which an address carries an action that has no record, or
// what a button changed about one that has.
const (
	NameParam    = "name"
	DomainParam  = "domain"  // JSON
	ContextParam = "ctx"     // JSON
	ModesParam   = "modes"   // list,form
	ViewsParam   = "views"   // kind:id, …
	LimitParam   = "limit"   // rows a page
	DialogParam  = "dialog"  // 1: a page of its own to be finished or left
	SearchParam  = "sview"   // id of the search view
	ViewParam    = "view"    // kind shown
	ResParam     = "at"      // position of a record in its search
	EditParam    = "edit"    // 1: the form takes input
	ConfirmParam = "confirm" // 1: asked and answered
)

// maxParts is how many parts of each kind a search has. Each of them is shown with a
// link that holds all others.
const maxParts = 50

// Few are the first of many parts of a search.
func Few(list []string) []string { return list[:min(len(list), maxParts)] }
