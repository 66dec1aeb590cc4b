package ordermap

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
)

func parse(t testing.TB, raw string) wcapi.Order {
	t.Helper()
	var o wcapi.Order
	if err := json.Unmarshal([]byte(raw), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// short writes what a case is about: "3×9.99=29.97+1.5", a line each, and the
// state.
func short(o Order) string {
	var out []string
	for _, l := range o.Lines {
		if l.Kind == Note {
			out = append(out, "note")
			continue
		}
		s := fmt.Sprintf("%s %s×%s", l.Kind, l.Quantity, l.Price)
		if !l.Discount.IsZero() {
			s += fmt.Sprintf("-%s%%", l.Discount)
		}
		s += "=" + l.Total.String()
		for _, x := range l.Taxes {
			s += "+" + x.Amount.String()
		}
		out = append(out, s)
	}
	return strings.Join(append(out, string(o.State)), "; ")
}

func TestLines(t *testing.T) {
	t.Parallel()
	const tax = `"tax_lines":[{"rate_id":1,"label":"VAT","rate_percent":10,"tax_total":"%s"}]`
	for name, c := range map[string]struct {
		places int32
		order  string
		want   string
		note   string
	}{
		"numbers instead of texts": {2, `{"currency":"CAD","total":"32.97","total_tax":3,"line_items":[{"id":"7","quantity":"3","subtotal":29.97,"total":29.97,"total_tax":3.0,"taxes":[{"id":"1","total":2.997}]}],` + fmt.Sprintf(tax, "3.00") + `}`,
			"product 3×9.99=29.97+3; equal", ""},
		"yen": {0, `{"currency":"JPY","total":"1100","total_tax":"100","line_items":[{"id":7,"quantity":3,"subtotal":"1000","total":"1000","taxes":[{"id":1,"total":"100"}]}],` + fmt.Sprintf(tax, "100") + `}`,
			"product 3×333.3=1000+100; equal", ""},
		"yen that a store shows with cents": {0, `{"currency":"JPY","total":"1100.00","total_tax":"100.00","line_items":[{"id":7,"quantity":1,"subtotal":"1000.00","total":"1000.00","taxes":[{"id":1,"total":"99.6"}]}],` + fmt.Sprintf(tax, "100.00") + `}`,
			"product 1×1000=1000+100; equal", ""},
		"dinars": {3, `{"currency":"KWD","total":"11.001","total_tax":"1.000","line_items":[{"id":7,"quantity":7,"subtotal":"12.345","total":"10.001","taxes":[{"id":1,"total":"1.0001"}]}],` + fmt.Sprintf(tax, "1.000") + `}`,
			"product 7×1.7636-18.99%=10.001+1; equal", ""},
		"four decimals in a currency of two": {2, `{"currency":"CAD","total":"10.0001","total_tax":"0","line_items":[{"id":7,"quantity":1,"total":"10.0001"}]}`,
			"product 1×10=10; rounded", "more decimals"},
		"fraction of a piece": {2, `{"currency":"CAD","total":"4.16","total_tax":"0","line_items":[{"id":7,"quantity":0.333,"subtotal":"4.16","total":"4.16"}]}`,
			"product 0.333×12.49=4.16; equal", ""},
		"price above the usual": {2, `{"currency":"CAD","total":"25","total_tax":"0","line_items":[{"id":7,"quantity":2,"subtotal":"20","total":"25"}]}`,
			"product 2×12.5=25; equal", ""},
		"negative line": {2, `{"currency":"CAD","total":"-5","total_tax":"-0.50","line_items":[{"id":7,"quantity":1,"subtotal":"-4.5","total":"-4.5","taxes":[{"id":1,"total":"-0.5"}]}],` + fmt.Sprintf(tax, "-0.50") + `}`,
			"product 1×-4.5=-4.5+-0.5; equal", ""},
		"nothing of a free product": {2, `{"currency":"CAD","total":"0","total_tax":"0","line_items":[{"id":7,"quantity":0,"subtotal":"0","total":"0"}]}`,
			"note; equal", ""},
		"nothing that costs": {2, `{"currency":"CAD","total":"3","total_tax":"0","line_items":[{"id":7,"name":"Rest","quantity":0,"subtotal":"3","total":"3"}]}`,
			"fee 1×3=3; equal", "“Rest” has quantity 0 and costs 3.00 CAD"},
		"no price of six decimals": {2, `{"currency":"CAD","total":"110.01","total_tax":"10","line_items":[{"id":7,"quantity":300000,"subtotal":"100.01","total":"100.01","taxes":[{"id":1,"total":"10"}]}],` + fmt.Sprintf(tax, "10.00") + `}`,
			"product 299999×0.000333=99.9+10; product 1×0.11=0.11+0; equal", "one piece of it is on a line of its own"},
		"no lines": {2, `{"currency":"CAD","total":"0.00","total_tax":"0.00"}`, "equal", ""},
		"one cent too many": {2, `{"currency":"CAD","total":"10.01","total_tax":"0","line_items":[{"id":7,"quantity":1,"total":"10"}]}`,
			"product 1×10=10; rounding 1×0.01=0.01; rounded", "a line of its own"},
		"two cents of tax too few": {2, `{"currency":"CAD","total":"10.98","total_tax":"0.98","line_items":[{"id":7,"quantity":1,"total":"10","taxes":[{"id":1,"total":"1"}]}]}`,
			"product 1×10=10+0.98; rounded", "the largest tax is adjusted"},
		"gift card": {2, `{"currency":"CAD","total":"5.00","total_tax":"0","line_items":[{"id":7,"quantity":1,"total":"10"}]}`,
			"product 1×10=10; mismatch", "gift cards"},
		"tax without a rate, one known": {2, `{"currency":"CAD","total":"11","total_tax":"1","line_items":[{"id":7,"name":"Cup","quantity":1,"total":"10","total_tax":"1","taxes":[]}],` + fmt.Sprintf(tax, "1.00") + `}`,
			"product 1×10=10+1; equal", "taken for the order's only one"},
		"tax without a rate, none known": {2, `{"currency":"CAD","total":"11","total_tax":"1","line_items":[{"id":7,"name":"Cup","quantity":1,"total":"10","total_tax":"1"}]}`,
			"product 1×10=10; mismatch", "does not say which tax"},
		"rate nobody knows": {2, `{"currency":"CAD","total":"11","total_tax":"1","line_items":[{"id":7,"quantity":1,"total":"10","taxes":[{"id":44,"total":"1"}]}]}`,
			"product 1×10=10+1; mismatch", "rate 44"},
		"rate nobody knows, of nothing": {2, `{"currency":"CAD","total":"10","total_tax":"0","line_items":[{"id":7,"quantity":1,"total":"10","taxes":[{"id":44,"total":"0"}]}]}`,
			"product 1×10=10; equal", ""},
		"summary of another tax": {2, `{"currency":"CAD","total":"11","total_tax":"1","line_items":[{"id":7,"quantity":1,"total":"10","taxes":[{"id":1,"total":"1"}]}],"tax_lines":[{"rate_id":2,"label":"Other","rate_percent":10,"tax_total":"1"}]}`,
			"product 1×10=10+1; mismatch", "no line of the order is charged"},
		"currency in small letters": {2, `{"currency":" cad","total":"10.01","total_tax":"0","line_items":[{"id":7,"quantity":1,"total":"10"}]}`, "product 1×10=10; rounding 1×0.01=0.01; rounded", "10.01 CAD"},
		"no currency":               {2, `{"total":"0"}`, "mismatch", "currency"},
		"no total":                  {2, `{"currency":"CAD"}`, "mismatch", "no total"},
		"only shipping and a fee": {2, `{"currency":"CAD","total":"8","total_tax":"0","shipping_lines":[{"id":1,"method_title":"Post","total":"5"}],"fee_lines":[{"id":2,"name":"Gift wrap","total":"3"}]}`,
			"shipping 1×5=5; fee 1×3=3; equal", ""},
		"one id on two lines": {2, `{"currency":"CAD","total":"8","total_tax":"0","line_items":[{"id":1,"quantity":1,"total":"5"},{"id":1,"quantity":1,"total":"3"}]}`,
			"product 1×5=5; product 1×3=3; equal", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := Map(Input{Order: parse(t, c.order), Rates: []wcapi.Tax{{ID: 1, Name: "VAT"}}, Places: c.places, Tolerance: 2})
			if s := short(got); s != c.want {
				t.Errorf("%s\nwant %s\n%v", s, c.want, got.Notes)
			}
			if notes := strings.Join(got.Notes, " "); c.note != "" && !strings.Contains(notes, c.note) || c.note == "" && notes != "" {
				t.Errorf("notes %q, want %q", notes, c.note)
			}
			adds(t, got)
		})
	}
}

func TestZeroToleranceHoldsEveryDifference(t *testing.T) {
	t.Parallel()
	o := parse(t, `{"currency":"CAD","total":"10.01","total_tax":"0","line_items":[{"id":7,"quantity":1,"total":"10"}]}`)
	if got := Map(Input{Order: o, Places: 2}); got.State != Mismatch {
		t.Errorf("%s: %v", got.State, got.Notes)
	}
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	p := Policy{"ready-pickup": ActConfirm, "packed": ActInvoice, "quote": ActQuotation, "lost": ActCancel, "test": ActIgnore}
	for status, want := range map[string]Class{
		"processing": Import, "completed": Import, "on-hold": Import, "wc-Ready-Pickup": Import, "wc-processing": Import,
		"packed": Invoice, "quote": Quotation, "lost": Cancelled, "test": Ignore,
		"pending": Wait, "failed": Wait, "": Wait, "backordered": Wait,
		"cancelled": Cancelled, "refunded": Refunded,
		"checkout-draft": Ignore, "auto-draft": Ignore, "trash": Ignore,
	} {
		got, why := p.classify(&wcapi.Order{Status: status})
		if got != want || (why == "") != want.Taken() {
			t.Errorf("%q is %s (%s), want %s", status, got, why, want)
		}
	}
	if got, _ := (Policy{"on-hold": ActWait, "refunded": ActConfirm}).classify(&wcapi.Order{Status: "on-hold"}); got != Wait {
		t.Errorf("on-hold is %s", got)
	}
}

func TestCustomers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ order, name, key, email string }{
		"spelling of a mail":       {`{"billing":{"first_name":" Ann ","last_name":"Lee","email":" Ann.LEE@Mail.Example\u200b "}}`, "Ann Lee", "ann.lee@mail.example", "ann.lee@mail.example"},
		"company":                  {`{"billing":{"company":"Nord &amp; Co","email":"x@y.example"}}`, "Nord & Co", "x@y.example", "x@y.example"},
		"only a mail":              {`{"billing":{"email":"x@y.example"}}`, "x@y.example", "x@y.example", "x@y.example"},
		"nothing":                  {`{"id":5,"number":"0005"}`, "Guest of order 0005", "", ""},
		"name without a place":     {`{"billing":{"first_name":"Ann"}}`, "Ann", "", ""},
		"delivery only":            {`{"shipping":{"first_name":"Bo","address_1":"1 Elm","city":"Ottawa"}}`, "Bo", "address:b1519be5396bd9184103f6a2", ""},
		"spaces and control signs": {"{\"billing\":{\"first_name\":\"A\\u0000nn\",\"last_name\":\"  van\\n der  Berg \",\"email\":\"x@y.example\"}}", "Ann van der Berg", "x@y.example", "x@y.example"},
	} {
		t.Run(name, func(t *testing.T) {
			o := parse(t, c.order)
			got := CustomerOf(&o)
			if got.Name != c.name || got.Key != c.key || got.Email != c.email || got.Elsewhere {
				t.Errorf("%+v", got)
			}
		})
	}
	// One address in two spellings is one; another place is another.
	a, b := parse(t, `{"billing":{"first_name":"Ann","address_1":"1 Elm  St","city":"OTTAWA"}}`), parse(t, `{"billing":{"first_name":"ANN","address_1":"1 elm st","city":"Ottawa"},"shipping":{"address_1":"2 Oak","city":"Perth"}}`)
	if x, y := CustomerOf(&a), CustomerOf(&b); x.Key != y.Key || x.Elsewhere || !y.Elsewhere {
		t.Errorf("%+v and %+v", x, y)
	}
}

func TestDigestTellsWhatChanged(t *testing.T) {
	t.Parallel()
	const order = `{"id":5,"status":"%s","currency":"CAD","total":"10","total_tax":"0","date_modified_gmt":"%s","customer_note":"%s","line_items":[{"id":7,"quantity":%d,"total":"10"}],"refunds":[%s]}`
	of := func(args ...any) string {
		return Map(Input{Order: parse(t, fmt.Sprintf(order, args...)), Places: 2, Tolerance: 2}).Digest()
	}
	same := of("processing", "2026-01-01T00:00:00", "", 1, "")
	if same != of("completed", "2026-01-02T00:00:00", "", 1, `{"id":9,"total":"-3"}`) {
		t.Error("a status, a date or a refund changes the digest")
	}
	if same == of("processing", "2026-01-01T00:00:00", "", 2, "") || same == of("processing", "2026-01-01T00:00:00", "Ring twice", 1, "") {
		t.Error("the digest is the same for another quantity or remark")
	}
}
