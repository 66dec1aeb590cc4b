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
