package wcapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
)

// kinds maps routes to the type their objects are read into.
var kinds = []struct {
	route *regexp.Regexp
	make  func() any
}{
	{regexp.MustCompile(`^products(/\d+)?$`), func() any { return new(Product) }},
	{regexp.MustCompile(`^products/\d+/variations(/\d+)?$`), func() any { return new(Variation) }},
	{regexp.MustCompile(`^products/categories(/\d+)?$`), func() any { return new(Category) }},
	{regexp.MustCompile(`^products/attributes(/\d+)?$`), func() any { return new(Attribute) }},
	{regexp.MustCompile(`^products/attributes/\d+/terms(/\d+)?$`), func() any { return new(AttributeTerm) }},
	{regexp.MustCompile(`^products/shipping_classes(/\d+)?$`), func() any { return new(ShippingClass) }},
	{regexp.MustCompile(`^customers(/\d+)?$`), func() any { return new(Customer) }},
	{regexp.MustCompile(`^coupons(/\d+)?$`), func() any { return new(Coupon) }},
	{regexp.MustCompile(`^taxes(/\d+)?$`), func() any { return new(Tax) }},
	{regexp.MustCompile(`^taxes/classes(/.+)?$`), func() any { return new(TaxClass) }},
	{regexp.MustCompile(`^settings/[^/]+(/.+)?$`), func() any { return new(Setting) }},
	{regexp.MustCompile(`^system_status$`), func() any { return new(SystemStatus) }},
	{regexp.MustCompile(`^payment_gateways(/.+)?$`), func() any { return new(PaymentGateway) }},
	{regexp.MustCompile(`^shipping/zones(/\d+)?$`), func() any { return new(ShippingZone) }},
	{regexp.MustCompile(`^shipping/zones/\d+/methods$`), func() any { return new(ShippingZoneMethod) }},
	{regexp.MustCompile(`^shipping/zones/\d+/locations$`), func() any { return new(ShippingZoneLocation) }},
	{regexp.MustCompile(`^webhooks(/\d+)?$`), func() any { return new(Webhook) }},
	{regexp.MustCompile(`^data/currencies/[a-z]+$`), func() any { return new(Currency) }},
}

// What every type reads must be in it afterwards: each field of the recording
// that has a place in the type is compared with what was read.
func TestRecordedObjectsAreReadWithoutLoss(t *testing.T) {
	t.Parallel()
	objects := map[string]int{}
	compared := 0
	for _, x := range recordings(t) {
		path, ok := strings.CutPrefix(x.Request.Path, "/wp-json/wc/v3/")
		if !ok || x.Response.Status >= 300 || len(x.Response.Body) == 0 || x.Response.RawBody != "" || strings.Contains(path, "batch") {
			continue
		}
		for _, k := range kinds {
			if !k.route.MatchString(path) {
				continue
			}
			items := []json.RawMessage{x.Response.Body}
			if x.Response.Body[0] == '[' {
				items = nil // decoding into the recording itself would change it for others
				mustDecode(t, x.Response.Body, &items)
			}
			for _, raw := range items {
				v := k.make()
				if err := json.Unmarshal(raw, v); err != nil {
					t.Errorf("%s: %v", x.Name, err)
					continue
				}
				objects[reflect.TypeOf(v).Elem().Name()]++
				compared += compareFields(t, x.Name, raw, reflect.ValueOf(v).Elem())
			}
		}
	}
	t.Log(objects, compared)
	if objects["Product"] < 800 || objects["Variation"] < 80 || objects["Customer"] < 190 || objects["Tax"] < 60 || compared < 20000 {
		t.Errorf("too few objects: %v, %d values", objects, compared)
	}
}

// compareFields compares ids, amounts, texts, times and flags, also in nested
// objects and lists, and returns how many.
func compareFields(t *testing.T, where string, raw json.RawMessage, v reflect.Value) int {
	t.Helper()
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return 0
	}
	n := 0
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		got, present := fields[name]
		if name == "-" || !present || bytes.Equal(got, []byte("null")) {
			continue
		}
		n += compareValue(t, where+" "+name, got, v.Field(i))
	}
	return n
}

func compareValue(t *testing.T, where string, raw json.RawMessage, v reflect.Value) int {
	t.Helper()
	text, err := scalarText(raw)
	bad := func() { t.Errorf("%s: %s was read as %v", where, raw, v.Interface()) }
	switch got := v.Interface().(type) {
	case Amount:
		if got.Set != (text != "") || got.Set && !got.Decimal.Equal(decimal.RequireFromString(text)) {
			bad()
		}
	case ID, Int:
		if n, _ := wholeNumber(raw); n != v.Int() {
			bad()
		}
	case Flag:
		if bool(got) != (text == "true") {
			bad()
		}
	case StockMode:
		if string(got) != text && (got != StockUnmanaged || text != "") {
			bad()
		}
	case Time:
		if text != "" && got.Format(timeLayout) != text || text == "" != got.IsZero() {
			bad()
		}
	case string:
		var s string
		if json.Unmarshal(raw, &s) != nil || s != got {
			bad()
		}
	case json.RawMessage:
		if !bytes.Equal(got, raw) {
			bad()
		}
	default:
		switch v.Kind() {
		case reflect.Struct:
			return compareFields(t, where, raw, v)
		case reflect.Pointer:
			return compareFields(t, where, raw, v.Elem())
		case reflect.Slice:
			var items []json.RawMessage
			if json.Unmarshal(raw, &items) != nil || len(items) != v.Len() {
				bad()
				return 0
			}
			n := 0
			for i, item := range items {
				n += compareValue(t, where, item, v.Index(i))
			}
			return n
		default:
			t.Errorf("%s: %s is not compared", where, v.Type())
		}
	}
	_ = err
	return 1
}

func TestFlexibleValues(t *testing.T) {
	t.Parallel()
	type all struct {
		A Amount    `json:"a"`
		I ID        `json:"i"`
		F Flag      `json:"f"`
		T Time      `json:"t"`
		M StockMode `json:"m"`
	}
	day := At(time.Date(2026, 4, 29, 2, 50, 29, 0, time.UTC))
	some := func(s string) Amount { return NewAmount(decimal.RequireFromString(s)) }
	for in, want := range map[string]all{
		`{"a":"","i":"","f":"","t":"","m":false}`:                                            {M: StockUnmanaged},
		`{"a":null,"i":null,"f":null,"t":null}`:                                              {},
		`{"a":"0","i":0,"f":false,"m":true}`:                                                 {A: some("0"), M: StockManaged},
		`{"a":"2149.9900","i":"12","f":"yes","t":"2026-04-29T02:50:29","m":"parent"}`:        {A: some("2149.99"), I: 12, F: true, T: day, M: StockOfParent},
		`{"a":8.840708000000001,"i":9007199254740993,"f":1,"t":"2026-04-28T22:50:29-04:00"}`: {A: some("8.840708000000001"), I: 9007199254740993, F: true, T: day},
		`{"a":-5,"i":false,"f":"0","t":"2026-04-29T02:50:29Z","m":"yes"}`:                    {A: some("-5"), T: day, M: StockManaged},
	} {
		var got all
		if err := json.Unmarshal([]byte(in), &got); err != nil {
			t.Errorf("%s: %v", in, err)
		}
		if !got.A.Equal(want.A) || got.I != want.I || got.F != want.F || !got.T.Equal(want.T.Time) || got.M != want.M && want.M != "" {
			t.Errorf("%s was read as %+v", in, got)
		}
	}
	for _, in := range []string{`{"a":"call us"}`, `{"i":"abc"}`, `{"i":1.5}`, `{"f":"maybe"}`, `{"t":"yesterday"}`, `{"a":{"amount":1}}`, `{"m":[1,2]}`} {
		if err := json.Unmarshal([]byte(in), new(all)); err == nil {
			t.Errorf("%s was accepted", in)
		}
	}
}

func TestPatchesAsWritten(t *testing.T) {
	t.Parallel()
	price, none, qty, own := NewAmount(decimal.RequireFromString("15.10")), Amount{}, int64(0), StockManaged
	for _, tc := range []struct {
		v    any
		want string
	}{
		{ProductPatch{RegularPrice: &price, SalePrice: &none, SaleFrom: &SaleDate{}, StockQuantity: &qty, ManageStock: &own},
			`{"regular_price":"15.1","sale_price":"","date_on_sale_from_gmt":"","manage_stock":true,"stock_quantity":0}`},
		{ProductPatch{}, `{}`},
		{ProductPatch{MetaData: []MetaSet{{Key: "x"}}}, `{"meta_data":[{"key":"x","value":null}]}`},
		// Money never moves, and stock never returns, unless asked for.
		{RefundRequest{Amount: decimal.RequireFromString("5.00")}, `{"amount":"5","api_refund":false,"api_restock":false}`},
		{RefundRequest{ViaGateway: true, Restock: true, Lines: []RefundLine{{LineID: 3, Quantity: 1, Total: decimal.RequireFromString("9.99"), Taxes: []RefundTax{{RateID: 2, Total: decimal.RequireFromString("0.50")}}}}},
			`{"line_items":[{"id":3,"quantity":1,"refund_total":"9.99","refund_tax":[{"id":2,"refund_total":"0.5"}]}],"api_refund":true,"api_restock":true}`},
	} {
		got, err := json.Marshal(tc.v)
		if err != nil || string(got) != tc.want {
			t.Errorf("%s (%v), want %s", got, err, tc.want)
		}
	}
	c, _ := testClient(t, func(*http.Request) (*http.Response, error) { t.Error("sent"); return nil, errors.New("sent") })
	if _, err := c.CreateRefund(context.Background(), 1, RefundRequest{}); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
	if !addsLines([]byte(`{"line_items":[{"id":1},{"product_id":2}]}`)) || addsLines([]byte(`{"status":"x","fee_lines":[{"id":4,"name":null}]}`)) {
		t.Error("adding lines is not recognised")
	}
}

func TestRefundLinesNameWhatTheyUndo(t *testing.T) {
	t.Parallel()
	var r Refund
	if err := json.Unmarshal([]byte(`{"id":385,"amount":"16.67","line_items":[{"id":612,"quantity":-1,"total":"-14.75","meta_data":[{"key":"_refunded_item_id","value":"375"}]},{"id":613,"quantity":-1,"meta_data":[]}]}`), &r); err != nil {
		t.Fatal(err)
	}
	if a, b := Origin(r.Lines[0].MetaData), Origin(r.Lines[1].MetaData); a != 375 || b != 0 || !r.Lines[0].Quantity.Equal(decimal.NewFromInt(-1)) {
		t.Errorf("%d, %d, quantity %s", a, b, r.Lines[0].Quantity)
	}
}

func TestAmountsThatFillTheMemoryAreRefused(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{`{"total":"1e999999"}`, `{"total":1e-9999}`, `{"line_items":[{"quantity":1e99999}]}`, `{"total":"` + strings.Repeat("9", 80) + `"}`} {
		var o Order
		if err := json.Unmarshal([]byte(raw), &o); err == nil {
			t.Errorf("%.40s is read", raw)
		}
	}
}
