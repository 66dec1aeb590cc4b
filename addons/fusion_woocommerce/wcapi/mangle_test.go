package wcapi

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var plainNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)

// mangle writes JSON as PHP and plugins do, with the same meaning.
func mangle(rng *rand.Rand, name string, raw []byte) []byte {
	pick := func(choices ...string) []byte { return []byte(choices[rng.IntN(len(choices))]) }
	raw = bytes.TrimSpace(raw)
	switch name {
	case "value", "display_key", "display_value", "default", "_links":
		return raw // anything may be meant there
	}
	text, err := scalarText(raw)
	isText := len(raw) > 0 && raw[0] == '"'
	switch {
	case string(raw) == "null", string(raw) == `""`, string(raw) == "[]":
		return pick("null", `""`, "false", "[]", "{}")
	case string(raw) == "false":
		return pick("false", `"no"`, `"0"`, "0", `""`, "null", "[]", `"false"`)
	case string(raw) == "true":
		return pick("true", `"yes"`, `"1"`, "1", `"true"`)
	case err == nil && isText && plainNumber.MatchString(text) && !bytes.Contains(raw, []byte(" ")):
		return pick(string(raw), text)
	case err == nil && !isText && plainNumber.MatchString(text):
		isID := name == "id" || strings.HasSuffix(name, "_id") || strings.HasSuffix(name, "_ids")
		if isID && !strings.Contains(text, ".") && text != "0" {
			return pick(text, strconv.Quote(text), `{"id":`+text+`,"name":"x"}`, `["`+text+`"]`)
		}
		return pick(text, strconv.Quote(text))
	}
	list, isObject := members(raw)
	if len(list) == 0 {
		return raw
	}
	asObject := isObject || rng.IntN(2) == 0
	var out bytes.Buffer
	out.WriteByte("[{"[b2i(asObject)])
	at := 0
	for i, e := range list {
		inner := e.key
		if !isObject {
			inner = name
		}
		value := mangle(rng, inner, e.raw)
		if !isObject && string(e.raw) == `""` {
			value = e.raw // an empty text in a list is one of its texts
		}
		if i > 0 {
			out.WriteByte(',')
		}
		if isObject {
			out.Write(strconv.AppendQuote(nil, e.key))
			out.WriteByte(':')
		} else if asObject {
			out.WriteString(strconv.Quote(strconv.Itoa(at)) + ":")
			at += 1 + rng.IntN(3)
		}
		out.Write(value)
	}
	out.WriteByte("]}"[b2i(asObject)])
	return out.Bytes()
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Every recorded object, in shapes that mean the same, is read as the same.
func TestMangledObjectsAreReadAsTheyWere(t *testing.T) {
	t.Parallel()
	reads := map[string]func() any{"products": func() any { return new(Product) }, "orders": func() any { return new(Order) }, "customers": func() any { return new(Customer) },
		"variations": func() any { return new(Variation) }, "refunds": func() any { return new(Refund) }, "coupons": func() any { return new(Coupon) }, "taxes": func() any { return new(Tax) }}
	count, changed := map[string]int{}, 0
	rng := rand.New(rand.NewPCG(1, 2))
	for _, x := range recordings(t) {
		path, ok := strings.CutPrefix(x.Request.Path, "/wp-json/wc/v3/")
		if !ok || x.Response.Status >= 300 || len(x.Response.Body) == 0 || x.Response.RawBody != "" {
			continue
		}
		var kind string
		for part := range strings.SplitSeq(path, "/") {
			if _, err := strconv.Atoi(part); err != nil {
				kind = part // the last word
			}
		}
		list, isObject := members(x.Response.Body)
		if isObject {
			list = []entry{{raw: x.Response.Body}}
		}
		for _, e := range list {
			if reads[kind] == nil {
				continue
			}
			want := shown(t, reads[kind](), e.raw)
			if want == "" {
				continue
			}
			count[kind]++
			odd := mangle(rng, "", e.raw)
			if !bytes.Equal(odd, e.raw) {
				changed++
			}
			if got := shown(t, reads[kind](), odd); got != want {
				t.Fatalf("%s: read as\n%s\nwant\n%s\nfrom %s", x.Name, got, want, odd)
			}
		}
	}
	for kind, least := range map[string]int{"products": 800, "orders": 200, "customers": 190, "variations": 80, "refunds": 10, "coupons": 10, "taxes": 60} {
		if count[kind] < least {
			t.Errorf("%d %s", count[kind], kind)
		}
	}
	if changed < 2000 {
		t.Errorf("%d were changed", changed)
	}
}

// shown is all that was read of an object, "" when it is none of its kind.
func shown(t *testing.T, into any, raw []byte) string {
	t.Helper()
	if err := decodeObject(raw, into); err != nil {
		if id, _ := members(raw); len(id) == 0 || !strings.Contains(err.Error(), `"id"`) {
			t.Fatalf("%v in %s", err, raw)
		}
		return ""
	}
	if f := reflect.ValueOf(into).Elem().FieldByName("Raw"); f.IsValid() {
		f.SetZero()
	}
	b, err := json.Marshal(into)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(b), "null", "[]")
}
