package woosim

import (
	"net/url"
	"strconv"
	"strings"
)

// parseQuery reads a query string or form body as PHP does: brackets make
// lists and maps, a later value replaces an earlier one, order is kept.
func parseQuery(raw string) *Obj {
	out := &Obj{}
	for _, part := range strings.Split(raw, "&") {
		if part == "" {
			continue
		}
		k, v, _ := strings.Cut(part, "=")
		key, err := url.QueryUnescape(k)
		if err != nil {
			key = k
		}
		val, err := url.QueryUnescape(v)
		if err != nil {
			val = v
		}
		setPath(out, key, val)
	}
	return out
}

func setPath(o *Obj, key, val string) {
	name, rest, found := strings.Cut(key, "[")
	name = strings.NewReplacer(".", "_", " ", "_").Replace(name)
	if !found || !strings.HasSuffix(rest, "]") {
		o.Set(name, val)
		return
	}
	cur := o
	path := []string{name}
	path = append(path, strings.Split(strings.TrimSuffix(rest, "]"), "][")...)
	for _, p := range path[:len(path)-1] {
		next, ok := cur.Get(p).(*Obj)
		if !ok {
			next = &Obj{}
			cur.Set(p, next)
		}
		cur = next
	}
	last := path[len(path)-1]
	if last == "" {
		last = strconv.Itoa(len(cur.keys))
	}
	cur.Set(last, val)
}

// buildQuery writes parameters the way WordPress rebuilds an address.
func buildQuery(o *Obj) string {
	var parts []string
	var walk func(prefix string, v any)
	walk = func(prefix string, v any) {
		switch x := v.(type) {
		case *Obj:
			for i, k := range x.keys {
				walk(prefix+"%5B"+url.QueryEscape(k)+"%5D", x.vals[i])
			}
		case []any:
			for i, e := range x {
				walk(prefix+"%5B"+strconv.Itoa(i)+"%5D", e)
			}
		case bool:
			if x {
				parts = append(parts, prefix+"=1")
			} else {
				parts = append(parts, prefix+"=0")
			}
		default:
			val := strings.ReplaceAll(url.QueryEscape(text(v)), "%2B", "+")
			for strings.HasSuffix(val, "%3D") {
				val = strings.TrimSuffix(val, "%3D")
			}
			parts = append(parts, prefix+"="+val)
		}
	}
	for i, k := range o.keys {
		walk(k, o.vals[i])
	}
	return strings.Join(parts, "&")
}

// listOf reads a list parameter: commas, spaces or brackets.
func listOf(v any) []string {
	switch x := v.(type) {
	case nil:
		return nil
	case string:
		return strings.FieldsFunc(x, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' })
	case []any:
		var out []string
		for _, e := range x {
			out = append(out, text(e))
		}
		return out
	case *Obj:
		var out []string
		for _, e := range x.vals {
			out = append(out, text(e))
		}
		return out
	}
	return []string{text(v)}
}
