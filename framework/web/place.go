package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Parameters of addresses.
const (
	upParam   = "up"   // a page above this one, repeated, outermost first
	menuParam = "menu" // the entry of the menu the page was reached from
)

const maxUp = 8

// place is the address of a page: its path below /web/, the parameters that
// are its own, and the pages above it, which the breadcrumbs show. All of it
// stands in the URL, so every page can be linked, kept and gone back to.
type place struct {
	path   string
	params url.Values
	up     []string // path?params of the pages above, as their own places print
}

func placeOf(r *http.Request) place {
	q := r.URL.Query()
	pl := place{path: strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/web"), "/"), params: q}
	for _, up := range q[upParam] {
		if safeUp(up) && len(pl.up) < maxUp {
			pl.up = append(pl.up, up)
		}
	}
	q.Del(upParam)
	for k, list := range q {
		q[k] = few(list) // every link of the page repeats them
	}
	return pl
}

// safeUp accepts what addresses a page of the back office only.
func safeUp(s string) bool {
	return (strings.HasPrefix(s, "action/") || strings.HasPrefix(s, "model/")) && !strings.Contains(s, "..") && len(s) < 4000
}

// own is the address without the pages above.
func (pl place) own() string {
	if len(pl.params) == 0 {
		return pl.path
	}
	return pl.path + "?" + encode(pl.params)
}

// URL is the whole address.
func (pl place) URL() string {
	q := url.Values{}
	for k, v := range pl.params {
		q[k] = v
	}
	if len(pl.up) > 0 {
		q[upParam] = pl.up
	}
	if len(q) == 0 {
		return "/web/" + pl.path
	}
	return "/web/" + pl.path + "?" + encode(q)
}

// below is a page under this one; the menu entry is handed on.
func (pl place) below(path string, params url.Values) place {
	up := append(slices.Clone(pl.up), pl.own())
	if len(up) > maxUp {
		up = up[len(up)-maxUp:]
	}
	return pl.handOn(place{path: path, params: params, up: up})
}

// beside is another page under the same ones as this.
func (pl place) beside(path string, params url.Values) place {
	return pl.handOn(place{path: path, params: params, up: slices.Clone(pl.up)})
}

func (pl place) handOn(to place) place {
	if to.params == nil {
		to.params = url.Values{}
	}
	if m := pl.params.Get(menuParam); m != "" && to.params.Get(menuParam) == "" {
		to.params.Set(menuParam, m)
	}
	return to
}

// parent is the page above, false when there is none.
func (pl place) parent() (place, bool) {
	if len(pl.up) == 0 {
		return place{}, false
	}
	return parsePlace(pl.up[len(pl.up)-1], pl.up[:len(pl.up)-1]), true
}

func parsePlace(own string, up []string) place {
	path, query, _ := strings.Cut(own, "?")
	params, err := url.ParseQuery(query)
	if err != nil {
		params = url.Values{}
	}
	return place{path: path, params: params, up: slices.Clone(up)}
}

// with is the same page with some parameters changed; "" removes one.
func (pl place) with(pairs ...string) place {
	q := url.Values{}
	for k, v := range pl.params {
		q[k] = slices.Clone(v)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			q.Del(pairs[i])
		} else {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return place{path: pl.path, params: q, up: pl.up}
}

// encode is url.Values.Encode with the characters left readable that need no
// escape in a query.
func encode(q url.Values) string {
	return strings.NewReplacer("%2F", "/", "%3A", ":", "%2C", ",", "%3F", "?", "%40", "@").Replace(q.Encode())
}

// crumb is a step of the breadcrumbs.
type crumb struct {
	Name string
	URL  string
}
