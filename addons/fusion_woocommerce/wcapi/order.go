package wcapi

import "encoding/json"

// Order is an order of the store. Its amounts are in its own currency; dates
// are UTC. Line totals never include tax, whatever PricesIncludeTax says.
type Order struct {
	ID                 ID             `json:"id" wc:"strict"`
	ParentID           ID             `json:"parent_id"`
	Number             string         `json:"number"` // differs from ID with a numbering extension
	OrderKey           string         `json:"order_key"`
	Status             string         `json:"status"` // without the wc- prefix
	Currency           string         `json:"currency"`
	Version            string         `json:"version"`
	CreatedVia         string         `json:"created_via"`
	PricesIncludeTax   Flag           `json:"prices_include_tax"`
	DateCreated        Time           `json:"date_created_gmt"`
	DateModified       Time           `json:"date_modified_gmt"`
	DateCompleted      Time           `json:"date_completed_gmt"`
	DatePaid           Time           `json:"date_paid_gmt"`
	DiscountTotal      Amount         `json:"discount_total"`
	DiscountTax        Amount         `json:"discount_tax"`
	ShippingTotal      Amount         `json:"shipping_total"`
	ShippingTax        Amount         `json:"shipping_tax"`
	CartTax            Amount         `json:"cart_tax"`
	Total              Amount         `json:"total"`
	TotalTax           Amount         `json:"total_tax"`
	CustomerID         ID             `json:"customer_id"` // 0 for guests
	CustomerNote       string         `json:"customer_note"`
	Billing            Address        `json:"billing" wc:"loose"`
	Shipping           Address        `json:"shipping" wc:"loose"`
	PaymentMethod      string         `json:"payment_method"`
	PaymentMethodTitle string         `json:"payment_method_title"`
	TransactionID      string         `json:"transaction_id"`
	MetaData           []Meta         `json:"meta_data" wc:"loose"`
	Lines              []LineItem     `json:"line_items"`
	TaxLines           []TaxLine      `json:"tax_lines"`
	ShippingLines      []ShippingLine `json:"shipping_lines"`
	FeeLines           []FeeLine      `json:"fee_lines"`
	CouponLines        []CouponLine   `json:"coupon_lines"`
	Refunds            []RefundRef    `json:"refunds"`
	GiftCards          []GiftCard     `json:"gift_cards" wc:"loose"` // of extensions
}

// GiftCard is a card or voucher that paid a part of an order. Total is less by it.
type GiftCard struct {
	ID     ID     `json:"id"`
	Code   string `json:"code"`
	Amount Amount `json:"amount"`
}

// UnmarshalJSON reads an order in all the shapes that stores send.
func (o *Order) UnmarshalJSON(b []byte) error {
	*o = Order{}
	return readObject(b, o)
}

// Address is a billing or shipping address. Shipping addresses have no email.
type Address struct {
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Company   string `json:"company"`
	Address1  string `json:"address_1"`
	Address2  string `json:"address_2"`
	City      string `json:"city"`
	State     string `json:"state"` // code where the country has codes, free text elsewhere
	Postcode  string `json:"postcode"`
	Country   string `json:"country"` // ISO 3166 alpha-2
	Email     string `json:"email"`
	Phone     string `json:"phone"`
}

// Empty reports whether nothing is filled in.
func (a Address) Empty() bool { return a == Address{} }

// Meta is one entry of meta_data. Extensions store any JSON value.
type Meta struct {
	ID           ID              `json:"id"`
	Key          string          `json:"key"`
	Value        json.RawMessage `json:"value"`
	DisplayKey   json.RawMessage `json:"display_key"`
	DisplayValue json.RawMessage `json:"display_value"`
}

// Text is the value when it is a text or a number, else "".
func (m Meta) Text() string { return rawText(m.Value) }

// Shown is the pair a shop shows its customer: "Colour", "Blue".
func (m Meta) Shown() (key, value string) { return rawText(m.DisplayKey), rawText(m.DisplayValue) }

func rawText(b json.RawMessage) string {
	s, err := scalarText(b)
	if err != nil {
		return ""
	}
	return s
}

// LineTax is the tax of one rate on one line, not rounded (up to 6 decimals).
// RateID is the rate's number in the store's tax table. Tax services put their
// own there, also sentences: those read as a number below 0 that is the same for
// the same sentence.
// Subtotal is the tax before discounts; shipping and fees have none.
type LineTax struct {
	RateID   ID     `json:"id" wc:"key"`
	Total    Amount `json:"total"`
	Subtotal Amount `json:"subtotal"`
}

// LineItem is a line of goods. Total is after, Subtotal before discounts.
// ProductID and VariationID are 0, and SKU is empty, once the product is
// deleted.
type LineItem struct {
	ID          ID        `json:"id"`
	Name        string    `json:"name"`
	ParentName  string    `json:"parent_name"`
	ProductID   ID        `json:"product_id"`
	VariationID ID        `json:"variation_id"`
	SKU         string    `json:"sku"`
	Quantity    Number    `json:"quantity"`
	TaxClass    string    `json:"tax_class"`
	Subtotal    Amount    `json:"subtotal"`
	SubtotalTax Amount    `json:"subtotal_tax"`
	Total       Amount    `json:"total"`
	TotalTax    Amount    `json:"total_tax"`
	Taxes       []LineTax `json:"taxes"`
	MetaData    []Meta    `json:"meta_data"`
	// The line of the kit that this one is a part of, where an extension says so.
	CompositeParent ID `json:"composite_parent"`
	BundledBy       ID `json:"bundled_by"`
}

// TaxLine is the sum of one rate over the order. The rate is the one at the
// time of the order, also when it has been changed or deleted since.
type TaxLine struct {
	ID               ID     `json:"id"`
	RateCode         string `json:"rate_code"`
	RateID           ID     `json:"rate_id" wc:"key"`
	Label            string `json:"label"`
	Compound         Flag   `json:"compound"`
	TaxTotal         Amount `json:"tax_total"`
	ShippingTaxTotal Amount `json:"shipping_tax_total"`
	RatePercent      Number `json:"rate_percent" wc:"loose"`
}

// ShippingLine is a method of delivery that was charged (or free).
type ShippingLine struct {
	ID          ID        `json:"id"`
	MethodTitle string    `json:"method_title"`
	MethodID    string    `json:"method_id"` // flat_rate, free_shipping, local_pickup, …
	InstanceID  string    `json:"instance_id"`
	Total       Amount    `json:"total"`
	TotalTax    Amount    `json:"total_tax"`
	Taxes       []LineTax `json:"taxes"`
	MetaData    []Meta    `json:"meta_data"`
}

// FeeLine is a surcharge, or a discount when negative.
type FeeLine struct {
	ID        ID        `json:"id"`
	Name      string    `json:"name"`
	TaxClass  string    `json:"tax_class"`
	TaxStatus string    `json:"tax_status"` // taxable, none
	Amount    Amount    `json:"amount" wc:"loose"`
	Total     Amount    `json:"total"`
	TotalTax  Amount    `json:"total_tax"`
	Taxes     []LineTax `json:"taxes"`
	MetaData  []Meta    `json:"meta_data"`
}

// CouponLine says which coupon was used. Its discount is already taken off the
// lines. DiscountTax is not rounded.
type CouponLine struct {
	ID           ID     `json:"id"`
	Code         string `json:"code"`
	Discount     Amount `json:"discount" wc:"loose"`
	DiscountTax  Amount `json:"discount_tax" wc:"loose"`
	DiscountType string `json:"discount_type"` // percent, fixed_cart, fixed_product
	FreeShipping Flag   `json:"free_shipping"`
}

// RefundRef is how an order lists its refunds; Total is negative.
type RefundRef struct {
	ID     ID     `json:"id"`
	Reason string `json:"reason"`
	Total  Amount `json:"total"`
}

// Refund is money given back on an order. Amount is positive; lines have
// negative quantities and totals and name the line they undo, see Origin.
type Refund struct {
	ID              ID             `json:"id" wc:"strict"`
	ParentID        ID             `json:"parent_id"` // the order; only GET /refunds gives it
	DateCreated     Time           `json:"date_created_gmt"`
	Amount          Amount         `json:"amount"`
	Reason          string         `json:"reason"`
	RefundedBy      ID             `json:"refunded_by"`
	RefundedPayment Flag           `json:"refunded_payment"`
	MetaData        []Meta         `json:"meta_data"`
	Lines           []LineItem     `json:"line_items"`
	ShippingLines   []ShippingLine `json:"shipping_lines"`
	TaxLines        []TaxLine      `json:"tax_lines"`
	FeeLines        []FeeLine      `json:"fee_lines"`
}

// UnmarshalJSON reads a refund in all the shapes that stores send.
func (r *Refund) UnmarshalJSON(b []byte) error {
	*r = Refund{}
	return readObject(b, r)
}

// Origin is the id of the order line a refund's line undoes, 0 when unknown.
func Origin(meta []Meta) ID {
	for _, m := range meta {
		if m.Key == "_refunded_item_id" {
			var id ID
			if id.UnmarshalJSON(m.Value) == nil {
				return id
			}
		}
	}
	return 0
}

// OrderNote is a remark on an order.
type OrderNote struct {
	ID           ID     `json:"id" wc:"strict"`
	Author       string `json:"author"`
	DateCreated  Time   `json:"date_created_gmt"`
	Note         string `json:"note"` // HTML
	CustomerNote Flag   `json:"customer_note"`
	AddedByUser  Flag   `json:"added_by_user"`
}
