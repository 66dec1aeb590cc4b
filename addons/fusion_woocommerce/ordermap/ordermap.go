// Package ordermap turns a WooCommerce order into the terms of an ERP: who
// bought, which lines with which taxes, and whether the result equals what the
// store charged. It is pure: values in, values out, the same result for the
// same order. Of ours it may import only wcapi and account/taxcalc.
//
// What it promises: when [Order.State] is not [Mismatch], the lines add up to
// the store's untaxed amount, tax and total exactly, each rounded to the
// currency; where the store contradicts itself by no more than the tolerance,
// the difference is one explicit line or adjustment and told in Notes.
package ordermap

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"

	"github.com/shopspring/decimal"
)

// Input is what an order is mapped from.
type Input struct {
	Order wcapi.Order
	// Rates is the store's tax table as far as it is known. An order names its
	// own rates; the table fills in what an old order leaves out.
	Rates []wcapi.Tax
	// Places is how many decimals amounts of the order's currency have in the ERP.
	Places int32
	// Tolerance is by how many of the smallest amounts of the currency the
	// store's totals may differ from the sum of their own parts.
	Tolerance int
	Policy    Policy
}

// State says how the mapped order compares with the store's totals.
type State string

// The states.
const (
	Equal    State = "equal"    // to the smallest amount, as the store's own parts say
	Rounded  State = "rounded"  // equal after an adjustment that Notes explain
	Mismatch State = "mismatch" // not equal; Notes say why, and a person must decide
)

// Order is a store's order in ERP terms. Times are UTC, amounts in Currency.
type Order struct {
	ID       int64
	Number   string
	Status   string
	Class    Class
	Why      string // in words, when Class is not Taken
	Via      string // what the order was placed through
	Currency string
	Places   int32

	Created, Modified, Paid, Completed time.Time

	Customer Customer
	Lines    []Line
	Rates    []Rate // those on the lines, in the order of their first use
	Totals   Totals
	State    State
	Notes    []string
	Payment  Payment
	Vouchers []Voucher `json:",omitempty"` // gift cards and store credit that paid a part
	Remark   string    // the customer's own
	Refunds  []Refund
	Meta     map[string]string // the texts among the order's meta data
	// Family ties the order to others of the store. It is not in the digest, nor
	// does Class heed it: see [Marketplace.Decide].
	Family Family `json:"-"`
}

// Payment is how the customer paid, or is going to.
type Payment struct{ Method, Title, Transaction string }

// Voucher is a gift card or store credit that paid a part of the order. It is a
// means of payment: goods and taxes stay what they are.
type Voucher struct {
	Code   string // "" where the store does not tell it
	Amount decimal.Decimal
}

// Refund is money given back on the order, positive.
type Refund struct {
	ID     int64
	Amount decimal.Decimal
	Reason string
}

// Totals are the store's own, rounded to the currency. Untaxed is what is left
// of Total without Tax. Stores take what vouchers paid off their total; here it
// is part of Total, and what is left to pay is Total without Vouchers.
type Totals struct {
	Untaxed, Tax, Total   decimal.Decimal
	Shipping, ShippingTax decimal.Decimal
	Discount, Refunded    decimal.Decimal
	Vouchers              decimal.Decimal `json:",omitzero"`
}

// Kind of a line.
type Kind string

// The kinds.
const (
	Product  Kind = "product"
	Shipping Kind = "shipping"
	Fee      Kind = "fee"
	Rounding Kind = "rounding" // what the store's totals lack to equal their parts
	Note     Kind = "note"     // says something, costs nothing
)

// Line is a line of the order. Price × Quantity less Discount, rounded to the
// currency, is Total exactly. Price and Discount have at most six decimals.
type Line struct {
	// Key is stable for a line of the order from one reading to the next.
	Key         string
	LineID      int64 // of the store, 0 for lines it does not have
	Kind        Kind
	ProductID   int64 // of the store; 0 when the product was deleted
	VariationID int64
	SKU         string
	Name        string
	Details     []string // "Colour: Blue"
	Quantity    decimal.Decimal
	Price       decimal.Decimal // without tax
	Discount    decimal.Decimal // percent
	Total       decimal.Decimal // without tax
	Taxes       []Tax
}

// Tax is the amount of one rate on a line, rounded to the currency.
type Tax struct {
	RateID int64
	Amount decimal.Decimal
}

// Rate is a tax rate as it stood when the order was placed.
type Rate struct {
	ID             int64
	Name           string
	Percent        decimal.Decimal
	Compound       bool // charged on the price and the taxes before it
	Shipping       bool // the store's table charges it on shipping too
	Country, State string
	Class          string // "" when the order does not tell
	Priority       int
}

// Map maps an order.
func Map(in Input) Order {
	o := in.Order
	m := mapper{in: in, out: Order{
		ID: int64(o.ID), Number: o.Number, Status: o.Status, Via: o.CreatedVia, Currency: strings.ToUpper(strings.TrimSpace(o.Currency)), Places: in.Places,
		Created: o.DateCreated.Time, Modified: o.DateModified.Time, Paid: o.DatePaid.Time, Completed: o.DateCompleted.Time,
		Customer: CustomerOf(&o), Remark: clean(o.CustomerNote), State: Equal, Meta: texts(o.MetaData), Family: familyOf(&o),
		Payment: Payment{o.PaymentMethod, clean(o.PaymentMethodTitle), o.TransactionID},
	}}
	if m.out.Number == "" {
		m.out.Number = fmt.Sprint(o.ID)
	}
	m.out.Class, m.out.Why = in.Policy.classify(&o)
	m.once()
	m.kits()
	m.totals()
	m.lines()
	m.vouchers()
	m.coupons()
	m.taxes()
	m.balance()
	m.verify()
	return m.out
}

// Digest identifies what a document is made of: customer, lines, amounts,
// payment and remark, but neither the status nor any date of change, nor the SKU
// of a line, which is the product's present one.
func (o Order) Digest() string {
	o.Lines = slices.Clone(o.Lines)
	for i := range o.Lines {
		o.Lines[i].SKU = ""
	}
	o.Status, o.Class, o.Why, o.State, o.Notes, o.Refunds, o.Rates, o.Meta = "", "", "", "", nil, nil, nil, nil
	o.Modified, o.Paid, o.Completed = time.Time{}, time.Time{}, time.Time{}
	o.Totals.Refunded = decimal.Zero
	b, err := json.Marshal(o)
	if err != nil {
		panic(err) // plain values only
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// mapper is an order being mapped.
type mapper struct {
	in  Input
	out Order
	// raw holds the taxes of each line as the store keeps them, not rounded.
	raw map[int][]wcapi.LineTax
}

func (m *mapper) note(format string, args ...any) {
	m.out.Notes = append(m.out.Notes, fmt.Sprintf(format, args...))
}

// rounded tells of an adjustment.
func (m *mapper) rounded(format string, args ...any) {
	if m.out.State == Equal {
		m.out.State = Rounded
	}
	m.note(format, args...)
}

// mismatch tells of a difference that a person must decide on.
func (m *mapper) mismatch(format string, args ...any) {
	m.out.State = Mismatch
	m.note(format, args...)
}

// money writes an amount for people.
func (m *mapper) money(d decimal.Decimal) string {
	return d.StringFixed(m.in.Places) + " " + m.out.Currency
}

// tolerated reports whether a difference is within the tolerance. Of parts
// that are each rounded, every two may be off by one smallest amount together,
// so many lines explain more than few.
func (m *mapper) tolerated(d decimal.Decimal) bool {
	t := m.in.Tolerance
	if t > 0 {
		o := &m.in.Order
		t = max(t, (len(o.Lines)+len(o.ShippingLines)+len(o.FeeLines))/2)
	}
	return d.Abs().LessThanOrEqual(decimal.New(int64(t), -m.in.Places))
}

func (m *mapper) totals() {
	o := &m.in.Order
	cur := func(a wcapi.Amount) decimal.Decimal { return halfUp(a.Or(decimal.Zero), m.in.Places) }
	t := Totals{Total: cur(o.Total), Tax: cur(o.TotalTax), Shipping: cur(o.ShippingTotal), ShippingTax: cur(o.ShippingTax), Discount: cur(o.DiscountTotal)}
	t.Untaxed = t.Total.Sub(t.Tax)
	for _, r := range o.Refunds {
		amount := cur(r.Total).Abs()
		if r.ID == 0 {
			// What is left of a refund that was deleted from the store's database.
			m.note("The store lists a refund of %s without an id. It does not exist, and is left out.", m.money(amount))
			continue
		}
		m.out.Refunds = append(m.out.Refunds, Refund{int64(r.ID), amount, clean(r.Reason)})
		t.Refunded = t.Refunded.Add(amount)
	}
	m.out.Totals = t
	if m.out.Currency == "" {
		m.mismatch("The store does not say in which currency the order is.")
	}
	if !o.Total.Set {
		m.mismatch("The store gives no total for the order.")
	}
	if o.Total.Set && !o.Total.Decimal.Equal(t.Total) {
		m.rounded("The store's total %s has more decimals than %s; it is rounded to %s.", o.Total, m.out.Currency, m.money(t.Total))
	}
}

// texts are the readable values of meta data. Of several with one key the last
// counts, as in the store.
func texts(meta []wcapi.Meta) map[string]string {
	out := map[string]string{}
	for _, e := range meta {
		if v := e.Text(); v != "" {
			out[e.Key] = v
		}
	}
	maps.DeleteFunc(out, func(k, _ string) bool { return k == "" })
	if len(out) == 0 {
		return nil
	}
	return out
}
