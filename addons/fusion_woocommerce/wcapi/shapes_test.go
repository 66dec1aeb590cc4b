package wcapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

func shape(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile("testdata/shapes/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// oneOrder fetches the order that a store answers with.
func oneOrder(t testing.TB, body string) (*Order, error) {
	t.Helper()
	c, _ := testClient(t, jsonAnswer(200, body))
	return c.Order(t.Context(), 1)
}

func TestScalarsOfOtherTypes(t *testing.T) {
	t.Parallel()
	o, err := oneOrder(t, string(shape(t, "sku-as-number")))
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(o.ID, " ", o.Number, " ", o.Lines[0].SKU, " ", o.Lines[1].SKU, " ", o.Billing.Postcode, " ", o.Billing.Phone, " ", o.ShippingLines[0].InstanceID, " ", o.TransactionID, " ", o.Lines[1].Quantity)
	if want := "5012 5012 123 4455.5 90210 6135550142 5 998877 1.5"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if o.Total.String() != "37.5" || o.Lines[0].Total.String() != "30" {
		t.Errorf("total %s, line %s", o.Total, o.Lines[0].Total)
	}
}

// Every shape that PHP gives to a value, and what it means.
func TestShapesOfValues(t *testing.T) {
	t.Parallel()
	day := "2026-03-02 15:15:00"
	show := func(t Time) string {
		if t.IsZero() {
			return ""
		}
		return t.Format(time.DateTime)
	}
	product := func(get func(*Product) any) func(string) (any, error) {
		return func(field string) (any, error) {
			var p Product
			err := json.Unmarshal([]byte(`{`+field+`,"id":7}`), &p)
			return get(&p), err
		}
	}
	order := func(get func(*Order) any) func(string) (any, error) {
		return func(field string) (any, error) {
			var o Order
			err := json.Unmarshal([]byte(`{`+field+`,"id":7}`), &o)
			return get(&o), err
		}
	}
	for _, c := range []struct {
		read   func(string) (any, error)
		fields map[string]string // JSON without braces → what is read; "!" begins the field of an error
	}{
		{order(func(o *Order) any { return o.ID }), map[string]string{
			`"id":"12"`: "12", `"id":9007199254740993`: "9007199254740993", `"id":12.0`: "12", `"id":{"id":12,"name":"x"}`: "12",
			`"id":"abc"`: "!id", `"id":1.5`: "!id", `"id":18446744073709551615`: "!id", `"id":[1,2]`: "!id", `"id":true`: "!id"}},
		{order(func(o *Order) any { return fmt.Sprint(o.CustomerID, o.ParentID) }), map[string]string{
			`"customer_id":"4","parent_id":{"id":5060147738939}`: "4 5060147738939", `"customer_id":{"ID":"4"},"parent_id":[]`: "4 0",
			`"customer_id":"guest","parent_id":false`: "0 0", `"customer_id":null,"parent_id":""`: "0 0", `"customer_id":{"a":[]},"parent_id":["8"]`: "0 8"}},
		{order(func(o *Order) any { return o.Number }), map[string]string{
			`"number":5012`: "5012", `"number":"A-1"`: "A-1", `"number":null`: "", `"number":false`: "", `"number":[]`: "", `"number":{}`: "", `"number":["7"]`: "7",
			`"number":{"rendered":"9"}`: "9", `"number":{"a":{"b":1}}`: "", `"number":12345678901234567890`: "12345678901234567890"}},
		{order(func(o *Order) any { return o.Total }), map[string]string{
			`"total":"12.50"`: "12.5", `"total":12.5`: "12.5", `"total":""`: "", `"total":null`: "", `"total":false`: "", `"total":[]`: "", `"total":" 7 "`: "7",
			`"total":"12,50"`: "!total", `"total":"free"`: "!total", `"total":true`: "!total", `"total":{"value":"5"}`: "!total", `"total":"NaN"`: "!total"}},
		{order(func(o *Order) any { return o.PricesIncludeTax }), map[string]string{
			`"prices_include_tax":"yes"`: "true", `"prices_include_tax":"1"`: "true", `"prices_include_tax":1`: "true", `"prices_include_tax":"true"`: "true", `"prices_include_tax":2`: "true",
			`"prices_include_tax":"no"`: "false", `"prices_include_tax":""`: "false", `"prices_include_tax":0`: "false", `"prices_include_tax":"false"`: "false", `"prices_include_tax":[]`: "false", `"prices_include_tax":null`: "false", `"prices_include_tax":"perhaps"`: "false"}},
		{order(func(o *Order) any { return show(o.DateModified) }), map[string]string{
			`"date_modified_gmt":"2026-03-02T15:15:00"`: day, `"date_modified_gmt":"2026-03-02T10:15:00-05:00"`: day, `"date_modified_gmt":"2026-03-02T15:15:00.000000Z"`: day,
			`"date_modified_gmt":1772464500`: day, `"date_modified_gmt":"1772464500"`: day, `"date_modified_gmt":"2026-03-02 15:15:00"`: day,
			`"date_modified_gmt":{"date":"2026-03-02 15:15:00.000000","timezone_type":3,"timezone":"UTC"}`:    day,
			`"date_modified_gmt":{"date":"2026-03-02 10:15:00.000000","timezone_type":1,"timezone":"-05:00"}`: day,
			`"date_modified_gmt":""`: "", `"date_modified_gmt":null`: "", `"date_modified_gmt":false`: "", `"date_modified_gmt":[]`: "", `"date_modified_gmt":{}`: "", `"date_modified_gmt":0`: "",
			`"date_modified_gmt":"0000-00-00T00:00:00"`: "", `"date_modified_gmt":"-0001-11-30T00:00:00"`: "", `"date_modified_gmt":"yesterday"`: ""}},
		{order(func(o *Order) any { return o.Billing.City }), map[string]string{
			`"billing":{"city":"Perth"}`: "Perth", `"billing":[]`: "", `"billing":""`: "", `"billing":null`: "", `"billing":false`: "", `"billing":{}`: "", `"billing":"12 Mill Lane"`: "",
			`"billing":[{"city":"Perth"}]`: "Perth", `"billing":{"city":90210,"email":{"a":1}}`: "90210", `"billing":{"city":null}`: ""}},
		{order(func(o *Order) any { return fmt.Sprint(len(o.Lines), len(o.Refunds), len(o.CouponLines)) }), map[string]string{
			`"line_items":{"0":{"id":1},"2":{"id":2}}`: "2 0 0", `"line_items":""`: "0 0 0", `"line_items":null`: "0 0 0", `"line_items":false,"refunds":{},"coupon_lines":""`: "0 0 0",
			`"line_items":{"id":1,"total":"5"}`: "1 0 0", `"line_items":[null,[],{},{"id":2}]`: "1 0 0", `"line_items":{"a1b2":{"id":1}}`: "1 0 0",
			`"refunds":{"1":{"id":9,"total":"-5"}}`: "0 1 0", `"refunds":[{"errors":{"x":["y"]}}]`: "0 0 0",
			`"line_items":[{"id":1},{"id":2,"total":"five"}]`: "!line_items[1].total", `"line_items":["x"]`: "!line_items[0]", `"line_items":[{"quantity":"two"}]`: "!line_items[0].quantity",
			`"refunds":[{"id":9,"total":{"x":1}}]`: "!refunds[0].total", `"fee_lines":[{"taxes":[{"id":1,"total":"a"}]}]`: "!fee_lines[0].taxes[0].total"}},
		{order(func(o *Order) any {
			var out []string
			for _, m := range o.MetaData {
				out = append(out, fmt.Sprintf("%d %s = %s", m.ID, m.Key, m.Text()))
			}
			return strings.Join(out, " ")
		}), map[string]string{
			`"meta_data":{"0":{"id":1,"key":"Size","value":"A2"},"2":{"id":3,"key":"_x","value":1}}`: "1 Size = A2 3 _x = 1", `"meta_data":{"1794":{"id":1794,"key":"a","value":"b"}}`: "1794 a = b",
			`"meta_data":{"colour":"red","_n":5,"obj":{"x":1}}`: "0 colour = red 0 _n = 5 0 obj = ", `"meta_data":[{},{}]`: "", `"meta_data":""`: "", `"meta_data":null`: "",
			`"meta_data":{"id":4,"key":"a","value":"b"}`: "4 a = b", `"meta_data":["x",5,{"id":"seven","key":"a","value":"b"}]`: "0 a = b", `"meta_data":[{"id":1,"key":7,"value":true}]`: "1 7 = true"}},
		{order(func(o *Order) any {
			var out []string
			if len(o.Lines) == 0 {
				return "no line"
			}
			for _, x := range o.Lines[0].Taxes {
				out = append(out, fmt.Sprintf("%d:%s/%s", x.RateID, x.Total, x.Subtotal))
			}
			return strings.Join(out, " ")
		}), map[string]string{
			`"line_items":[{"taxes":[{"id":"1","total":4,"subtotal":""}]}]`: "1:4/", `"line_items":[{"taxes":{"3":{"id":1,"total":"4"}}}]`: "1:4/", `"line_items":[{"id":1,"taxes":{}}]`: "",
			`"line_items":[{"taxes":{"1":"4.00","2":"0.5"}}]`: "1:4/ 2:0.5/", `"line_items":[{"taxes":{"total":{"1":"4"},"subtotal":{"1":"5","2":"1"}}}]`: "1:4/5 2:/1",
			`"line_items":[{"taxes":{"id":1,"total":"4"}}]`: "1:4/", `"line_items":[{"id":1,"taxes":""}]`: "", `"line_items":[{"taxes":[null,{"id":{"id":6},"total":"4"}]}]`: "6:4/",
			`"line_items":[{"id":1,"taxes":{"total":[],"subtotal":[]}}]`: "", `"line_items":[{"id":1,"taxes":{"1":"four"}}]`: "!line_items[0].taxes.total.1"}},
		{product(func(p *Product) any { return p.SKU }), map[string]string{
			`"sku":12345`: "12345", `"sku":4455.5`: "4455.5", `"sku":null`: "", `"sku":false`: "", `"sku":""`: "", `"sku":[]`: "", `"sku":["A"]`: "A",
			`"sku":{"oops":1}`: "!sku", `"sku":["A","B"]`: "!sku"}},
		{product(func(p *Product) any { return fmt.Sprint(p.VariationIDs, p.UpsellIDs) }), map[string]string{
			`"variations":{"1":501,"2":"502"},"upsell_ids":null`: "[501 502] []", `"variations":[{"id":501,"sku":"x"},{"id":502}],"upsell_ids":""`: "[501 502] []",
			`"variations":"501, 502","upsell_ids":7`: "[501 502] [7]", `"variations":{"id":501},"upsell_ids":[0,null,"x",8]`: "[501] [8]", `"variations":false`: "[] []"}},
		{product(func(p *Product) any {
			var out []string
			for _, x := range p.Categories {
				out = append(out, fmt.Sprint(x.ID, " ", x.Name))
			}
			return strings.Join(out, ",")
		}), map[string]string{
			`"categories":{"1":{"id":9,"name":"Tops"}}`: "9 Tops", `"categories":[9,"12"]`: "9 ,12 ", `"categories":["Tops",null,{"id":1,"name":["a"]}]`: "0 Tops,1 a", `"categories":{"id":9,"name":"Tops"}`: "9 Tops", `"categories":"Tops"`: "0 Tops"}},
		{product(func(p *Product) any { return fmt.Sprint(p.Weight, "|", p.Dimensions.Length, "|", p.LowStockAmount) }), map[string]string{
			`"weight":2.5,"dimensions":{"length":"3"},"low_stock_amount":""`: "2.5|3|", `"weight":"heavy","dimensions":[],"low_stock_amount":"few"`: "||", `"weight":{},"dimensions":{"length":"3 cm"},"low_stock_amount":false`: "||"}},
		{product(func(p *Product) any { return fmt.Sprint(p.ManageStock, " ", p.StockQuantity) }), map[string]string{
			`"manage_stock":"yes","stock_quantity":"16"`: "true 16", `"manage_stock":"parent","stock_quantity":null`: "parent ", `"manage_stock":[],"stock_quantity":""`: "false ", `"manage_stock":1,"stock_quantity":2.5`: "true 2.5",
			`"manage_stock":"perhaps"`: "!manage_stock", `"stock_quantity":"many"`: "!stock_quantity"}},
		{product(func(p *Product) any { return fmt.Sprint(show(p.SaleFrom), "|", p.RegularPrice, "|", p.Permalink) }), map[string]string{
			`"date_on_sale_from_gmt":"","regular_price":16,"permalink":0`: "|16|0", `"date_on_sale_from_gmt":"soon"`: "!date_on_sale_from_gmt", `"regular_price":"ask"`: "!regular_price", `"permalink":{"a":1}`: "||"}},
		{product(func(p *Product) any {
			if len(p.Attributes) == 0 {
				return ""
			}
			return fmt.Sprint(p.Attributes[0].Options, " ", p.Attributes[0].Variation)
		}), map[string]string{
			`"attributes":{"1":{"id":0,"name":"Size","options":{"1":"M","2":"L"},"variation":"1"}}`: "[M L] true", `"attributes":[{"name":"Size","options":"M","variation":"no"}]`: "[M] false",
			`"attributes":[{"name":"Size","options":[38,{"x":1},"40"]}]`: "[38  40] false", `"attributes":""`: ""}},
	} {
		for field, want := range c.fields {
			got, err := c.read(field)
			if name, bad := strings.CutPrefix(want, "!"); bad {
				if err == nil || !strings.Contains(err.Error(), `"`+name+`"`) {
					t.Errorf("%s: read as %v, %v; want an error of %s", field, got, err, name)
				}
				continue
			}
			if s := fmt.Sprint(got); err != nil || s != want {
				t.Errorf("%s: %q, %v; want %q", field, s, err, want)
			}
		}
	}
}

func TestPicturesOfVariations(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{`null`: "", `[]`: "", `""`: "", `false`: "", `{}`: "", `{"id":5,"src":"https://shop.example/a.png"}`: "5 https://shop.example/a.png",
		`[{"id":5,"src":"x"},{"id":6}]`: "5 x", `55`: "55 ", `"https://shop.example/a.png"`: "0 https://shop.example/a.png", `{"id":"","src":"x"}`: "0 x"} {
		var v Variation
		if err := json.Unmarshal([]byte(`{"id":7,"image":`+raw+`}`), &v); err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		got := ""
		if v.Image != nil {
			got = fmt.Sprint(v.Image.ID, " ", v.Image.Src)
		}
		if got != want {
			t.Errorf("%s: %q, want %q", raw, got, want)
		}
	}
}

// Tax services name rates as they like. The same name is the same number, which
// no rate of the store's own table has.
func TestRatesWithSentencesForIDs(t *testing.T) {
	t.Parallel()
	o, err := oneOrder(t, string(shape(t, "tax-id-is-a-sentence")))
	if err != nil {
		t.Fatal(err)
	}
	id := o.TaxLines[0].RateID
	if id >= 0 || o.Lines[0].Taxes[0].RateID != id || o.TaxLines[0].Label != "HST (CA)" || o.TaxLines[0].RatePercent.String() != "13" || o.TaxLines[0].TaxTotal.String() != "26" {
		t.Errorf("%+v and %+v", o.TaxLines, o.Lines[0].Taxes)
	}
	again := keyOf([]byte(`"stripe_tax_for_woocommerce__hst__13.0__Canada (HST)"`))
	other := keyOf([]byte(`"stripe_tax_for_woocommerce__hst__5.0__Canada (GST)"`))
	if again != id || other >= 0 || other == id {
		t.Errorf("%d, %d and %d", id, again, other)
	}
	for raw, want := range map[string]ID{`1`: 1, `"12"`: 12, `999999999999999`: 999999999999999, `""`: 0, `null`: 0, `{"id":4}`: 4} {
		if got := keyOf([]byte(raw)); got != want {
			t.Errorf("%s: %d", raw, got)
		}
	}
}

func TestListsAsObjects(t *testing.T) {
	t.Parallel()
	c, _ := testClient(t, jsonAnswer(200, string(shape(t, "lists-as-objects-products"))))
	var got []string
	for p, err := range c.Products(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(p.ID, " ", p.SKU, " ", p.VariationIDs, p.CrossSellIDs, p.UpsellIDs, p.GroupedIDs, " ", len(p.Categories)))
	}
	if s := strings.Join(got, "; "); s != "152 SH [501 502] [10 11] [10] [10] 1; 37 ST [] [] [] [] 0" {
		t.Error(s)
	}
	o, err := oneOrder(t, string(shape(t, "lists-as-objects-order")))
	if err != nil || len(o.Lines) != 2 || o.Lines[0].VariationID != 501 || o.Lines[1].Name != "Sticker" || o.Total.String() != "23" {
		t.Errorf("%+v, %v", o, err)
	}
	o, err = oneOrder(t, string(shape(t, "meta-data-as-object")))
	if err != nil || len(o.MetaData) != 0 || len(o.Lines[0].MetaData) != 2 || o.Lines[0].MetaData[1].Key != "_reduced_stock" {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestTextsWithNUL(t *testing.T) {
	t.Parallel()
	check := func(how string, o *Order, err error) {
		if err != nil || o.CustomerNote != "ring twice" || o.PaymentMethodTitle != "Card" || o.Lines[0].Name != "Teapot blue" || o.Lines[0].MetaData[0].Key != "*data" {
			t.Errorf("%s: %v %+v", how, err, o)
		}
	}
	o, err := oneOrder(t, string(shape(t, "nul-characters")))
	check("over the wire", o, err)
	var direct Order
	check("read directly", &direct, json.Unmarshal(shape(t, "nul-characters"), &direct))
	c, _ := testClient(t, jsonAnswer(200, string(shape(t, "nul-characters-product"))))
	p, err := c.Product(t.Context(), 81)
	if err != nil || p.Name != "Teapot" || p.SKU != "TP-1" || strings.Contains(string(p.Raw), `\u0000`) {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestIDsOf64Bits(t *testing.T) {
	t.Parallel()
	o, err := oneOrder(t, string(shape(t, "ids-beyond-32-bit")))
	if err != nil || o.ID != 9007199254740993 || o.Lines[0].ID != 9007199254740995 || o.Lines[0].ProductID != 5060147738939 || o.Lines[0].VariationID != 5060147738940 {
		t.Errorf("%+v, %v", o, err)
	}
	// An unreadable object keeps all digits of its id, too.
	c, _ := testClient(t, jsonAnswer(200, `[{"id":9007199254740993,"total":"free"}]`))
	for _, err := range c.Orders(t.Context(), nil) {
		if ObjectOf(err) != 9007199254740993 || !strings.Contains(err.Error(), "9007199254740993") {
			t.Error(err)
		}
	}
}

// One item that cannot be read is told with its place, id and field; the others
// are read.
func TestBadItemsOfLists(t *testing.T) {
	t.Parallel()
	list := func(body string) (ids []ID, problems []Problem) {
		c, _ := testClient(t, jsonAnswer(200, body))
		for v, err := range c.Variations(t.Context(), 9, nil) {
			if err != nil {
				if p := ProblemOf(err); p == nil {
					t.Errorf("%s: %v", body, err)
				} else {
					problems = append(problems, *p)
				}
				continue
			}
			ids = append(ids, v.ID)
		}
		return ids, problems
	}
	ids, problems := list(string(shape(t, "one-bad-variation")))
	if fmt.Sprint(ids) != "[611 612]" || len(problems) != 1 || problems[0].Index != 2 || problems[0].ID != 613 || problems[0].Field != "sku" {
		t.Errorf("%v, %+v", ids, problems)
	}
	for body, want := range map[string]string{
		`[null,{"id":1},[],"x",false,{"id":2}]`:                                   "[1 2] 0  2  3  4 ",
		`[{"code":"rest_error","message":"<b>No</b> way","data":null},{"id":2}]`:  "[2] 0 ",
		`[{"id":0},{"id":0},{"id":-1},{"sku":"A"},{"id":3}]`:                      "[3] 0 id 1 id 2 id 3 id",
		`[{"id":"seven"},{"id":{"id":8}},{"id":9,"regular_price":"ask"}]`:         "[8] 0 id 2 regular_price",
		`{"0":{"id":1},"5":{"id":2,"stock_quantity":"many"},"7":{"id":"3"}}`:      "[1 3] 1 stock_quantity",
		`[{"id":1},{"id":"1"},{"id":1.0}]`:                                        "[1]",
		`[{"errors":{"woocommerce_rest_invalid_id":["Invalid ID."]}},{"id":"4"}]`: "[4] 0 ",
	} {
		ids, problems := list(body)
		got := fmt.Sprint(ids)
		for _, p := range problems {
			got += fmt.Sprintf(" %d %s", p.Index, p.Field)
			if p.Reason == "" {
				t.Errorf("%s: no reason", body)
			}
		}
		if got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
	// What ends the walk is no problem of an item.
	c, _ := testClient(t, jsonAnswer(200, `{"message":"hello"}`))
	for _, err := range c.Variations(t.Context(), 9, nil) {
		if err == nil || ProblemOf(err) != nil {
			t.Error(err)
		}
	}
	// Nor are lists without pages lost for one item.
	c, _ = testClient(t, jsonAnswer(200, `[{"id":"bacs","method_supports":{"1":"refunds"}},"x",{"id":"cod"}]`))
	if all, err := c.PaymentGateways(t.Context()); err != nil || len(all) != 2 || all[0].Supports[0] != "refunds" || all[1].ID != "cod" {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestRefundListsWithErrors(t *testing.T) {
	t.Parallel()
	c, _ := testClient(t, jsonAnswer(200, string(shape(t, "refund-list-with-errors"))))
	var got []string
	for r, err := range c.OrderRefunds(t.Context(), 7510) {
		if err != nil {
			if p := ProblemOf(err); p == nil || p.Index != 0 || p.ID != 0 || !strings.Contains(p.Reason, "Invalid order refund ID.") {
				t.Errorf("%v", err)
			}
			continue
		}
		got = append(got, fmt.Sprint(r.ID, " ", r.Amount))
	}
	if fmt.Sprint(got) != "[812 10]" {
		t.Error(got)
	}
}

func TestObjectsWithoutTheirID(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `[]`, `null`, `{"id":0,"total":"5"}`, `{"total":"5"}`, `{"code":"x","message":"Sorry."}`, `{"id":"x"}`, `"text"`} {
		if o, err := oneOrder(t, body); err == nil || ProblemOf(err) != nil {
			t.Errorf("%s was read as %+v, %v", body, o, err)
		}
	}
	if o, err := oneOrder(t, `[{"id":5}]`); err != nil || o.ID != 5 {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestBatchAnswersAsObjects(t *testing.T) {
	t.Parallel()
	c, _ := testClient(t, jsonAnswer(200, `{"update":{"0":{"id":1},"2":{"id":"2","error":{"code":"woocommerce_rest_product_invalid_id","message":"No.","data":{"status":400}}}}}`))
	got, err := c.Batch(t.Context(), "products", Update, []any{Query{"id": "1"}, Query{"id": "2"}})
	if err != nil || len(got) != 2 || got[0].ID != 1 || got[0].Err != nil || got[1].ID != 2 || got[1].Err == nil {
		t.Errorf("%+v, %v", got, err)
	}
}

// A refund that is deleted makes a store deliver an error in place of the
// order: that says nothing of the order.
func TestDeliveryOfAnErrorNamesNoOrder(t *testing.T) {
	t.Parallel()
	body := shape(t, "refund-deleted-webhook")
	h := http.Header{}
	for k, v := range map[string]string{HeaderTopic: "order.updated", HeaderResource: "order", HeaderEvent: "updated", HeaderWebhookID: "30", HeaderSignature: Sign("secret", body)} {
		h.Set(k, v)
	}
	d, err := ParseDelivery(h, body)
	if err != nil || d.Kind != DeliveryError || d.ObjectID != 0 || d.Failure == nil || d.Failure.Status != 404 {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestSubscriptionTypes(t *testing.T) {
	t.Parallel()
	c, _ := testClient(t, func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/variations") {
			return jsonAnswer(200, string(shape(t, "subscription-variations")))(r)
		}
		return jsonAnswer(200, string(shape(t, "subscription-product")))(r)
	})
	p, err := c.Product(t.Context(), 200)
	if err != nil || !p.HasVariations() || p.IsVariation() {
		t.Fatalf("%+v, %v", p, err)
	}
	var got []string
	for v, err := range c.Variations(t.Context(), 200, nil) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(v.ID, " ", v.ParentID, " ", v.SKU, " ", v.Attributes[0].Option))
	}
	if fmt.Sprint(got) != "[204 200 COF-WB Whole bean 205 200 COF-ES Espresso]" {
		t.Error(got)
	}
	for raw, want := range map[string][2]bool{ // has variations, is one
		`{"type":"variable"}`:                                               {true, false},
		`{"type":"variable-subscription","variations":[]}`:                  {true, false},
		`{"type":"variable_product_part"}`:                                  {true, false},
		`{"type":"bundle","variations":[5]}`:                                {true, false},
		`{"type":"simple"}`:                                                 {false, false},
		`{"type":"simple","variations":[]}`:                                 {false, false},
		`{"type":"variation","parent_id":9}`:                                {false, true},
		`{"type":"subscription_variation","parent_id":9,"variations":null}`: {false, true},
		`{"type":"Subscription-Variation"}`:                                 {false, true},
		`{"type":"custom","parent_id":9}`:                                   {false, true},
		`{"type":"simple","parent_id":9}`:                                   {false, false}, // a member of a grouped product
	} {
		var p Product
		if err := json.Unmarshal([]byte(raw), &p); err != nil || p.HasVariations() != want[0] || p.IsVariation() != want[1] {
			t.Errorf("%s: %t %t, %v", raw, p.HasVariations(), p.IsVariation(), err)
		}
	}
}
