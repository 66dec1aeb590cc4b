package livestore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/controllers"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/woosim"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/server"
)

const (
	pluginKey = "the key of the plugin of the first store"
	otherKey  = "the key of the plugin of another store"
)

// apiReply is what the addresses for the plugin answer.
type apiReply struct {
	status int
	header http.Header
	raw    []byte
	Result map[string]any `json:"result"`
	Error  struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Data    struct {
			Name string `json:"name"`
		} `json:"data"`
	} `json:"error"`
}

// sendAPI sends a request to the system and reads the answer.
func (e *erp) sendAPI(method, path string, header map[string]string, body string) *apiReply {
	e.t.Helper()
	r, err := http.NewRequest(method, e.web.URL+path, strings.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		e.t.Fatal(err)
	}
	defer res.Body.Close()
	out := &apiReply{status: res.StatusCode, header: res.Header}
	if out.raw, err = io.ReadAll(res.Body); err != nil {
		e.t.Fatal(err)
	}
	_ = json.Unmarshal(out.raw, out) // of what is no JSON nothing is read
	return out
}

// call asks about an order as the plugin does.
func (e *erp) call(key string, order int, what string, params map[string]any) *apiReply {
	e.t.Helper()
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "method": "call", "params": params, "id": 7})
	if err != nil {
		e.t.Fatal(err)
	}
	return e.sendAPI("POST", fmt.Sprintf("/woo/api/order/%d/%s", order, what), map[string]string{"Content-Type": "application/json", "Authorization": "Bearer " + key}, string(body))
}

// each lists values of the objects in a list of a result.
func (r *apiReply) each(list string, fields ...string) (out []string) {
	all, _ := r.Result[list].([]any)
	for _, one := range all {
		m := one.(map[string]any)
		var parts []string
		for _, f := range fields {
			parts = append(parts, fmt.Sprint(m[f]))
		}
		out = append(out, strings.Join(parts, " "))
	}
	return out
}

func (e *erp) invoiceOf(order int, method orm.Method[account.Move]) {
	e.t.Helper()
	e.run(func(env *orm.Env) error {
		var id int64
		if err := e.db.QueryRowContext(e.t.Context(), "SELECT invoice_id FROM woo_order WHERE woo_id = ? AND instance_id = ?", order, e.instance).Scan(&id); err != nil {
			return err
		}
		m, err := orm.Get[account.Move](env, id)
		if err == nil {
			_, err = orm.Invoke(env, method, []*account.Move{m})
		}
		return err
	})
}

// pluginStore is an ERP with a store whose plugin has a key, and with another store.
func pluginStore(t *testing.T) *erp {
	e := newERP(t, nil, orm.Values{"odoo_api_key": pluginKey, "go_live": orm.DatetimeOf(time.Now().Add(-time.Hour))}, func(o *woosim.Options) { o.Fulfillments = true })
	e.run(func(env *orm.Env) error {
		_, err := env.Model("woo.instance").Create(orm.Values{"name": "Elsewhere", "url": "https://elsewhere.example", "consumer_key": "ck", "consumer_secret": "cs", "odoo_api_key": otherKey})
		return err
	})
	e.receiver(nil)
	return e
}

// TestPluginAPI asks as the plugin of a store does.
func TestPluginAPI(t *testing.T) {
	t.Parallel()
	e := pluginStore(t)
	id := e.newOrder()

	t.Run("who may ask", func(t *testing.T) { e.whoMayAsk(t, id) })
	t.Run("timeline", func(t *testing.T) { e.timelineInParts(t, id) })
	t.Run("documents", func(t *testing.T) { e.documentsAreFetched(t, id) })
	t.Run("messages", func(t *testing.T) { e.messagesGoBothWays(t, id) })
	t.Run("limits", func(t *testing.T) { e.apiIsLimited(t, id) })
}

func (e *erp) whoMayAsk(t *testing.T, id int) {
	path := fmt.Sprintf("/woo/api/order/%d/status", id)
	body := `{"jsonrpc":"2.0","method":"call","params":{},"id":"a"}`
	for name, c := range map[string]struct {
		header map[string]string
		path   string
		body   string
		status int
		fault  string
	}{
		"bearer":                {map[string]string{"Authorization": "Bearer " + pluginKey}, path, body, 200, ""},
		"small letters":         {map[string]string{"Authorization": "bearer " + pluginKey}, path, body, 200, ""},
		"own header":            {map[string]string{"X-Fusion-Api-Key": pluginKey}, path, body, 200, ""},
		"both headers":          {map[string]string{"X-Fusion-Api-Key": pluginKey, "Authorization": "Bearer of the host"}, path, body, 200, ""},
		"no key":                {nil, path, body, 401, "unauthorized"},
		"empty key":             {map[string]string{"Authorization": "Bearer "}, path, body, 401, "unauthorized"},
		"wrong key":             {map[string]string{"Authorization": "Bearer " + pluginKey + "x"}, path, body, 401, "unauthorized"},
		"the store's keys":      {map[string]string{"Authorization": "Bearer " + woosim.DefaultKey.Secret}, path, body, 401, "unauthorized"},
		"basic":                 {map[string]string{"Authorization": "Basic " + pluginKey}, path, body, 401, "unauthorized"},
		"key in the body":       {nil, path, `{"params":{"key":"` + pluginKey + `"}}`, 401, "unauthorized"},
		"another store":         {map[string]string{"Authorization": "Bearer " + otherKey}, path, body, 404, "not_found"},
		"no such order":         {map[string]string{"Authorization": "Bearer " + pluginKey}, "/woo/api/order/99999999/status", body, 404, "not_found"},
		"an id without end":     {map[string]string{"Authorization": "Bearer " + pluginKey}, "/woo/api/order/99999999999999999999999/status", body, 404, "not_found"},
		"no JSON":               {map[string]string{"Authorization": "Bearer " + pluginKey}, path, "order=7", 400, "invalid_request"},
		"a list":                {map[string]string{"Authorization": "Bearer " + pluginKey}, path, "[]", 400, "invalid_request"},
		"no JSON of a stranger": {nil, path, "order=7", 401, "unauthorized"},
	} {
		r := e.sendAPI("POST", c.path, c.header, c.body)
		if r.status != c.status || r.Error.Data.Name != c.fault || c.fault != "" && (r.Error.Code != c.status || r.Error.Message == "" || r.Result != nil) {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
		if c.fault == "" && !bytes.Contains(r.raw, []byte(`"id":"a"`)) {
			t.Errorf("%s: the id of the call is not in the answer: %s", name, r.raw)
		}
		if c.status == 401 && (strings.Contains(string(r.raw), "Boreal") || r.header.Get("WWW-Authenticate") == "") {
			t.Errorf("%s: a stranger is told %s", name, r.raw)
		}
	}
	mine := e.sendAPI("GET", "/woo/api/order/99999999/status", map[string]string{"X-Fusion-Api-Key": otherKey}, "")
	theirs := e.sendAPI("GET", path, map[string]string{"X-Fusion-Api-Key": otherKey}, "")
	equal(t, "orders of others and orders that do not exist", string(theirs.raw), string(mine.raw))
	large := e.sendAPI("POST", path, map[string]string{"X-Fusion-Api-Key": pluginKey}, `{"params":{"x":"`+strings.Repeat("x", 65<<10)+`"}}`)
	equal(t, "status of a large body", large.status, http.StatusRequestEntityTooLarge)
	ping := e.sendAPI("GET", "/woo/api/ping", map[string]string{"X-Fusion-Api-Key": pluginKey}, "")
	if ping.Result["instance"] != "Boreal" || ping.Result["live"] != true || ping.Result["api"] != 1.0 {
		t.Errorf("ping answers %s", ping.raw)
	}
	other := e.sendAPI("GET", "/woo/api/ping", map[string]string{"X-Fusion-Api-Key": otherKey}, "")
	if other.Result["instance"] != "Elsewhere" || other.Result["live"] != false {
		t.Errorf("ping of a store that is not connected answers %s", other.raw)
	}
	bare, err := server.New(e.db, server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	bare.Mount(base.Addon())
	w := httptest.NewRecorder()
	bare.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/woo/api/ping", nil))
	equal(t, "status without the addon", w.Code, http.StatusNotFound)
}

func (e *erp) timelineInParts(t *testing.T, id int) {
	before := e.call(pluginKey, id, "status", nil)
	equal(t, "timeline before", before.each("timeline", "event"), []string{"ordered", "paid", "confirmed"})
	equal(t, "delivery before", before.Result["delivery"], "pending")
	e.ship(id, "CP1", "canada_post", true)
	part := e.call(pluginKey, id, "status", nil)
	equal(t, "timeline after the first part", part.each("timeline", "event"), []string{"ordered", "paid", "confirmed", "shipped"})
	equal(t, "delivery after the first part", part.Result["delivery"], "partial")
	e.ship(id, "1Z2", "ups", false)
	e.idle()
	e.sendAll()
	e.poll()
	e.idle()
	e.invoiceOf(id, account.ActionPost)
	r := e.call(pluginKey, id, "status", nil)
	equal(t, "timeline", r.each("timeline", "event"), []string{"ordered", "paid", "confirmed", "invoiced", "shipped", "shipped", "delivered", "completed"})
	equal(t, "delivery", r.Result["delivery"], "full")
	equal(t, "store status", r.Result["store_status"], "completed")
	var parcels []string
	for _, one := range r.Result["timeline"].([]any) {
		h := one.(map[string]any)
		equal(t, "the keys of an entry", len(h), 4)
		if s, ok := h["shipment"].(map[string]any); ok {
			pieces := 0
			for _, item := range s["items"].([]any) {
				n, err := strconv.Atoi(item.(map[string]any)["quantity"].(string))
				if pieces += n; err != nil {
					t.Error(err)
				}
			}
			parcels = append(parcels, fmt.Sprint(s["carrier"], " ", s["tracking_number"], " ", s["backorder"], " ", pieces, " ", s["tracking_url"]))
		}
	}
	equal(t, "parcels", parcels, []string{"Canada Post CP1 false 1 https://www.canadapost-postescanada.ca/track-reperage/en#/search?searchFor=CP1", "UPS 1Z2 true 2 https://www.ups.com/track?tracknum=1Z2"})
	if before, after := slices.Sorted(maps.Keys(before.Result)), slices.Sorted(maps.Keys(r.Result)); !slices.Equal(before, after) {
		t.Errorf("an answer has the keys %v, then %v", before, after)
	}
}

func (e *erp) documentsAreFetched(t *testing.T, id int) {
	list := func() []string { return e.call(pluginKey, id, "documents", nil).each("documents", "type", "state") }
	urls := func() []string { return e.call(pluginKey, id, "documents", nil).each("documents", "url") }
	get := func(url string) *apiReply { return e.sendAPI("GET", url[strings.Index(url, "/woo/"):], nil, "") }
	equal(t, "documents", list(), []string{"invoice current", "delivery_slip current", "delivery_slip current"})
	addresses := urls()
	for _, u := range addresses {
		r := get(u)
		if r.status != 200 || !bytes.HasPrefix(r.raw, []byte("%PDF-")) || r.header.Get("Content-Type") != "application/pdf" || !strings.HasPrefix(r.header.Get("Content-Disposition"), "attachment;") {
			t.Errorf("the address of a document answers %d, %v", r.status, r.header)
		}
	}
	versions := e.call(pluginKey, id, "documents", nil).each("documents", "version")
	equal(t, "versions of unchanged documents", e.call(pluginKey, id, "documents", nil).each("documents", "version"), versions)
	first := addresses[0]
	for name, u := range map[string]string{"cut": first[:len(first)-3], "of nobody": "/woo/api/document/eyJpIjoxfQ.AAAA", "no token": "/woo/api/document/x", "mixed": strings.Split(first, ".")[0] + "." + strings.Split(addresses[1], ".")[len(strings.Split(addresses[1], "."))-1]} {
		if r := get(u); r.status != http.StatusNotFound {
			t.Errorf("a token that is %s answers %d", name, r.status)
		}
	}
	e.invoiceOf(id, account.ButtonDraft)
	equal(t, "documents after the invoice is set back", list(), []string{"invoice superseded", "delivery_slip current", "delivery_slip current"})
	equal(t, "its address", urls()[0], "")
	equal(t, "the address from before", get(first).status, http.StatusGone)
	e.invoiceOf(id, account.ActionPost)
	equal(t, "documents after it is posted again", list(), []string{"invoice current", "delivery_slip current", "delivery_slip current"})
	e.invoiceOf(id, account.ButtonDraft)
	e.invoiceOf(id, account.ButtonCancel)
	equal(t, "documents after the invoice is cancelled", list(), []string{"invoice withdrawn", "delivery_slip current", "delivery_slip current"})
	equal(t, "the address from before", get(first).status, http.StatusGone)
	events := e.call(pluginKey, id, "status", nil).each("timeline", "event")
	if slices.Contains(events, "invoiced") {
		t.Errorf("a cancelled invoice is in the timeline: %v", events)
	}

	e.set(orm.Values{"sync_invoices": false})
	r := e.call(pluginKey, id, "documents", nil)
	equal(t, "documents without Sync Invoices", fmt.Sprint(r.status, r.Error.Data.Name), "403not_enabled")
	equal(t, "an address from before", get(addresses[1]).status, http.StatusForbidden)
	e.set(orm.Values{"sync_invoices": true})
}

// freshLimits serves the addresses anew, with nothing counted.
func (e *erp) freshLimits() {
	e.t.Helper()
	h, err := webhookServer(e.db)
	if err != nil {
		e.t.Fatal(err)
	}
	e.web = httptest.NewServer(h)
	e.t.Cleanup(e.web.Close)
}

func (e *erp) messagesGoBothWays(t *testing.T, id int) {
	var from int64
	post := func(p mail.Posting) {
		e.run(func(env *orm.Env) error {
			rs, err := env.Model("sale.order").Search(orm.Leaf("name", "=", e.facts(id).name), orm.SearchOptions{})
			if err == nil {
				from, err = mail.Post(rs, p)
			}
			return err
		})
	}
	post(mail.Posting{Text: "secret: the customer never pays", Type: "comment", Subtype: "mail.mt_note"})
	post(mail.Posting{Text: "secret: a change of the system", Subtype: "mail.mt_comment"})
	post(mail.Posting{Text: "Your parcel is\non its way <soon>", Type: "comment", Subtype: "mail.mt_comment"})
	visible := from
	post(mail.Posting{Text: "secret: for employees only", Type: "comment", Subtype: "mail.mt_comment"})
	e.run(func(env *orm.Env) error {
		return env.Model("mail.message").Browse(from).Write(orm.Values{"is_internal": true})
	})
	r := e.call(pluginKey, id, "messages", nil)
	equal(t, "messages", r.each("messages", "from", "body"), []string{"shop Your parcel is\non its way <soon>"})
	equal(t, "the last id", r.Result["last_id"], float64(visible))
	for _, what := range []string{"messages", "status", "documents"} {
		if raw := e.call(pluginKey, id, what, nil).raw; bytes.Contains(raw, []byte("secret")) || bytes.Contains(raw, []byte("never pays")) {
			t.Errorf("%s tells what is internal: %s", what, raw)
		}
	}

	text := "Thank you <b>all</b>\r\n<script>alert(1)</script>\x00"
	var wait sync.WaitGroup
	replies := make([]*apiReply, 6)
	for i := range replies {
		wait.Go(func() {
			replies[i] = e.call(pluginKey, id, "messages", map[string]any{"body": text, "token": "token-0001"})
		})
	}
	wait.Wait()
	created := 0
	for _, r := range replies {
		if r.status != 200 {
			t.Fatalf("a message is answered %d %s", r.status, r.raw)
		}
		equal(t, "the message", fmt.Sprint(r.Result["message"]), fmt.Sprint(replies[0].Result["message"]))
		if r.Result["created"] == true {
			created++
		}
	}
	equal(t, "messages made of six posts with one token", created, 1)
	r = e.call(pluginKey, id, "messages", map[string]any{"after": visible})
	equal(t, "messages after the shop's", r.each("messages", "from", "body"), []string{"customer Thank you <b>all</b>\n<script>alert(1)</script>"})
	if raw := e.text("SELECT body FROM mail_message WHERE message_type = 'comment' ORDER BY id DESC LIMIT 1"); strings.Contains(raw, "<script") || strings.Contains(raw, "<b>") {
		t.Errorf("the body is stored as %s", raw)
	}
	limited := e.call(pluginKey, id, "messages", map[string]any{"limit": 1})
	equal(t, "the first of more", fmt.Sprint(len(limited.each("messages", "id")), limited.Result["more"]), "1 true")
	paged := e.sendAPI("GET", fmt.Sprintf("/woo/api/order/%d/messages?after=%v&limit=1", id, limited.Result["last_id"]), map[string]string{"X-Fusion-Api-Key": pluginKey}, "")
	equal(t, "the next", fmt.Sprint(paged.each("messages", "from"), paged.Result["more"]), "[customer] false")
	for name, p := range map[string]map[string]any{
		"empty":             {"body": " \n", "token": "token-0002"},
		"too long":          {"body": strings.Repeat("é", 5001), "token": "token-0003"},
		"without a token":   {"body": "Hello"},
		"with a number":     {"body": 7, "token": "token-0004"},
		"after a text":      {"after": "yesterday"},
		"with a long token": {"body": "Hello", "token": strings.Repeat("t", 101)},
	} {
		if r := e.call(pluginKey, id, "messages", p); r.status != 400 || r.Error.Data.Name != "invalid_params" {
			t.Errorf("a message %s is answered %d %s", name, r.status, r.raw)
		}
	}
	if r := e.call(otherKey, id, "messages", map[string]any{"body": "Hello", "token": "token-0005"}); r.status != 404 {
		t.Errorf("a message to another store's order is answered %d", r.status)
	}
	equal(t, "messages in the end", len(e.call(pluginKey, id, "messages", nil).each("messages", "id")), 2)
}

func (e *erp) apiIsLimited(t *testing.T, id int) {
	e.freshLimits()
	path := fmt.Sprintf("/woo/api/order/%d/status", id)
	for i := range 30 {
		if r := e.sendAPI("POST", path, map[string]string{"X-Fusion-Api-Key": fmt.Sprint("guess ", i)}, "{}"); r.status != 401 {
			t.Fatalf("guess %d: %d", i, r.status)
		}
	}
	r := e.sendAPI("POST", path, map[string]string{"X-Fusion-Api-Key": "guess 31"}, "{}")
	equal(t, "the guess after those", fmt.Sprint(r.status, r.Error.Data.Name, r.header.Get("Retry-After")), "429too_many_requests60")
	equal(t, "a valid key from the same address", e.call(pluginKey, id, "status", nil).status, 200)
	for i := range 30 {
		if r := e.sendAPI("GET", "/woo/api/document/x", nil, ""); r.status != 404 {
			t.Fatalf("token %d: %d", i, r.status)
		}
	}
	equal(t, "a token after those", e.sendAPI("GET", "/woo/api/document/x", nil, "").status, 429)

	for i := range 10 {
		if r := e.call(pluginKey, id, "messages", map[string]any{"body": "More", "token": fmt.Sprint("more-00", i)}); r.status != 200 {
			t.Fatalf("message %d: %d %s", i, r.status, r.raw)
		}
	}
	equal(t, "a message after those", e.call(pluginKey, id, "messages", map[string]any{"body": "More", "token": "more-0011"}).status, 429)
	equal(t, "one of those again", e.call(pluginKey, id, "messages", map[string]any{"body": "More", "token": "more-001"}).Result["created"], false)

	e.freshLimits()
	e.run(func(env *orm.Env) error { return base.SetParam(env, controllers.CallsParameter, "3") })
	for range 3 {
		equal(t, "a call", e.call(pluginKey, id, "status", nil).status, 200)
	}
	equal(t, "a call after three", e.call(pluginKey, id, "status", nil).status, 429)
	equal(t, "a call of another store", e.sendAPI("GET", "/woo/api/ping", map[string]string{"X-Fusion-Api-Key": otherKey}, "").status, 200)
}
