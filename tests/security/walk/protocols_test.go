package walk

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// wireCall is a call over one of the protocols.
type wireCall struct {
	method string
	ids    []int64 // nil: a method of the model
	kw     map[string]any
	hidden bool // has to be refused
}

// wireCalls are what the protocols are tried with; every method in all its ways
// is tried beneath them, by walkMethods.
func (b *browser) wireCalls(model string) []wireCall {
	m, _ := b.w.ref.reg.Model(model)
	k := &walker{w: b.w, s: b.s, m: m, rate: 1}
	calls := []wireCall{
		{method: "search_read", kw: map[string]any{"domain": list(), "fields": k.openNames()}},
		{method: "web_search_read", kw: map[string]any{"domain": list(), "specification": k.specification(1)}},
		{method: "name_search", kw: map[string]any{"name": ""}},
		{method: "fields_get", kw: map[string]any{}},
	}
	if visible := b.visible(model, 4); len(visible) > 0 {
		calls = append(calls, wireCall{method: "read", ids: visible, kw: map[string]any{}}, wireCall{method: "export_data", ids: visible, kw: map[string]any{"fields_to_export": list("display_name")}})
		for _, f := range k.reserved() {
			calls = append(calls, wireCall{method: "read", ids: visible, kw: map[string]any{"fields": list(f.Name)}, hidden: true})
		}
	}
	if hidden := b.hidden(model, 2); len(hidden) > 0 {
		for _, method := range []string{"read", "copy", "unlink", "get_metadata"} {
			calls = append(calls, wireCall{method: method, ids: hidden, kw: map[string]any{}, hidden: true})
		}
	}
	for _, company := range b.w.companies {
		if !contains(b.s.v.companies, company) {
			calls = append(calls, wireCall{method: "search_read", hidden: true, kw: map[string]any{"domain": list(), "context": map[string]any{"allowed_company_ids": list(company)}}})
		}
	}
	return calls
}

func wireModels() []string {
	return []string{"walk.doc", "walk.part", "walk.desk", "mail.message", "ir.attachment", "res.partner", "sale.order"}
}

func (c wireCall) positional() []any {
	if c.ids == nil {
		return []any{}
	}
	return list(ids(c.ids))
}

func walkJSONRPC(b *browser) {
	for _, model := range wireModels() {
		b.rate = min(1, 10*b.w.rate)
		for _, c := range b.wireCalls(model) {
			_, failed := b.rpc("/jsonrpc", map[string]any{"service": "object", "method": "execute_kw",
				"args": list("walk", b.s.v.id, password(b.s.v.login), model, c.method, c.positional(), c.kw)})
			if c.hidden {
				b.refused("/jsonrpc "+model+"."+c.method, failed)
			}
		}
	}
	b.rate = 1
	b.rpc("/jsonrpc", map[string]any{"service": "common", "method": "authenticate", "args": list("walk", "admin", "wrong", map[string]any{})})
	b.rpc("/jsonrpc", map[string]any{"service": "db", "method": "list", "args": list()})
}

func walkCallKw(b *browser) {
	for _, model := range wireModels() {
		b.rate = min(1, 10*b.w.rate)
		for _, c := range b.wireCalls(model) {
			for _, path := range []string{"/web/dataset/call_kw", "/web/dataset/call_kw/" + model + "/" + c.method, "/web/dataset/call_button", "/web/dataset/call_button/" + model + "/" + c.method} {
				_, failed := b.rpc(path, map[string]any{"model": model, "method": c.method, "args": c.positional(), "kwargs": c.kw})
				if c.hidden || b.cookie == "" {
					b.refused(path+" "+model+"."+c.method, failed)
				}
			}
		}
	}
	for _, id := range b.hidden("walk.doc", 2) {
		_, failed := b.rpc("/web/dataset/call_button", map[string]any{"model": "walk.doc", "method": "action_show", "args": list(list(id)), "kwargs": map[string]any{}})
		b.refused("/web/dataset/call_button walk.doc.action_show", failed)
	}
}

func walkResequence(b *browser) {
	b.rate = 1
	for _, id := range b.hidden("walk.doc", 2) {
		_, failed := b.rpc("/web/dataset/resequence", map[string]any{"model": "walk.doc", "ids": list(id), "field": "level"})
		b.refused("/web/dataset/resequence", failed)
	}
}

func walkSession(b *browser) {
	b.rate = 1
	for _, path := range []string{"/web/session/get_session_info", "/web/session/modules"} {
		_, failed := b.rpc(path, map[string]any{})
		if b.cookie == "" {
			b.refused(path, failed)
		}
	}
	b.rpc("/web/session/authenticate", map[string]any{"db": "walk", "login": "seller", "password": "wrong"})
	if b.cookie != "" {
		b.rpc("/web/session/authenticate", map[string]any{"db": "walk", "login": b.s.v.login, "password": password(b.s.v.login)})
	}
}

func walkJSON2(b *browser) {
	for _, model := range wireModels() {
		b.rate = min(1, 10*b.w.rate)
		for _, c := range b.wireCalls(model) {
			if !b.drawn() {
				continue
			}
			kw := map[string]any{}
			for k, v := range c.kw {
				kw[k] = v
			}
			if c.ids != nil {
				kw["ids"] = ids(c.ids)
			}
			body, err := json.Marshal(kw)
			if err != nil {
				b.w.t.Fatal(err)
			}
			res := b.send("POST", "/json/2/"+model+"/"+c.method, "application/json", string(body), "Authorization", "Bearer "+b.key)
			if c.hidden || b.key == "" {
				b.refused("/json/2/"+model+"/"+c.method, res.Code != http.StatusOK)
			}
		}
	}
}

func walkXMLRPC(b *browser) {
	for _, model := range wireModels() {
		b.rate = min(1, 10*b.w.rate)
		for _, c := range b.wireCalls(model) {
			if !b.drawn() {
				continue
			}
			var body strings.Builder
			body.WriteString("<?xml version='1.0'?><methodCall><methodName>execute_kw</methodName><params>")
			for _, v := range list("walk", b.s.v.id, password(b.s.v.login), model, c.method, c.positional(), c.kw) {
				body.WriteString("<param>" + xmlValue(v) + "</param>")
			}
			body.WriteString("</params></methodCall>")
			res := b.send("POST", "/xmlrpc/2/object", "text/xml", body.String())
			if c.hidden {
				b.refused("/xmlrpc/2/object "+model+"."+c.method, strings.Contains(res.Body.String(), "<fault>"))
			}
		}
	}
}

func xmlValue(v any) string {
	out := ""
	switch x := v.(type) {
	case string:
		out = "<string>" + x + "</string>"
	case bool:
		out = fmt.Sprintf("<boolean>%d</boolean>", map[bool]int{true: 1}[x])
	case []any:
		for _, e := range x {
			out += xmlValue(e)
		}
		out = "<array><data>" + out + "</data></array>"
	case map[string]any:
		for _, k := range sortedKeys(x) {
			out += "<member><name>" + k + "</name>" + xmlValue(x[k]) + "</member>"
		}
		out = "<struct>" + out + "</struct>"
	default:
		out = fmt.Sprintf("<int>%v</int>", x)
	}
	return "<value>" + out + "</value>"
}
