package clients

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// The calls of clients that public bug reports are about, as those clients send them.

// execute sends a call of /jsonrpc and gives the answer as it stands.
func (s *site) execute(t *testing.T, method string, args ...any) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "method": "call", "id": 1, "params": map[string]any{
		"service": "object", "method": method, "args": append([]any{database, 2, s.key}, args...)}})
	if err != nil {
		t.Fatal(err)
	}
	return s.post(t, "/jsonrpc", "application/json", string(body))
}

func (s *site) post(t *testing.T, path, kind, body string) string {
	t.Helper()
	res, err := http.Post("http://"+s.host+":"+s.port+path, kind, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d, %v\n%s", path, res.StatusCode, err, b)
	}
	return string(b)
}

// xml sends a call of XML-RPC whose parameters are written out.
func (s *site) xml(t *testing.T, path, method string, params ...string) string {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("<?xml version=\"1.0\"?>\n<methodCall><methodName>" + method + "</methodName><params>")
	for _, p := range params {
		b.WriteString("<param><value>" + p + "</value></param>")
	}
	b.WriteString("</params></methodCall>")
	return s.post(t, path, "text/xml", b.String())
}

func str(s string) string { return "<string>" + s + "</string>" }

func expect(t *testing.T, what, answer, pattern string) {
	t.Helper()
	if !regexp.MustCompile(pattern).MatchString(answer) {
		t.Errorf("%s: the answer does not match %s:\n%.2000s", what, pattern, answer)
	}
}

func refuse(t *testing.T, what, answer, pattern string) {
	t.Helper()
	if found := regexp.MustCompile(pattern).FindString(answer); found != "" {
		t.Errorf("%s: the answer holds %q:\n%.2000s", what, found, answer)
	}
}

func TestWholeFloats(t *testing.T) {
	t.Parallel()
	s := start(t)
	made := s.execute(t, "execute_kw", "res.partner", "create", []any{map[string]any{"name": "Ten", "partner_latitude": 10, "color": 3}})
	id := regexp.MustCompile(`"result": ?(\d+)`).FindStringSubmatch(made)
	if id == nil {
		t.Fatal(made)
	}
	answer := s.execute(t, "execute_kw", "res.partner", "read", []any{[]any{json.Number(id[1])}}, map[string]any{"fields": []string{"partner_latitude", "partner_longitude", "color"}})
	expect(t, "JSON", answer, `"partner_latitude": ?10\.0[,}]`)
	expect(t, "JSON", answer, `"partner_longitude": ?0\.0[,}]`)
	expect(t, "JSON", answer, `"color": ?3[,}]`)
	answer = s.execute(t, "execute_kw", "res.partner", "formatted_read_group", []any{[]any{[]any{"id", "=", json.Number(id[1])}}, []any{}, []any{"partner_latitude:sum", "__count"}})
	expect(t, "sums", answer, `"partner_latitude:sum": ?10\.0`)
	expect(t, "counts", answer, `"__count": ?1[,}]`)
	read := func(fields string) string {
		return s.xml(t, "/xmlrpc/2/object", "execute_kw", str(database), "<int>2</int>", str(s.key), str("res.partner"), str("read"),
			"<array><data><value><array><data><value><int>"+id[1]+"</int></value></data></array></value></data></array>",
			"<struct><member><name>fields</name><value><array><data>"+fields+"</data></array></value></member></struct>")
	}
	answer = read("<value>partner_latitude</value><value>color</value>")
	expect(t, "XML", answer, `<double>10\.0</double>`)
	expect(t, "XML", answer, `<name>color</name>\s*<value><int>3</int>`)
	answer = s.execute(t, "execute_kw", "res.partner", "web_read", []any{[]any{json.Number(id[1])}},
		map[string]any{"specification": map[string]any{"commercial_partner_id": map[string]any{"fields": map[string]any{"partner_latitude": map[string]any{}}}}})
	expect(t, "nested", answer, `"partner_latitude": ?10\.0`)
}

func TestFirstXMLRPC(t *testing.T) {
	t.Parallel()
	s := start(t)
	expect(t, "login", s.xml(t, "/xmlrpc/common", "login", str(database), str("admin"), str("admin")), `<value><int>2</int></value>`)
	for _, path := range []string{"/xmlrpc/db", "/xmlrpc/2/db"} {
		expect(t, path, s.xml(t, path, "list"), `<string>`+database+`</string>`)
	}
	call := func(path, key, model, method string) string {
		return s.xml(t, path, "execute", str(database), "<int>2</int>", str(key), str(model), str(method), "<array><data></data></array>")
	}
	expect(t, "right", call("/xmlrpc/object", s.key, "res.partner", "search"), `<params>`)
	expect(t, "wrong password", call("/xmlrpc/object", "wrong", "res.partner", "search"), `<name>faultCode</name>\s*<value><string>AccessDenied</string>`)
	expect(t, "wrong password", call("/xmlrpc/2/object", "wrong", "res.partner", "search"), `<name>faultCode</name>\s*<value><int>3</int>`)
	expect(t, "unknown model", call("/xmlrpc/object", s.key, "res.nothing", "search"), `<name>faultCode</name>\s*<value><string>warning -- UserError\n\n`)
	expect(t, "gone record", s.xml(t, "/xmlrpc/object", "execute", str(database), "<int>2</int>", str(s.key), str("res.partner"), str("write"), "<int>999999</int>", "<struct><member><name>name</name><value>x</value></member></struct>"),
		`<string>warning -- MissingError\n\n`)
}

func TestEmptyArraysOfPHP(t *testing.T) {
	t.Parallel()
	s := start(t)
	none := []any{}
	expect(t, "named arguments", s.execute(t, "execute_kw", "res.partner", "search_count", []any{none}, none), `"result": ?[1-9]`)
	expect(t, "context", s.execute(t, "execute_kw", "res.partner", "search", []any{[]any{[]any{"is_company", "=", true}}}, map[string]any{"limit": 3, "context": none}), `"result": ?\[\d`)
	expect(t, "a list of nothing to create", s.execute(t, "execute_kw", "res.partner.category", "create", []any{none}, none), `"result": ?\[\]`)
	for _, agent := range []any{none, map[string]any{"empty": "false"}} {
		body, _ := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "params": map[string]any{"service": "common", "method": "authenticate", "args": []any{database, "admin", "admin", agent}}})
		expect(t, "authenticate", s.post(t, "/jsonrpc", "application/json", string(body)), `"result": ?2`)
	}
}

func TestArgumentsLeftOpen(t *testing.T) {
	t.Parallel()
	s := start(t)
	domain := []any{[]any{"id", ">", 0}}
	expect(t, "nulls", s.execute(t, "execute_kw", "res.partner", "search_read", []any{domain, nil, 0, nil, nil}), `"email_normalized"|"email"`)
	expect(t, "no limit, no order", s.execute(t, "execute_kw", "res.partner", "search_read", []any{[]any{}, []string{"name"}, 0, 0, ""}), `"result": ?\[\{`)
	expect(t, "all attributes", s.execute(t, "execute_kw", "res.partner", "fields_get", []any{nil, nil}), `"selection":`)
	expect(t, "no filter of attributes", s.execute(t, "execute_kw", "res.partner", "fields_get", []any{}, map[string]any{"attributes": []any{}}), `"selection":`)
	expect(t, "offset and limit", s.execute(t, "execute_kw", "res.country", "search", []any{domain, 10, 5}), `"result": ?\[(\d+, ?){4}\d+\]`)
	answer := s.execute(t, "execute_kw", "res.partner", "read_group", []any{[]any{}, []string{"color:sum"}, []string{"company_id"}, 0, nil, nil})
	expect(t, "groups", answer, `"color":`)
	expect(t, "groups", answer, `"company_id_count":`)
	expect(t, "groups", answer, `"__domain":`)
	refuse(t, "groups", answer, `"color:sum"`)
	expect(t, "a bare triple", s.execute(t, "execute_kw", "res.partner", "search", []any{[]any{"name", "=", "x"}}), `"error":`)
}

func TestContactWithEmptyCountry(t *testing.T) {
	t.Parallel()
	s := start(t)
	vals := map[string]any{"name": "Ada", "email": "ada@mail.example", "function": "", "vat": "", "website": "", "street": "1 Test St", "country_id": "", "state_id": ""}
	made := s.execute(t, "execute", "res.partner", "create", vals)
	id := regexp.MustCompile(`"result": ?(\d+)`).FindStringSubmatch(made)
	if id == nil {
		t.Fatal(made)
	}
	answer := s.execute(t, "execute", "res.partner", "read", []any{json.Number(id[1])}, []string{"country_id", "state_id"})
	expect(t, "country", answer, `"country_id": ?false`)
	expect(t, "state", answer, `"state_id": ?false`)
	expect(t, "an unknown model", s.execute(t, "execute", "note.note", "create", map[string]any{"memo": "x"}), `"data": ?\{.*"message": ?"[^"]*note\.note`)
	vals["nope"] = ""
	expect(t, "an unknown field", s.execute(t, "execute", "res.partner", "create", vals), `Invalid field 'nope' (in|on) '?(model )?'?res\.partner'?`)
}

func TestSingleIDs(t *testing.T) {
	t.Parallel()
	s := start(t)
	made := s.execute(t, "execute_kw", "res.partner", "create", []any{[]any{map[string]any{"name": "First"}, map[string]any{"name": "Second"}}})
	ids := regexp.MustCompile(`\[(\d+), ?(\d+)\]`).FindStringSubmatch(made)
	if ids == nil {
		t.Fatal(made)
	}
	first, second := json.Number(ids[1]), json.Number(ids[2])
	expect(t, "write", s.execute(t, "execute_kw", "res.partner", "write", []any{first, map[string]any{"name": "One"}}), `"result": ?true`)
	expect(t, "unlink", s.execute(t, "execute_kw", "res.partner", "unlink", []any{second}), `"result": ?true`)
	expect(t, "read", s.execute(t, "execute_kw", "res.partner", "read", []any{first}, map[string]any{"fields": []string{"name"}}), `"result": ?\[\{[^}]*"name": ?"One"`)
}

func TestValuesOfOtherKinds(t *testing.T) {
	t.Parallel()
	s := start(t)
	me := []any{json.Number("3")}
	expect(t, "true", s.execute(t, "execute_kw", "res.partner", "write", []any{me, map[string]any{"color": true}}), `"result": ?true`)
	expect(t, "true", s.execute(t, "execute_kw", "res.partner", "read", []any{me, []string{"color"}}), `"color": ?1[,}]`)
	expect(t, "nothing", s.execute(t, "execute_kw", "res.partner", "write", []any{me, map[string]any{"color": nil, "street": nil, "ref": false}}), `"result": ?true`)
	answer := s.execute(t, "execute_kw", "res.partner", "read", []any{me, []string{"color", "street", "ref"}})
	for _, want := range []string{`"color": ?0[,}]`, `"street": ?false`, `"ref": ?false`} {
		expect(t, "nothing", answer, want)
	}
	found := []any{[]any{[]any{"id", "=", 3}, []any{"street", "=", false}}}
	expect(t, "search of nothing", s.execute(t, "execute_kw", "res.partner", "search_count", found), `"result": ?1`)
	expect(t, "an empty text", s.execute(t, "execute_kw", "res.partner", "write", []any{me, map[string]any{"street": ""}}), `"result": ?true`)
	expect(t, "search of an empty text", s.execute(t, "execute_kw", "res.partner", "search_count", found), `"result": ?1`)
}

// A time with an offset is either understood or refused; a date is the one written.
func TestTimesWithZone(t *testing.T) {
	t.Parallel()
	s := start(t)
	expect(t, "a time", s.execute(t, "execute_kw", "ir.cron", "search", []any{[]any{[]any{"nextcall", ">=", "2026-07-14T12:00:00.000+02:00"}}}), `"error":|"result":`)
	made := s.execute(t, "execute_kw", "res.currency.rate", "create", []any{map[string]any{"name": "2026-07-14T23:30:00.000-08:00", "currency_id": 1, "rate": 2}})
	id := regexp.MustCompile(`"result": ?(\d+)`).FindStringSubmatch(made)
	if id == nil {
		t.Fatal(made)
	}
	expect(t, "a date", s.execute(t, "execute_kw", "res.currency.rate", "read", []any{[]any{json.Number(id[1])}, []string{"name"}}), `"name": ?"2026-07-14"`)
}

func TestHelpersOfOdooly(t *testing.T) {
	t.Parallel()
	s := start(t)
	expect(t, "check", s.execute(t, "execute", "ir.model.access", "check", "res.partner", "write"), `"result": ?true`)
	expect(t, "check of an unknown mode", s.execute(t, "execute", "ir.model.access", "check", "res.partner", "eat"), `"error":`)
	expect(t, "update_list", s.execute(t, "execute", "ir.module.module", "update_list"), `"result": ?\[\d+, ?\d+\]`)
	expect(t, "modules", s.execute(t, "execute", "ir.module.module", "search_read", []any{[]any{"state", "not in", []string{"uninstallable", "uninstalled", "installed"}}}, []string{"name", "state"}), `"result": ?\[\]`)
	expect(t, "get_external_id", s.execute(t, "execute_kw", "res.partner", "get_external_id", []any{[]any{1}}), `"1": ?"base\.main_partner"`)
	expect(t, "get_metadata", s.execute(t, "execute_kw", "res.partner", "get_metadata", []any{[]any{1}}), `"xmlid": ?"base\.main_partner"`)
	expect(t, "the id of a request", s.post(t, "/web/webclient/version_info", "application/json", `{"jsonrpc":"2.0","method":"call","params":{},"id":"0a1f3bc2d4e5f60718"}`), `"id": ?"0a1f3bc2d4e5f60718"`)
}

func TestErrorsThatClientsParse(t *testing.T) {
	t.Parallel()
	s := start(t)
	expect(t, "language", s.execute(t, "execute_kw", "res.partner", "search_read", []any{[]any{}}, map[string]any{"limit": 1, "context": map[string]any{"lang": "xx_XX"}}), `Invalid language code: xx_XX`)
	expect(t, "method", s.execute(t, "execute_kw", "res.partner", "no_such_method", []any{[]any{}}), `no_such_method[^"]*does not exist`)
	expect(t, "field", s.execute(t, "execute_kw", "res.partner", "search_read", []any{[]any{[]any{"nope", "=", 1}}}), `Invalid field [^"]*nope`)
	// A method without a result leaves no fault behind, whatever is made of nothing.
	made := s.execute(t, "execute_kw", "res.partner", "create", []any{map[string]any{"name": "Archived"}})
	id := regexp.MustCompile(`"result": ?(\d+)`).FindStringSubmatch(made)
	if id == nil {
		t.Fatal(made)
	}
	ids := "<array><data><value><int>" + id[1] + "</int></value></data></array>"
	refuse(t, "no result", s.xml(t, "/xmlrpc/2/object", "execute_kw", str(database), "<int>2</int>", str(s.key), str("res.partner"), str("action_archive"), "<array><data><value>"+ids+"</value></data></array>"), `<fault>`)
}
