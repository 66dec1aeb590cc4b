package rpc_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
)

// Whatever is posted, the answer is one of the protocol, and no internal error.
func FuzzEnvelope(f *testing.F) {
	for _, seed := range []string{
		`"common","method":"version","args":[]`, `"common","method":"login","args":["trial","admin","x"]`, `"db","method":"list","args":[]`,
		`"object","method":"execute","args":["trial",2,"admin","res.partner","search",[["name","=","x"]],0,10,"name desc"]`,
		`"object","method":"execute_kw","args":["trial",2,"admin","res.partner","search_read",[[["id",">",0]]],{"fields":["name"],"limit":1,"context":{"lang":"fr_FR","tz":"x","allowed_company_ids":[1,9]}}]`,
		`"object","method":"execute_kw","args":["trial",2,"admin","res.partner","read_group",[[],["color:sum"],["create_date:month","parent_id"]],{"lazy":false,"orderby":"color desc"}]`,
		`"object","method":"execute_kw","args":["trial",2,"admin","res.partner","web_read",[[1,2],{"name":{},"child_ids":{"fields":{"name":{}},"limit":2,"order":"id"},"parent_id":{"fields":{"display_name":{}}}}]]`,
		`"object","method":"execute_kw","args":["trial",2,"admin","res.partner","web_read_group",[[],["parent_id"],["color"]],{"limit":3}]`,
		`"object","method":"execute_kw","args":["trial",2,"admin","res.partner","create",[{"name":"x","category_id":[[0,0,{"name":"y"}]]}]]`,
		`"object","method":"execute_kw","args":["trial",2,"admin","res.partner","load",[["id","name","category_id/id"],[["a.b","c","d"]]]]`,
		`"object","method":"execute_kw","args":["trial",2,"admin","res.partner","export_data",[[1],["id","name","child_ids/name"]]]`,
		`"object","method":"execute_kw","args":["trial",2,"admin","res.partner","name_search",["a",[["id",">",0]],"ilike",3]]`,
		`"object","method":"execute_kw","args":["trial",2,"admin","res.partner","fields_get",[["name"],["type"]]]`,
		`"object","method":"execute_kw","args":["trial",2,"admin","res.partner","default_get",[["name","lang"]],{"context":{"default_name":[]}}]`,
		`"object","method":"execute_kw","args":["trial",2,"admin","res.partner","copy",[1,{"name":"z"}]]`,
		`"object","method":"execute_kw","args":["trial",2,"admin","ir.sequence","next_by_code",["x"]]`,
		`"object","method":"execute_kw","args":["trial",2,"admin","res.users","has_group",[2,"base.group_user"]]`,
		`"object","method":"execute_kw","args":["trial",2,"admin","res.partner","write",[[1],{"name":"q"}]]`,
		`"object","method":"execute_kw","args":["trial",2,"admin","ir.attachment","create",[{"name":"x","datas":"!!"}]]`,
		`"object","method":"execute_kw","args":["trial",2,"admin","res.partner","onchange",[[],{"name":"x","child_ids":[[0,"v1",{"name":"y"}],[1,"v1",{"city":"z"}],[4,1],[6,0,[1]]],"parent_id":{"id":1,"name":"p"}},["child_ids"],{"name":{},"child_ids":{"fields":{"name":{},"parent_id":{"fields":{"display_name":{}}}}},"category_id":{}}]]`,
		`"object","method":"execute_kw","args":["trial",2,"admin","res.partner","onchange",[[1],{"parent_id":2,"name":false},["parent_id"],{"street":{},"parent_id":{}}]]`,
		`"object","method":"execute_kw","args":["trial",2,"admin","res.partner","copy_data",[[1,2],{"name":7}]]`,
		`"object","method":"execute_kw","args":["trial",2,"admin","res.partner.category","update_field_translations",[[1],"name",{"en_US":"x","fr_FR":false}]]`,
		`"object","method":"execute_kw","args":["trial",2,"admin","res.partner","read_progress_bar",[[],"create_date:month",{"field":"type","colors":{"contact":"x"}}]]`,
		`"object","method":"execute_kw","args":["trial",2,"admin","res.partner","web_name_search",["a",{"name":{},"parent_id":{"fields":{"name":{}}}},[["id",">",0]],"ilike",3]]`,
	} {
		f.Add(`{"jsonrpc":"2.0","id":1,"params":{"service":` + seed + `}}`)
	}
	c := newCourt(f)
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest("POST", "http://shop.example/jsonrpc", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		if w.Code == 400 {
			return
		}
		var a struct {
			Version string         `json:"jsonrpc"`
			Result  any            `json:"result"`
			Error   map[string]any `json:"error"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != 200 || a.Version != "2.0" || a.Result != nil && a.Error != nil {
			t.Fatalf("%s: %d %s", body, w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), "Internal error (") {
			log := c.log.String()
			t.Fatalf("%s: an internal error:\n%s", body, log[max(0, len(log)-3000):])
		}
	})
}

// Whatever is posted as XML-RPC, the answer is one of the protocol, and no
// internal error.
func FuzzXMLRPC(f *testing.F) {
	call := func(params string) string {
		return `<?xml version="1.0"?><methodCall><methodName>execute_kw</methodName><params><param><value>trial</value></param><param><value><int>2</int></value></param><param><value>admin</value></param>` + params + `</params></methodCall>`
	}
	for _, seed := range []string{
		"", "<methodCall/>", `<methodCall><methodName>version</methodName></methodCall>`,
		call(`<param><value>res.users</value></param><param><value>search</value></param><param><value><array><data><value><array><data/></array></value></data></array></value></param>`),
		call(`<param><value>res.users</value></param><param><value>read</value></param><param><value><array><data><value><array><data><value><i4>2</i4></value></data></array></value></data></array></value></param><param><value><struct><member><name>fields</name><value><array><data><value>login</value></data></array></value></member></struct></value></param>`),
		call(`<param><value>test.trial</value></param><param><value>create</value></param><param><value><array><data><value><struct><member><name>name</name><value><base64>eA==</base64></value></member><member><name>x</name><value><nil/></value></member></struct></value></data></array></value></param>`),
		call(`<param><value><double>1.5</double></value></param><param><value><boolean>1</boolean></value></param><param><value><dateTime.iso8601>20240101T00:00:00</dateTime.iso8601></value></param>`),
	} {
		f.Add(seed)
	}
	c := newCourt(f)
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest("POST", "http://shop.example/xmlrpc/2/object", strings.NewReader(body))
		r.Header.Set("Content-Type", "text/xml")
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		if w.Code == 400 {
			return
		}
		if text := w.Body.String(); w.Code != 200 || !strings.HasPrefix(text, "<?xml") || !strings.HasSuffix(text, "</methodResponse>\n") || strings.Contains(text, "Internal error (") {
			log := c.log.String()
			t.Fatalf("%s: %d %s\n%s", body, w.Code, text, log[max(0, len(log)-3000):])
		}
	})
}
